//! Every error of Kafka's protocol (`org.apache.kafka.common.protocol.Errors`, Kafka 4.3): name, code,
//! message, whether a client may retry, and the Java exception that applications see.

macro_rules! errors {
    ($($variant:ident $code:literal $name:literal $retriable:literal $exception:literal $message:literal;)*) => {
        /// An error code of Kafka's protocol; `None` is success.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ErrorCode {
            $(#[doc = $message] $variant,)*
        }

        impl ErrorCode {
            /// Every error in order of its code.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number on the wire.
            pub fn code(self) -> i16 {
                match self { $(Self::$variant => $code,)* }
            }

            /// Kafka's constant name, such as `NOT_LEADER_OR_FOLLOWER`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Kafka's own sentence about the error.
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }

            /// Whether Kafka's clients treat it as retriable (`RetriableException`).
            pub fn is_retriable(self) -> bool {
                match self { $(Self::$variant => $retriable,)* }
            }

            /// Simple name of the exception class that applications see; empty for `NONE`.
            pub fn exception(self) -> &'static str {
                match self { $(Self::$variant => $exception,)* }
            }
        }
    };
}

errors! {
    UnknownServerError -1 "UNKNOWN_SERVER_ERROR" false "UnknownServerException" "The server experienced an unexpected error when processing the request.";
    None 0 "NONE" false "" "Success.";
    OffsetOutOfRange 1 "OFFSET_OUT_OF_RANGE" false "OffsetOutOfRangeException" "The requested offset is not within the range of offsets maintained by the server.";
    CorruptMessage 2 "CORRUPT_MESSAGE" true "CorruptRecordException" "This message has failed its CRC checksum, exceeds the valid size, has a null key for a compacted topic, or is otherwise corrupt.";
    UnknownTopicOrPartition 3 "UNKNOWN_TOPIC_OR_PARTITION" true "UnknownTopicOrPartitionException" "This server does not host this topic-partition.";
    InvalidFetchSize 4 "INVALID_FETCH_SIZE" false "InvalidFetchSizeException" "The requested fetch size is invalid.";
    LeaderNotAvailable 5 "LEADER_NOT_AVAILABLE" true "LeaderNotAvailableException" "There is no leader for this topic-partition as we are in the middle of a leadership election.";
    NotLeaderOrFollower 6 "NOT_LEADER_OR_FOLLOWER" true "NotLeaderOrFollowerException" "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition.";
    RequestTimedOut 7 "REQUEST_TIMED_OUT" true "TimeoutException" "The request timed out.";
    BrokerNotAvailable 8 "BROKER_NOT_AVAILABLE" false "BrokerNotAvailableException" "The broker is not available.";
    ReplicaNotAvailable 9 "REPLICA_NOT_AVAILABLE" true "ReplicaNotAvailableException" "The replica is not available for the requested topic-partition. Produce/Fetch requests and other requests intended only for the leader or follower return NOT_LEADER_OR_FOLLOWER if the broker is not a replica of the topic-partition.";
    MessageTooLarge 10 "MESSAGE_TOO_LARGE" false "RecordTooLargeException" "The request included a message larger than the max message size the server will accept.";
    StaleControllerEpoch 11 "STALE_CONTROLLER_EPOCH" false "ControllerMovedException" "The controller moved to another broker.";
    OffsetMetadataTooLarge 12 "OFFSET_METADATA_TOO_LARGE" false "OffsetMetadataTooLarge" "The metadata field of the offset request was too large.";
    NetworkException 13 "NETWORK_EXCEPTION" true "NetworkException" "The server disconnected before a response was received.";
    CoordinatorLoadInProgress 14 "COORDINATOR_LOAD_IN_PROGRESS" true "CoordinatorLoadInProgressException" "The coordinator is loading and hence can't process requests.";
    CoordinatorNotAvailable 15 "COORDINATOR_NOT_AVAILABLE" true "CoordinatorNotAvailableException" "The coordinator is not available.";
    NotCoordinator 16 "NOT_COORDINATOR" true "NotCoordinatorException" "This is not the correct coordinator.";
    InvalidTopicException 17 "INVALID_TOPIC_EXCEPTION" false "InvalidTopicException" "The request attempted to perform an operation on an invalid topic.";
    RecordListTooLarge 18 "RECORD_LIST_TOO_LARGE" false "RecordBatchTooLargeException" "The request included message batch larger than the configured segment size on the server.";
    NotEnoughReplicas 19 "NOT_ENOUGH_REPLICAS" true "NotEnoughReplicasException" "Messages are rejected since there are fewer in-sync replicas than required.";
    NotEnoughReplicasAfterAppend 20 "NOT_ENOUGH_REPLICAS_AFTER_APPEND" true "NotEnoughReplicasAfterAppendException" "Messages are written to the log, but to fewer in-sync replicas than required.";
    InvalidRequiredAcks 21 "INVALID_REQUIRED_ACKS" false "InvalidRequiredAcksException" "Produce request specified an invalid value for required acks.";
    IllegalGeneration 22 "ILLEGAL_GENERATION" false "IllegalGenerationException" "Specified group generation id is not valid.";
    InconsistentGroupProtocol 23 "INCONSISTENT_GROUP_PROTOCOL" false "InconsistentGroupProtocolException" "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list.";
    InvalidGroupId 24 "INVALID_GROUP_ID" false "InvalidGroupIdException" "The group id is invalid.";
    UnknownMemberId 25 "UNKNOWN_MEMBER_ID" false "UnknownMemberIdException" "The coordinator is not aware of this member.";
    InvalidSessionTimeout 26 "INVALID_SESSION_TIMEOUT" false "InvalidSessionTimeoutException" "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms).";
    RebalanceInProgress 27 "REBALANCE_IN_PROGRESS" false "RebalanceInProgressException" "The group is rebalancing, so a rejoin is needed.";
    InvalidCommitOffsetSize 28 "INVALID_COMMIT_OFFSET_SIZE" false "InvalidCommitOffsetSizeException" "The committing offset data size is not valid.";
    TopicAuthorizationFailed 29 "TOPIC_AUTHORIZATION_FAILED" false "TopicAuthorizationException" "Topic authorization failed.";
    GroupAuthorizationFailed 30 "GROUP_AUTHORIZATION_FAILED" false "GroupAuthorizationException" "Group authorization failed.";
    ClusterAuthorizationFailed 31 "CLUSTER_AUTHORIZATION_FAILED" false "ClusterAuthorizationException" "Cluster authorization failed.";
    InvalidTimestamp 32 "INVALID_TIMESTAMP" false "InvalidTimestampException" "The timestamp of the message is out of acceptable range.";
    UnsupportedSaslMechanism 33 "UNSUPPORTED_SASL_MECHANISM" false "UnsupportedSaslMechanismException" "The broker does not support the requested SASL mechanism.";
    IllegalSaslState 34 "ILLEGAL_SASL_STATE" false "IllegalSaslStateException" "Request is not valid given the current SASL state.";
    UnsupportedVersion 35 "UNSUPPORTED_VERSION" false "UnsupportedVersionException" "The version of API is not supported.";
    TopicAlreadyExists 36 "TOPIC_ALREADY_EXISTS" false "TopicExistsException" "Topic with this name already exists.";
    InvalidPartitions 37 "INVALID_PARTITIONS" false "InvalidPartitionsException" "Number of partitions is below 1.";
    InvalidReplicationFactor 38 "INVALID_REPLICATION_FACTOR" false "InvalidReplicationFactorException" "Replication factor is below 1 or larger than the number of available brokers.";
    InvalidReplicaAssignment 39 "INVALID_REPLICA_ASSIGNMENT" false "InvalidReplicaAssignmentException" "Replica assignment is invalid.";
    InvalidConfig 40 "INVALID_CONFIG" false "InvalidConfigurationException" "Configuration is invalid.";
    NotController 41 "NOT_CONTROLLER" true "NotControllerException" "This is not the correct controller for this cluster.";
    InvalidRequest 42 "INVALID_REQUEST" false "InvalidRequestException" "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.";
    UnsupportedForMessageFormat 43 "UNSUPPORTED_FOR_MESSAGE_FORMAT" false "UnsupportedForMessageFormatException" "The message format version on the broker does not support the request.";
    PolicyViolation 44 "POLICY_VIOLATION" false "PolicyViolationException" "Request parameters do not satisfy the configured policy.";
    OutOfOrderSequenceNumber 45 "OUT_OF_ORDER_SEQUENCE_NUMBER" false "OutOfOrderSequenceException" "The broker received an out of order sequence number.";
    DuplicateSequenceNumber 46 "DUPLICATE_SEQUENCE_NUMBER" false "DuplicateSequenceException" "The broker received a duplicate sequence number.";
    InvalidProducerEpoch 47 "INVALID_PRODUCER_EPOCH" false "InvalidProducerEpochException" "Producer attempted to produce with an old epoch.";
    InvalidTxnState 48 "INVALID_TXN_STATE" false "InvalidTxnStateException" "The producer attempted a transactional operation in an invalid state.";
    InvalidProducerIdMapping 49 "INVALID_PRODUCER_ID_MAPPING" false "InvalidPidMappingException" "The producer attempted to use a producer id which is not currently assigned to its transactional id.";
    InvalidTransactionTimeout 50 "INVALID_TRANSACTION_TIMEOUT" false "InvalidTxnTimeoutException" "The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms).";
    ConcurrentTransactions 51 "CONCURRENT_TRANSACTIONS" true "ConcurrentTransactionsException" "The producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing.";
    TransactionCoordinatorFenced 52 "TRANSACTION_COORDINATOR_FENCED" false "TransactionCoordinatorFencedException" "Indicates that the transaction coordinator sending a WriteTxnMarker is no longer the current coordinator for a given producer.";
    TransactionalIdAuthorizationFailed 53 "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" false "TransactionalIdAuthorizationException" "Transactional Id authorization failed.";
    SecurityDisabled 54 "SECURITY_DISABLED" false "SecurityDisabledException" "Security features are disabled.";
    OperationNotAttempted 55 "OPERATION_NOT_ATTEMPTED" false "OperationNotAttemptedException" "The broker did not attempt to execute this operation. This may happen for batched RPCs where some operations in the batch failed, causing the broker to respond without trying the rest.";
    KafkaStorageError 56 "KAFKA_STORAGE_ERROR" true "KafkaStorageException" "Disk error when trying to access log file on the disk.";
    LogDirNotFound 57 "LOG_DIR_NOT_FOUND" false "LogDirNotFoundException" "The user-specified log directory is not found in the broker config.";
    SaslAuthenticationFailed 58 "SASL_AUTHENTICATION_FAILED" false "SaslAuthenticationException" "SASL Authentication failed.";
    UnknownProducerId 59 "UNKNOWN_PRODUCER_ID" false "UnknownProducerIdException" "This exception is raised by the broker if it could not locate the producer metadata associated with the producerId in question. This could happen if, for instance, the producer's records were deleted because their retention time had elapsed. Once the last records of the producerId are removed, the producer's metadata is removed from the broker, and future appends by the producer will return this exception.";
    ReassignmentInProgress 60 "REASSIGNMENT_IN_PROGRESS" false "ReassignmentInProgressException" "A partition reassignment is in progress.";
    DelegationTokenAuthDisabled 61 "DELEGATION_TOKEN_AUTH_DISABLED" false "DelegationTokenDisabledException" "Delegation Token feature is not enabled.";
    DelegationTokenNotFound 62 "DELEGATION_TOKEN_NOT_FOUND" false "DelegationTokenNotFoundException" "Delegation Token is not found on server.";
    DelegationTokenOwnerMismatch 63 "DELEGATION_TOKEN_OWNER_MISMATCH" false "DelegationTokenOwnerMismatchException" "Specified Principal is not valid Owner/Renewer.";
    DelegationTokenRequestNotAllowed 64 "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED" false "UnsupportedByAuthenticationException" "Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.";
    DelegationTokenAuthorizationFailed 65 "DELEGATION_TOKEN_AUTHORIZATION_FAILED" false "DelegationTokenAuthorizationException" "Delegation Token authorization failed.";
    DelegationTokenExpired 66 "DELEGATION_TOKEN_EXPIRED" false "DelegationTokenExpiredException" "Delegation Token is expired.";
    InvalidPrincipalType 67 "INVALID_PRINCIPAL_TYPE" false "InvalidPrincipalTypeException" "Supplied principalType is not supported.";
    NonEmptyGroup 68 "NON_EMPTY_GROUP" false "GroupNotEmptyException" "The group is not empty.";
    GroupIdNotFound 69 "GROUP_ID_NOT_FOUND" false "GroupIdNotFoundException" "The group id does not exist.";
    FetchSessionIdNotFound 70 "FETCH_SESSION_ID_NOT_FOUND" true "FetchSessionIdNotFoundException" "The fetch session ID was not found.";
    InvalidFetchSessionEpoch 71 "INVALID_FETCH_SESSION_EPOCH" true "InvalidFetchSessionEpochException" "The fetch session epoch is invalid.";
    ListenerNotFound 72 "LISTENER_NOT_FOUND" true "ListenerNotFoundException" "There is no listener on the leader broker that matches the listener on which metadata request was processed.";
    TopicDeletionDisabled 73 "TOPIC_DELETION_DISABLED" false "TopicDeletionDisabledException" "Topic deletion is disabled.";
    FencedLeaderEpoch 74 "FENCED_LEADER_EPOCH" true "FencedLeaderEpochException" "The leader epoch in the request is older than the epoch on the broker.";
    UnknownLeaderEpoch 75 "UNKNOWN_LEADER_EPOCH" true "UnknownLeaderEpochException" "The leader epoch in the request is newer than the epoch on the broker.";
    UnsupportedCompressionType 76 "UNSUPPORTED_COMPRESSION_TYPE" false "UnsupportedCompressionTypeException" "The requesting client does not support the compression type of given partition.";
    StaleBrokerEpoch 77 "STALE_BROKER_EPOCH" false "StaleBrokerEpochException" "Broker epoch has changed.";
    OffsetNotAvailable 78 "OFFSET_NOT_AVAILABLE" true "OffsetNotAvailableException" "The leader high watermark has not caught up from a recent leader election so the offsets cannot be guaranteed to be monotonically increasing.";
    MemberIdRequired 79 "MEMBER_ID_REQUIRED" false "MemberIdRequiredException" "The group member needs to have a valid member id before actually entering a consumer group.";
    PreferredLeaderNotAvailable 80 "PREFERRED_LEADER_NOT_AVAILABLE" true "PreferredLeaderNotAvailableException" "The preferred leader was not available.";
    GroupMaxSizeReached 81 "GROUP_MAX_SIZE_REACHED" false "GroupMaxSizeReachedException" "The group has reached its maximum size.";
    FencedInstanceId 82 "FENCED_INSTANCE_ID" false "FencedInstanceIdException" "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id.";
    EligibleLeadersNotAvailable 83 "ELIGIBLE_LEADERS_NOT_AVAILABLE" true "EligibleLeadersNotAvailableException" "Eligible topic partition leaders are not available.";
    ElectionNotNeeded 84 "ELECTION_NOT_NEEDED" true "ElectionNotNeededException" "Leader election not needed for topic partition.";
    NoReassignmentInProgress 85 "NO_REASSIGNMENT_IN_PROGRESS" false "NoReassignmentInProgressException" "No partition reassignment is in progress.";
    GroupSubscribedToTopic 86 "GROUP_SUBSCRIBED_TO_TOPIC" false "GroupSubscribedToTopicException" "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it.";
    InvalidRecord 87 "INVALID_RECORD" false "InvalidRecordException" "This record has failed the validation on broker and hence will be rejected.";
    UnstableOffsetCommit 88 "UNSTABLE_OFFSET_COMMIT" true "UnstableOffsetCommitException" "There are unstable offsets that need to be cleared.";
    ThrottlingQuotaExceeded 89 "THROTTLING_QUOTA_EXCEEDED" true "ThrottlingQuotaExceededException" "The throttling quota has been exceeded.";
    ProducerFenced 90 "PRODUCER_FENCED" false "ProducerFencedException" "There is a newer producer with the same transactionalId which fences the current one.";
    ResourceNotFound 91 "RESOURCE_NOT_FOUND" false "ResourceNotFoundException" "A request illegally referred to a resource that does not exist.";
    DuplicateResource 92 "DUPLICATE_RESOURCE" false "DuplicateResourceException" "A request illegally referred to the same resource twice.";
    UnacceptableCredential 93 "UNACCEPTABLE_CREDENTIAL" false "UnacceptableCredentialException" "Requested credential would not meet criteria for acceptability.";
    InconsistentVoterSet 94 "INCONSISTENT_VOTER_SET" false "InconsistentVoterSetException" "Indicates that the either the sender or recipient of a voter-only request is not one of the expected voters.";
    InvalidUpdateVersion 95 "INVALID_UPDATE_VERSION" false "InvalidUpdateVersionException" "The given update version was invalid.";
    FeatureUpdateFailed 96 "FEATURE_UPDATE_FAILED" false "FeatureUpdateFailedException" "Unable to update finalized features due to an unexpected server error.";
    PrincipalDeserializationFailure 97 "PRINCIPAL_DESERIALIZATION_FAILURE" false "PrincipalDeserializationException" "Request principal deserialization failed during forwarding. This indicates an internal error on the broker cluster security setup.";
    SnapshotNotFound 98 "SNAPSHOT_NOT_FOUND" false "SnapshotNotFoundException" "Requested snapshot was not found.";
    PositionOutOfRange 99 "POSITION_OUT_OF_RANGE" false "PositionOutOfRangeException" "Requested position is not greater than or equal to zero, and less than the size of the snapshot.";
    UnknownTopicId 100 "UNKNOWN_TOPIC_ID" true "UnknownTopicIdException" "This server does not host this topic ID.";
    DuplicateBrokerRegistration 101 "DUPLICATE_BROKER_REGISTRATION" false "DuplicateBrokerRegistrationException" "This broker ID is already in use.";
    BrokerIdNotRegistered 102 "BROKER_ID_NOT_REGISTERED" false "BrokerIdNotRegisteredException" "The given broker ID was not registered.";
    InconsistentTopicId 103 "INCONSISTENT_TOPIC_ID" true "InconsistentTopicIdException" "The log's topic ID did not match the topic ID in the request.";
    InconsistentClusterId 104 "INCONSISTENT_CLUSTER_ID" false "InconsistentClusterIdException" "The clusterId in the request does not match that found on the server.";
    TransactionalIdNotFound 105 "TRANSACTIONAL_ID_NOT_FOUND" false "TransactionalIdNotFoundException" "The transactionalId could not be found.";
    FetchSessionTopicIdError 106 "FETCH_SESSION_TOPIC_ID_ERROR" true "FetchSessionTopicIdException" "The fetch session encountered inconsistent topic ID usage.";
    IneligibleReplica 107 "INELIGIBLE_REPLICA" false "IneligibleReplicaException" "The new ISR contains at least one ineligible replica.";
    NewLeaderElected 108 "NEW_LEADER_ELECTED" false "NewLeaderElectedException" "The AlterPartition request successfully updated the partition state but the leader has changed.";
    OffsetMovedToTieredStorage 109 "OFFSET_MOVED_TO_TIERED_STORAGE" false "OffsetMovedToTieredStorageException" "The requested offset is moved to tiered storage.";
    FencedMemberEpoch 110 "FENCED_MEMBER_EPOCH" false "FencedMemberEpochException" "The member epoch is fenced by the group coordinator. The member must abandon all its partitions and rejoin.";
    UnreleasedInstanceId 111 "UNRELEASED_INSTANCE_ID" false "UnreleasedInstanceIdException" "The instance ID is still used by another member in the consumer group. That member must leave first.";
    UnsupportedAssignor 112 "UNSUPPORTED_ASSIGNOR" false "UnsupportedAssignorException" "The assignor or its version range is not supported by the consumer group.";
    StaleMemberEpoch 113 "STALE_MEMBER_EPOCH" false "StaleMemberEpochException" "The member epoch is stale. The member must retry after receiving its updated member epoch via the ConsumerGroupHeartbeat API.";
    MismatchedEndpointType 114 "MISMATCHED_ENDPOINT_TYPE" false "MismatchedEndpointTypeException" "The request was sent to an endpoint of the wrong type.";
    UnsupportedEndpointType 115 "UNSUPPORTED_ENDPOINT_TYPE" false "UnsupportedEndpointTypeException" "This endpoint type is not supported yet.";
    UnknownControllerId 116 "UNKNOWN_CONTROLLER_ID" false "UnknownControllerIdException" "This controller ID is not known.";
    UnknownSubscriptionId 117 "UNKNOWN_SUBSCRIPTION_ID" false "UnknownSubscriptionIdException" "Client sent a push telemetry request with an invalid or outdated subscription ID.";
    TelemetryTooLarge 118 "TELEMETRY_TOO_LARGE" false "TelemetryTooLargeException" "Client sent a push telemetry request larger than the maximum size the broker will accept.";
    InvalidRegistration 119 "INVALID_REGISTRATION" false "InvalidRegistrationException" "The controller has considered the broker registration to be invalid.";
    TransactionAbortable 120 "TRANSACTION_ABORTABLE" false "TransactionAbortableException" "The server encountered an error with the transaction. The client can abort the transaction to continue using this transactional ID.";
    InvalidRecordState 121 "INVALID_RECORD_STATE" false "InvalidRecordStateException" "The record state is invalid. The acknowledgement of delivery could not be completed.";
    ShareSessionNotFound 122 "SHARE_SESSION_NOT_FOUND" true "ShareSessionNotFoundException" "The share session was not found.";
    InvalidShareSessionEpoch 123 "INVALID_SHARE_SESSION_EPOCH" true "InvalidShareSessionEpochException" "The share session epoch is invalid.";
    FencedStateEpoch 124 "FENCED_STATE_EPOCH" false "FencedStateEpochException" "The share coordinator rejected the request because the share-group state epoch did not match.";
    InvalidVoterKey 125 "INVALID_VOTER_KEY" false "InvalidVoterKeyException" "The voter key doesn't match the receiving replica's key.";
    DuplicateVoter 126 "DUPLICATE_VOTER" false "DuplicateVoterException" "The voter is already part of the set of voters.";
    VoterNotFound 127 "VOTER_NOT_FOUND" false "VoterNotFoundException" "The voter is not part of the set of voters.";
    InvalidRegularExpression 128 "INVALID_REGULAR_EXPRESSION" false "InvalidRegularExpression" "The regular expression is not valid.";
    RebootstrapRequired 129 "REBOOTSTRAP_REQUIRED" false "RebootstrapRequiredException" "Client metadata is stale. The client should rebootstrap to obtain new metadata.";
    StreamsInvalidTopology 130 "STREAMS_INVALID_TOPOLOGY" false "StreamsInvalidTopologyException" "The supplied topology is invalid.";
    StreamsInvalidTopologyEpoch 131 "STREAMS_INVALID_TOPOLOGY_EPOCH" false "StreamsInvalidTopologyEpochException" "The supplied topology epoch is invalid.";
    StreamsTopologyFenced 132 "STREAMS_TOPOLOGY_FENCED" false "StreamsTopologyFencedException" "The supplied topology epoch is outdated.";
    ShareSessionLimitReached 133 "SHARE_SESSION_LIMIT_REACHED" true "ShareSessionLimitReachedException" "The limit of share sessions has been reached.";
}

impl ErrorCode {
    /// Whether it stands for success.
    pub fn is_none(self) -> bool {
        self == Self::None
    }

    /// Whether it tells a client that its metadata is out of date (`InvalidMetadataException`).
    pub fn is_invalid_metadata(self) -> bool {
        matches!(
            self,
            Self::UnknownTopicOrPartition
                | Self::LeaderNotAvailable
                | Self::NotLeaderOrFollower
                | Self::ReplicaNotAvailable
                | Self::NetworkException
                | Self::KafkaStorageError
                | Self::ListenerNotFound
                | Self::FencedLeaderEpoch
                | Self::UnknownTopicId
                | Self::InconsistentTopicId
        )
    }

    /// Success as `Ok`, anything else as `Err`.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_none() { Ok(()) } else { Err(self) }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kafkas_and_unique() {
        assert_eq!(ErrorCode::NotLeaderOrFollower.code(), 6);
        assert!(ErrorCode::NotLeaderOrFollower.is_retriable());
        assert!(ErrorCode::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }
}
