//! The broker process (`BrokerServer`, `ReplicaManager`, `KafkaApis`).
//!
//! What survives a crash is [`disk::Disk`]; everything else is [`Process`], which begins anew at every
//! start. Not here: tiered storage, log directories, delegation tokens and every other thing no message of the model speaks of.

mod apis;
mod channels;
mod coordination;
mod delete_records;
mod disk;
mod dynamic_config;
mod fetch;
mod fetch_session;
mod fetcher;
mod forward;
mod isr;
mod lifecycle;
mod log_manager;
mod markers;
mod metadata;
mod produce;
mod purgatory;
mod queries;
mod quotas;
mod replicas;
mod requests;
mod share;
mod share_state;
mod throttles;
mod transactions;
mod truncation;
mod verification;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use self::channels::Channels;
use self::delete_records::DeleteRecordsPurgatory;
use self::disk::{Disk, WriteQueue};
use self::fetch::FetchPurgatory;
use self::fetch_session::FetchSession;
use self::fetcher::Fetcher;
use self::isr::AlterPartitions;
use self::lifecycle::Lifecycle;
use self::log_manager::LogManager;
use self::metadata::MetadataFollower;
use self::purgatory::ProducePurgatory;
use self::quotas::Quotas;
use self::requests::Requests;
use self::share::Shares;
use self::throttles::ReplicationQuotas;
use self::transactions::{BrokerProducerIds, TransactionSide};
pub use self::view::ReplicaView;
use super::config::{BrokerConfig, GroupConfigs};
use super::coordinator::{CoordinatorAppend, CoordinatorTimer, GroupCoordinator};
use super::effect::{Command, Input, Out, Timer};
use super::log::UnifiedLog;
use super::metadata::MetadataImage;
use super::partition::{Partition, Surroundings};
use super::protocol::{ErrorCode, LeaderIdAndEpoch};
use super::transaction::TransactionTimer;
use crate::base::{Duration, NodeId, PartitionMap, Time, TopicPartition};

/// What comes back at once would stop the clock; Kafka's schedulers count in milliseconds.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

/// `producer.id.expiration.check.interval.ms`, at Kafka's default.
const PRODUCER_EXPIRY_CHECK: Duration = Duration::from_secs(600);

/// Timers of a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokerTimer {
    /// Of the group coordinator inside.
    Coordinator(CoordinatorTimer),
    /// Of the transaction coordinator inside.
    Transactions(TransactionTimer),
    /// Ask the transaction coordinator again, by the number of the verification.
    RetryVerification(u64),
    /// Register or send the next heartbeat; the number tells the last one planned from older ones.
    Communicate(u32),
    /// Some request of this broker may have waited too long for its answer.
    RequestTimeout,
    /// Ask the controller for metadata again after a failure.
    MetadataRetry,
    /// The oldest write of the disk's queue is done.
    DiskWrite,
    /// Look for followers that fell behind: every half `replica.lag.time.max.ms`.
    IsrCheck,
    /// Write the high watermarks down.
    Checkpoint,
    /// Forget producers that are silent: every ten minutes.
    ExpireProducers,
    /// Some `acks=all` produce may have waited too long.
    ProduceExpiry,
    /// Some fetch may have waited long enough.
    FetchExpiry,
    /// Partitions that follow this leader may have waited long enough after an error.
    FetcherRetry(NodeId),
    /// Send the in-sync replica changes that failed to reach the controller.
    AlterPartition,
    /// Send the forwarded requests that failed to reach the controller.
    ForwardRetry,
    /// Something of a share group may have run out of time.
    Share,
    /// A controlled shutdown that the controller never answered ends now.
    ShutdownTimeout,
    /// Look for segments to delete: at multiples of `log.retention.check.interval.ms`.
    RetentionCheck,
    /// Some DeleteRecords may have waited too long.
    DeleteRecordsExpiry,
    /// The connection of some throttled client is read again.
    Unthrottle,
    /// The cleaner has rested, or is done with a log.
    Cleaner,
}

/// What a broker process knows and forgets when it ends.
#[derive(Clone, Debug)]
struct Process {
    lifecycle: Lifecycle,
    channels: Channels,
    requests: Requests,
    metadata: MetadataFollower,
    image: Rc<MetadataImage>,
    writes: WriteQueue,
    partitions: PartitionMap<Rc<Partition>>,
    led: BTreeSet<TopicPartition>,
    produces: ProducePurgatory,
    fetches: FetchPurgatory,
    sessions: BTreeMap<NodeId, FetchSession>,
    /// Whether a follower's waiting fetch must be looked at again.
    woken_followers: bool,
    fetchers: BTreeMap<NodeId, Fetcher>,
    alter_partitions: AlterPartitions,
    forwards: forward::Forwards,
    creating_topics: BTreeSet<Rc<str>>,
    coordinator: GroupCoordinator,
    coordinator_appends: Vec<CoordinatorAppend>,
    started_at: Time,
    txn: Box<TransactionSide>,
    log_manager: LogManager,
    delete_records: DeleteRecordsPurgatory,
    quotas: Quotas,
    replication_quotas: Box<ReplicationQuotas>,
    shares: Box<Shares>,
}

