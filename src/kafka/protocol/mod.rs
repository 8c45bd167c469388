//! Kafka's requests and responses by name (`org.apache.kafka.common.message`), with the fields the
//! model reads. Nothing here decides anything.

mod admin;
mod broker;
mod error;
mod fetch;
mod group;
mod metadata;
mod produce;
mod raft;
mod refusal;
mod share;
mod transaction;

pub use admin::*;
pub use broker::*;
pub use error::ErrorCode;
pub use fetch::*;
pub use group::*;
pub use metadata::*;
pub use produce::*;
pub use raft::*;
pub use share::*;
pub use transaction::*;

/// Pairs a response with its request on one connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CorrelationId(pub u64);

macro_rules! apis {
    ($($(#[doc = $doc:literal])* $name:ident $key:literal $request:ty => $response:ty;)*) => {
        /// The kinds of request (`ApiKeys`).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ApiKey {
            $($(#[doc = $doc])* $name,)*
        }

        impl ApiKey {
            /// Every kind, in order of declaration.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Kafka's name, such as `JoinGroup`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// Kafka's number of the API.
            pub fn id(self) -> i16 {
                match self { $(Self::$name => $key,)* }
            }
        }

        /// A request of a client or a broker.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Request {
            $($(#[doc = $doc])* $name(Box<$request>),)*
        }

        /// The answer to the [`Request`] of the same name.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Response {
            $($(#[doc = $doc])* $name(Box<$response>),)*
        }

        impl Request {
            /// Its kind.
            pub fn api(&self) -> ApiKey {
                match self { $(Self::$name(_) => ApiKey::$name,)* }
            }
        }

        impl Response {
            /// Kind of the request it answers.
            pub fn api(&self) -> ApiKey {
                match self { $(Self::$name(_) => ApiKey::$name,)* }
            }
        }

        $(
            impl From<$request> for Request {
                fn from(body: $request) -> Self {
                    Self::$name(Box::new(body))
                }
            }

            impl From<$response> for Response {
                fn from(body: $response) -> Self {
                    Self::$name(Box::new(body))
                }
            }
        )*
    };
}

apis! {
    /// Append batches to partitions.
    Produce 0 ProduceRequest => ProduceResponse;
    /// Read batches from partitions: consumers, followers, and observers of the metadata log.
    Fetch 1 FetchRequest => FetchResponse;
    /// Find offsets by position or time.
    ListOffsets 2 ListOffsetsRequest => ListOffsetsResponse;
    /// Learn brokers, topics and leaders.
    Metadata 3 MetadataRequest => MetadataResponse;
    /// Store consumed offsets.
    OffsetCommit 8 OffsetCommitRequest => OffsetCommitResponse;
    /// Read stored offsets.
    OffsetFetch 9 OffsetFetchRequest => OffsetFetchResponse;
    /// Find the coordinator of a group.
    FindCoordinator 10 FindCoordinatorRequest => FindCoordinatorResponse;
    /// Enter a group, or a new generation of it.
    JoinGroup 11 JoinGroupRequest => JoinGroupResponse;
    /// Stay in a group.
    Heartbeat 12 HeartbeatRequest => HeartbeatResponse;
    /// Leave a group.
    LeaveGroup 13 LeaveGroupRequest => LeaveGroupResponse;
    /// Hand in or collect the assignment of a generation.
    SyncGroup 14 SyncGroupRequest => SyncGroupResponse;
    /// Look at classic groups.
    DescribeGroups 15 DescribeGroupsRequest => DescribeGroupsResponse;
    /// Name the groups of a coordinator.
    ListGroups 16 ListGroupsRequest => ListGroupsResponse;
    /// Open a connection.
    ApiVersions 18 ApiVersionsRequest => ApiVersionsResponse;
    /// Create topics.
    CreateTopics 19 CreateTopicsRequest => CreateTopicsResponse;
    /// Delete topics.
    DeleteTopics 20 DeleteTopicsRequest => DeleteTopicsResponse;
    /// Delete the records before an offset.
    DeleteRecords 21 DeleteRecordsRequest => DeleteRecordsResponse;
    /// Get a producer id.
    InitProducerId 22 InitProducerIdRequest => InitProducerIdResponse;
    /// Find where leader epochs end.
    OffsetForLeaderEpoch 23 OffsetForLeaderEpochRequest => OffsetForLeaderEpochResponse;
    /// Add partitions to a transaction.
    AddPartitionsToTxn 24 AddPartitionsToTxnRequest => AddPartitionsToTxnResponse;
    /// Commit or abort a transaction.
    EndTxn 26 EndTxnRequest => EndTxnResponse;
    /// Write the markers that end transactions.
    WriteTxnMarkers 27 WriteTxnMarkersRequest => WriteTxnMarkersResponse;
    /// Store consumed offsets as part of a transaction.
    TxnOffsetCommit 28 TxnOffsetCommitRequest => TxnOffsetCommitResponse;
    /// Add partitions to a topic.
    CreatePartitions 37 CreatePartitionsRequest => CreatePartitionsResponse;
    /// Elect preferred or unclean leaders.
    ElectLeaders 43 ElectLeadersRequest => ElectLeadersResponse;
    /// Change settings of topics.
    IncrementalAlterConfigs 44 IncrementalAlterConfigsRequest => IncrementalAlterConfigsResponse;
    /// Move replicas to other brokers.
    AlterPartitionReassignments 45 AlterPartitionReassignmentsRequest => AlterPartitionReassignmentsResponse;
    /// List the moves of replicas under way.
    ListPartitionReassignments 46 ListPartitionReassignmentsRequest => ListPartitionReassignmentsResponse;
    /// Ask for the quotas of clients.
    DescribeClientQuotas 48 DescribeClientQuotasRequest => DescribeClientQuotasResponse;
    /// Change quotas of clients.
    AlterClientQuotas 49 AlterClientQuotasRequest => AlterClientQuotasResponse;
    /// Ask for a vote in the metadata quorum.
    Vote 52 VoteRequest => VoteResponse;
    /// The new leader of the metadata quorum tells of itself.
    BeginQuorumEpoch 53 BeginQuorumEpochRequest => BeginQuorumEpochResponse;
    /// The leader of the metadata quorum gives up.
    EndQuorumEpoch 54 EndQuorumEpochRequest => EndQuorumEpochResponse;
    /// Look at the metadata quorum.
    DescribeQuorum 55 DescribeQuorumRequest => DescribeQuorumResponse;
    /// A leader proposes a new ISR to the controller.
    AlterPartition 56 AlterPartitionRequest => AlterPartitionResponse;
    /// A broker process announces itself to the controller.
    BrokerRegistration 62 BrokerRegistrationRequest => BrokerRegistrationResponse;
    /// A broker stays registered.
    BrokerHeartbeat 63 BrokerHeartbeatRequest => BrokerHeartbeatResponse;
    /// Join, stay in and leave a group of KIP-848.
    ConsumerGroupHeartbeat 68 ConsumerGroupHeartbeatRequest => ConsumerGroupHeartbeatResponse;
    /// Join, stay in and leave a share group.
    ShareGroupHeartbeat 76 ShareGroupHeartbeatRequest => ShareGroupHeartbeatResponse;
    /// Say what became of records, and get more.
    ShareFetch 78 ShareFetchRequest => ShareFetchResponse;
    /// Say what became of records.
    ShareAcknowledge 79 ShareAcknowledgeRequest => ShareAcknowledgeResponse;
    /// Read what is stored of a share partition.
    ReadShareGroupState 84 ReadShareGroupStateRequest => ReadShareGroupStateResponse;
    /// Store states of a share partition's records.
    WriteShareGroupState 85 WriteShareGroupStateRequest => WriteShareGroupStateResponse;
}

impl Request {
    /// Number of records inside, for the picture and the statistics.
    pub fn record_count(&self) -> usize {
        match self {
            Self::Produce(request) => request.partitions.iter().map(|p| p.batch.len()).sum(),
            _ => 0,
        }
    }
}

impl Response {
    /// Number of records inside, for the picture and the statistics.
    pub fn record_count(&self) -> usize {
        match self {
            Self::Fetch(response) => response
                .partitions
                .iter()
                .flat_map(|partition| &partition.records)
                .map(|stored| stored.batch.len())
                .sum(),
            Self::ShareFetch(response) => response
                .partitions
                .iter()
                .flat_map(|partition| &partition.acquired)
                .map(crate::kafka::share::AcquiredRecords::len)
                .sum(),
            _ => 0,
        }
    }
}
