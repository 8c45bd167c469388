//! The group coordinator of one broker: groups of the classic protocol and of KIP-848, and stored offsets
//! (`GroupCoordinatorService`, `GroupMetadataManager`, `OffsetMetadataManager`). It coordinates the groups
//! whose partition of `__consumer_offsets` the broker leads. It knows no log: what must be written leaves as a
//! [`CoordinatorAppend`], and clients are answered once the broker says that it is replicated.
//! The members of share groups are here too. Simplified: a group changes its protocol only while it has no
//! members; Kafka can also convert it while its members are replaced one by one.

pub mod assignor;
mod classic_group;
pub mod consumer_group;
mod context;
mod expiry;
mod group;
mod heartbeats;
mod member;
mod offsets;
mod rebalance;
mod requests;
mod store;
#[cfg(test)]
mod tests;
mod transactions;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use classic_group::{ClassicGroup, ClassicGroupState, Member};
use consumer_group::{ConsumerGroup, ConsumerGroupConfig, TopicsImage};
use context::{Context, Then, Writer};
pub use group::{CommittedOffset, Group, GroupKind, GroupMember, GroupState};
use transactions::PendingOffsets;
pub(crate) use transactions::txn_commit_answer;

use super::alarm::Alarm;
use super::broker::BrokerTimer;
use super::config::BrokerConfig;
use super::effect::{Out, Timer};
use super::protocol::ErrorCode;
use super::record::{GroupRecord, Record};
use crate::base::Time;

/// Records for `__consumer_offsets`, to be appended with acks=all and a timeout of
/// `offsets.commit.timeout.ms`. The broker reports the outcome once, by
/// [`GroupCoordinator::on_append_done`]. Appends to one partition must keep their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CoordinatorAppend {
    /// Partition of `__consumer_offsets`.
    pub partition: u32,
    /// The records, at least one.
    pub records: Vec<Record>,
    /// Producer id and epoch, if the records are part of a transaction.
    pub producer: Option<(i64, i16)>,
    /// Names the append in the report of its outcome.
    pub token: u64,
}

/// Timers of a group coordinator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoordinatorTimer {
    /// Some session, rebalance or sync may have run out of time.
    Wake,
    /// Look at which offsets have expired.
    Cleanup,
}

/// A partition of `__consumer_offsets` that this broker leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum PartitionState {
    Loading,
    Active,
}

/// The groups of one broker process.
#[derive(Clone, Debug)]
pub struct GroupCoordinator {
    config: Rc<BrokerConfig>,
    partitions_total: u32,
    partitions: BTreeMap<u32, PartitionState>,
    groups: BTreeMap<Rc<str>, Group>,
    /// The topics that exist, for groups of KIP-848.
    topics: Rc<TopicsImage>,
    consumer_config: ConsumerGroupConfig,
    share_config: ConsumerGroupConfig,
    /// Groups of KIP-848 of which the log refused a record, as it holds them: what differs is written with the next.
    unwritten: BTreeMap<Rc<str>, ConsumerGroup>,
    /// Whether a look at what has expired is planned.
    cleanup_planned: bool,
    writer: Writer,
    pending_offsets: PendingOffsets,
    alarm: Alarm,
}

impl GroupCoordinator {
    /// A coordinator without partitions: it answers NOT_COORDINATOR until [`Self::on_elected`].
    pub fn new(config: Rc<BrokerConfig>) -> Self {
        Self {
            topics: Rc::default(),
            consumer_config: ConsumerGroupConfig::of(&config),
            share_config: ConsumerGroupConfig::of_share_groups(&config),
            unwritten: BTreeMap::new(),
            cleanup_planned: false,
            config,
            partitions_total: 0,
            partitions: BTreeMap::new(),
            groups: BTreeMap::new(),
            writer: Writer::default(),
            pending_offsets: PendingOffsets::new(),
            alarm: Alarm::default(),
        }
    }

    /// The broker goes by other settings now (`GroupCoordinatorConfig.RECONFIGURABLE_CONFIGS`).
    pub fn reconfigure(&mut self, config: Rc<BrokerConfig>) {
        self.consumer_config = ConsumerGroupConfig::of(&config);
        self.share_config = ConsumerGroupConfig::of_share_groups(&config);
        self.config = config;
    }