impl Process {
    fn new(config: &Rc<BrokerConfig>) -> Self {
        Self {
            lifecycle: Lifecycle::default(),
            channels: Channels::default(),
            requests: Requests::default(),
            metadata: MetadataFollower::default(),
            image: Rc::default(),
            writes: WriteQueue::default(),
            partitions: PartitionMap::default(),
            led: BTreeSet::new(),
            produces: ProducePurgatory::default(),
            fetches: FetchPurgatory::default(),
            sessions: BTreeMap::new(),
            woken_followers: false,
            fetchers: BTreeMap::new(),
            alter_partitions: AlterPartitions::default(),
            forwards: forward::Forwards::default(),
            creating_topics: BTreeSet::new(),
            coordinator: GroupCoordinator::new(config.clone()),
            coordinator_appends: Vec::new(),
            started_at: Time::ZERO,
            txn: Box::new(TransactionSide::new(config)),
            log_manager: LogManager::default(),
            delete_records: DeleteRecordsPurgatory::default(),
            quotas: Quotas::default(),
            replication_quotas: Box::default(),
            shares: Box::default(),
        }
    }
}

/// A broker: its disk, and its process while it runs. Cheap to clone: logs, partitions and metadata
/// are shared until one side changes them.
#[derive(Clone, Debug)]
pub struct Broker {
    id: NodeId,
    rack: Option<Rc<str>>,
    /// What the process is started with.
    static_config: Rc<BrokerConfig>,
    /// What it goes by: that, with what was set since.
    config: Rc<BrokerConfig>,
    groups: Rc<GroupConfigs>,
    controllers: Rc<[NodeId]>,
    disk: Disk,
    producer_ids: BrokerProducerIds,
    running: bool,
    process: Process,
}

impl Broker {
    /// A broker with an empty disk whose process does not run yet. `controllers` are the quorum's
    /// voters, at least one.
    pub fn new(
        id: NodeId,
        rack: Option<Rc<str>>,
        config: Rc<BrokerConfig>,
        controllers: Rc<[NodeId]>,
    ) -> Self {
        let process = Process::new(&config);
        Self {
            id,
            rack,
            static_config: config.clone(),
            config,
            groups: Rc::default(),
            controllers,
            disk: Disk::default(),
            producer_ids: BrokerProducerIds::new(id),
            running: false,
            process,
        }
    }

    /// Gives it settings of single groups, which Kafka keeps in the metadata. Before the start.
    pub fn set_group_configs(&mut self, groups: Rc<GroupConfigs>) {
        self.groups = groups;
    }

    /// Starts the process on what the disk holds.
    pub fn start(&mut self, out: &mut Out<'_>) {
        self.config = self.static_config.clone();
        self.process = Process::new(&self.config);
        self.process.image = self.disk.image();
        self.process.started_at = out.now();
        self.running = true;
        self.process.log_manager = LogManager::new(out.now());
        self.start_lifecycle(out);
        self.fetch_metadata(out);
        self.schedule_isr_check(out);
        self.schedule_checkpoint(out);
        self.after(PRODUCER_EXPIRY_CHECK, BrokerTimer::ExpireProducers, out);
    }

    /// Ends the process at once. What is not on disk is gone; with `lose_disk` the disk is gone too.
    /// Call it also after [`super::effect::Effect::Halt`], before the next start.
    pub fn crash(&mut self, lose_disk: bool, out: &mut Out<'_>) {
        self.running = false;
        self.process = Process::new(&self.config);
        if lose_disk {
            self.disk.lose(out);
        } else {
            self.disk.recover();
        }
    }

    /// Handles one input of the running process.
    pub fn on(&mut self, input: Input, out: &mut Out<'_>) {
        if !self.running {
            return;
        }
        match input {
            Input::Request { from, correlation, body } => {
                self.receive(from, correlation, body, out);
            }
            Input::Response { correlation, body, .. } => self.on_response(correlation, body, out),
            Input::Disconnected { peer } => self.on_disconnected(peer, out),
            Input::Timer(Timer::Broker(timer)) => self.on_timer(timer, out),
            Input::Command(Command::Shutdown) => self.begin_shutdown(out),
            Input::Command(Command::SlowDisk { factor }) => self.disk.set_slowness(factor),
            Input::Timer(_) | Input::Command(_) => {}
        }
        self.settle(out);
    }