    /// The groups coordinated here, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The group called `name`, if it is coordinated here.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// Makes `member` the one to lead `group` next when its leader goes. Kafka takes whichever its hash map
    /// yields first; vectors of Kafka's answers name it.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn prefer_leader(&mut self, group: &str, member: &str) {
        if let Some(GroupKind::Classic(group)) = self.groups.get_mut(group).map(|it| &mut it.kind) {
            group.members.sort_by_key(|other| &*other.id != member);
        }
    }

    /// A timer fired.
    pub fn on_timer(
        &mut self,
        timer: CoordinatorTimer,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        match timer {
            CoordinatorTimer::Wake => {}
            CoordinatorTimer::Cleanup => return self.cleanup(out, appends),
        }
        let now = out.now();
        self.alarm.rang(now);
        let next = |groups: &BTreeMap<Rc<str>, Group>| {
            let deadlines =
                groups.values().map(|group| (group.next_deadline(), group.name.clone()));
            deadlines.min()
        };
        while let Some((at, name)) = next(&self.groups) {
            if at > now {
                self.arm(at, out);
                break;
            }
            self.on_deadline(&name, out, appends);
        }
    }

    /// The append `token` is below the high watermark, or failed. Unknown tokens change nothing.
    pub fn on_append_done(
        &mut self,
        token: u64,
        result: Result<(), ErrorCode>,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let Some((partition, then)) = self.writer.pending.remove(&token) else { return };
        // Then only the answer is late: the record stays in the log, and the state with it
        // (`CoordinatorRuntime.OperationTimeout`).
        let is_late = result == Err(ErrorCode::RequestTimedOut);
        let result = result.map_err(answer_to_failed_append);
        self.answer_followers(token, result, out);
        match then {
            Then::Nothing => {}
            Then::NewGroup { group } => {
                if let Err(error) = result
                    && !is_late
                {
                    self.undo_new_group(&group, error, out, appends);
                }
            }
            Then::Assignment { group, generation, leader, assignments } => {
                self.with_classic(&group, out, appends, |group, cx| {
                    group.on_assignment_stored(cx, (&leader, generation), &assignments, result);
                });
            }
            Then::StaticMember { group, new_id, old } => {
                self.with_classic(&group, out, appends, |group, cx| {
                    group.on_static_member_stored(cx, &new_id, *old, result);
                });
            }
            Then::Answer { to, answer, before } => {
                self.on_group_written(*before, result);
                heartbeats::respond(to, answer, result, out);
            }
            Then::Fenced { before } => self.on_group_written(*before, result),
            Then::TxnCommit { from, request, producer_id, committed_at } => {
                if result.is_ok() {
                    self.on_txn_commit_stored(partition, producer_id, &request, committed_at);
                }
                let error = result.err().unwrap_or(ErrorCode::None);
                let answer = txn_commit_answer(&request, error);
                out.respond(from.node, from.correlation, answer);
            }
            Then::Commit { from, request, committed_at } => {
                if result.is_ok() {
                    // It may have been empty, and forgotten, until now.
                    let name = &request.group;
                    self.groups
                        .entry(name.clone())
                        .or_insert_with(|| Group::new(name.clone(), partition));
                    self.with_group(name, out, appends, |group, cx| {
                        group.on_commit_stored(cx, &request, committed_at);
                    });
                }
                let error = result.err().unwrap_or(ErrorCode::None);
                let answer = offsets::commit_answer(&request, error);
                out.respond(from.node, from.correlation, answer);
            }
        }
    }

    /// The log would not take a group's first record: whoever waits to join it is told.
    fn undo_new_group(
        &mut self,
        name: &Rc<str>,
        error: ErrorCode,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
    ) {
        let classic = self.groups.get(name).and_then(Group::classic);
        if classic.is_none_or(|group| group.generation != 0) {
            return; // It has been written since.
        }
        self.with_classic(name, out, appends, |group, cx| {
            for member in &mut group.members {
                cx.answer_join_error(member.awaiting_join.take(), "", error);
            }
        });
        match self.groups.get_mut(name) {
            // What it had committed under another protocol is stored.
            Some(group) if !group.offsets.is_empty() => {
                let classic = ClassicGroup::new(name.clone(), group.partition);
                group.kind = GroupKind::Classic(classic);
            }
            _ => drop(self.groups.remove(name)),
        }
    }

    /// The broker leads `partition` and reads its log: clients are told to come back. May be left out when
    /// reading takes no time.
    pub fn on_loading(&mut self, partition: u32, partitions_total: u32) {
        self.partitions_total = partitions_total;
        self.partitions.insert(partition, PartitionState::Loading);
    }

    /// The broker leads `partition` of the `partitions_total` of `__consumer_offsets` now; `records` is all
    /// that the log holds. Replaces whatever was known of the partition.
    pub fn on_elected(
        &mut self,
        partition: u32,
        partitions_total: u32,
        records: Vec<Rc<GroupRecord>>,
        out: &mut Out<'_>,
    ) {
        self.on_resigned(partition, out);
        self.partitions_total = partitions_total;
        self.partitions.insert(partition, PartitionState::Active);
        let config = |group: &ConsumerGroup| {
            if group.shared { self.share_config.clone() } else { self.consumer_config.clone() }
        };
        self.groups.extend(store::replay(partition, &records, config, out.now()));
        self.plan_cleanup(out);
        let next = self.groups.values().map(Group::next_deadline).min().unwrap_or(Time::NEVER);
        self.arm(next, out);
    }

    /// The broker leads `partition` no longer: waiting clients are told NOT_COORDINATOR.
    pub fn on_resigned(&mut self, partition: u32, out: &mut Out<'_>) {
        self.partitions.remove(&partition);
        let mut appends = Vec::new();
        let error = ErrorCode::NotCoordinator;
        for group in self.groups.values_mut().filter(|group| group.partition == partition) {
            let appends = &mut appends;
            let mut cx = Context { config: &self.config, writer: &mut self.writer, out, appends };
            let reason = "The coordinator moved to another broker.";
            match &mut group.kind {
                GroupKind::Classic(group) => {
                    group.transition(&mut cx, ClassicGroupState::Dead, reason);
                    for member in &mut group.members {
                        cx.answer_join_error(member.awaiting_join.take(), &member.id, error);
                        cx.answer_sync_error(member.awaiting_sync.take(), error);
                    }
                }
                GroupKind::Consumer(group) => {
                    let before = group.state();
                    heartbeats::tell_state(group, before, GroupState::Dead, reason, cx.out);
                }
            }
        }
        let groups = &self.groups;
        self.unwritten
            .retain(|name, _| groups.get(name).is_some_and(|it| it.partition != partition));
        self.groups.retain(|_, group| group.partition != partition);
        self.pending_offsets.retain(|(of, _), _| *of != partition);
        let writer = &mut self.writer;
        let lost: Vec<_> = writer.pending.extract_if(.., |_, (of, _)| *of == partition).collect();
        for (token, (_, then)) in lost {
            self.answer_followers(token, Err(error), out);
            match then {
                Then::Commit { from, request, .. } => {
                    let answer = offsets::commit_answer(&request, error);
                    out.respond(from.node, from.correlation, answer);
                }
                Then::TxnCommit { from, request, .. } => {
                    let answer = txn_commit_answer(&request, error);
                    out.respond(from.node, from.correlation, answer);
                }
                Then::Answer { to, answer, .. } => {
                    heartbeats::respond(to, answer, Err(error), out);
                }
                _ => {}
            }
        }
    }

    /// Lets the classic group called `name` act, if there is one.
    fn with_classic(
        &mut self,
        name: &str,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
        act: impl FnOnce(&mut ClassicGroup, &mut Context<'_, '_>),
    ) {
        self.with_group(name, out, appends, |group, cx| {
            if let GroupKind::Classic(group) = &mut group.kind {
                act(group, cx);
            }
        });
    }

    /// Lets the group called `name` act, if it exists, and sees to its next deadline.
    fn with_group(
        &mut self,
        name: &str,
        out: &mut Out<'_>,
        appends: &mut Vec<CoordinatorAppend>,
        act: impl FnOnce(&mut Group, &mut Context<'_, '_>),
    ) {
        let Some(group) = self.groups.get_mut(name) else { return };
        let mut cx = Context { config: &self.config, writer: &mut self.writer, out, appends };
        act(group, &mut cx);
        let next = group.next_deadline();
        self.arm(next, out);
    }

    /// Makes sure that we wake up by `at`. Deadlines that moved away are found out then.
    fn arm(&mut self, at: Time, out: &mut Out<'_>) {
        let timer = Timer::Broker(BrokerTimer::Coordinator(CoordinatorTimer::Wake));
        self.alarm.set(out, at, timer);
    }
}

/// What clients are told when the log refused a record
/// (`CoordinatorOperationExceptionHelper.handleOperationException`).
fn answer_to_failed_append(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge
        | ErrorCode::RecordListTooLarge
        | ErrorCode::InvalidFetchSize => ErrorCode::UnknownServerError,
        other => other,
    }
}