    /// What an input has set off elsewhere: coordinator records to append, fetches to answer, requests
    /// that waited behind those that are answered now.
    fn settle(&mut self, out: &mut Out<'_>) {
        let mut seen = 0;
        loop {
            self.write_coordinator_appends(out);
            self.send_markers(out);
            self.write_transaction_appends(out);
            self.answer_woken_followers(out);
            self.answer_woken_consumers(out);
            if self.process.shares.is_woken() {
                self.answer_woken_shares(out);
            }
            seen = self.unmute_answered(seen, out);
            let Some((from, correlation, body)) = self.process.channels.take_unmuted() else {
                return;
            };
            self.on_request(from, correlation, body, out);
        }
    }

    fn on_timer(&mut self, timer: BrokerTimer, out: &mut Out<'_>) {
        match timer {
            BrokerTimer::Coordinator(timer) => self.on_coordinator_timer(timer, out),
            BrokerTimer::Transactions(timer) => self.on_transaction_timer(timer, out),
            BrokerTimer::RetryVerification(number) => self.ask_to_add_partitions(number, out),
            BrokerTimer::Communicate(number) => self.communicate(number, out),
            BrokerTimer::RequestTimeout => self.expire_requests(out),
            BrokerTimer::MetadataRetry => self.fetch_metadata(out),
            BrokerTimer::DiskWrite => self.on_write_done(out),
            BrokerTimer::IsrCheck => {
                self.shrink_isrs(out);
                self.schedule_isr_check(out);
            }
            BrokerTimer::Checkpoint => {
                self.disk.checkpoint();
                self.schedule_checkpoint(out);
            }
            BrokerTimer::ExpireProducers => {
                self.disk.expire_producers(self.config.producer_id_expiration, out.now());
                self.after(PRODUCER_EXPIRY_CHECK, BrokerTimer::ExpireProducers, out);
            }
            BrokerTimer::ProduceExpiry => self.expire_produces(out),
            BrokerTimer::FetchExpiry => self.expire_fetches(out),
            BrokerTimer::FetcherRetry(leader) => self.retry_fetching(leader, out),
            BrokerTimer::AlterPartition => self.send_alter_partition(out),
            BrokerTimer::Share => self.on_share_timer(out),
            BrokerTimer::ForwardRetry => self.retry_forwards(out),
            BrokerTimer::ShutdownTimeout => self.end_shutdown(out),
            BrokerTimer::RetentionCheck => self.check_retention(out),
            BrokerTimer::DeleteRecordsExpiry => self.expire_delete_records(out),
            BrokerTimer::Unthrottle => self.process.channels.unmute_throttled(out.now()),
            BrokerTimer::Cleaner => self.run_cleaner(out),
        }
    }

    fn schedule_isr_check(&self, out: &mut Out<'_>) {
        let interval = self.config.replica_lag_time_max / 2;
        self.after(interval.max(SHORTEST_PERIOD), BrokerTimer::IsrCheck, out);
    }

    fn schedule_checkpoint(&self, out: &mut Out<'_>) {
        let interval = self.config.high_watermark_checkpoint_interval;
        self.after(interval.max(SHORTEST_PERIOD), BrokerTimer::Checkpoint, out);
    }

    #[expect(clippy::unused_self, reason = "reads as the broker's own timer at every call")]
    fn after(&self, delay: Duration, timer: BrokerTimer, out: &mut Out<'_>) {
        out.after(delay, Timer::Broker(timer));
    }

    fn surroundings<'a>(&self, image: &'a MetadataImage, now: Time) -> Surroundings<'a> {
        Surroundings { now, max_lag: self.config.replica_lag_time_max, image }
    }

    /// The replica and its log, to change them.
    fn replica_mut(&mut self, tp: TopicPartition) -> Option<(&mut Partition, &mut UnifiedLog)> {
        let partition = self.process.partitions.get_mut(tp)?;
        Some((Rc::make_mut(partition), self.disk.log_mut(tp)))
    }

    /// The replica and its log.
    fn replica(&self, tp: TopicPartition) -> Option<(&Partition, &UnifiedLog)> {
        Some((self.process.partitions.get(tp)?, self.disk.log(tp)?))
    }

    /// Why a request for a partition that has no replica here fails (`getPartitionOrError`).
    fn missing_replica_error(&self, tp: TopicPartition) -> ErrorCode {
        if self.process.image.partition(tp).is_some() {
            ErrorCode::NotLeaderOrFollower
        } else {
            ErrorCode::UnknownTopicOrPartition
        }
    }

    /// Who leads, for errors that say that this broker does not (KIP-951).
    fn leader_hint(&self, tp: TopicPartition, error: ErrorCode) -> Option<LeaderIdAndEpoch> {
        if !matches!(error, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch) {
            return None;
        }
        self.process.partitions.get(tp).map(|partition| partition.leader_hint()).or_else(|| {
            let registration = self.process.image.partition(tp)?;
            Some(LeaderIdAndEpoch { leader: registration.leader, epoch: registration.leader_epoch })
        })
    }
}

#[cfg(test)]
mod tests;
