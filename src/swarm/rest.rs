//! When a cluster that was mended is at rest, and whether it has done all that it promised.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::base::{Duration, Offset, Time, TopicPartition};
use crate::cluster::event_log::Logged;
use crate::cluster::ledger::{Fate, LedgerEntry, Reader};
use crate::cluster::scenario::{ProducerDef, Setting};
use crate::cluster::{Action, Cluster, Process};
use crate::kafka::config::{AutoOffsetReset, CleanupPolicy, IsolationLevel, TopicConfig};
use crate::kafka::consumer::{CommitPolicy, Consumer, OwnedPartition, Reads};
use crate::kafka::event::Event;
use crate::kafka::log::UnifiedLog;
use crate::kafka::producer::{Keys, Rate};
use crate::kafka::protocol::NamedPartition;
use crate::kafka::share::RecordState;
use crate::kafka::transaction::{TransactionMetadata, TransactionState};
use crate::swarm::generate::partition_count;

/// Names of the producers that try whether the cluster works begin with this.
const PROBE: &str = "probe-";

/// Name of the failure of a cluster at rest that has not done what it promised.
pub(super) const PROMISES: &str = "rest-promises";

/// Whether a cluster is at rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Rest {
    /// Nothing is left to do.
    AtRest,
    /// Something is; the first of it: of which kind, and what.
    NotYet(&'static str, String),
}

/// What mends the cluster as it stands: brokers and controllers that do not run are started, slow disks are quick again.
pub(super) fn mending(cluster: &Cluster) -> Vec<Action> {
    let dead = cluster.controllers().filter(|(node, _)| !node.running);
    let controllers = dead.map(|(node, _)| Action::StartBroker { broker: node.id.0 });
    let mend = |(node, broker): (crate::cluster::NodeView<'_>, &crate::kafka::broker::Broker)| {
        if !node.running {
            return Some(Action::StartBroker { broker: node.id.0 });
        }
        let slow = broker.disk_slowness() > 1 && node.paused_until <= cluster.now();
        slow.then_some(Action::SlowDisk { broker: node.id.0, factor: 1 })
    };
    controllers.chain(cluster.brokers().filter_map(mend)).collect()
}

/// A producer for each topic that asks for everything: who would notice that a cluster at rest is dead?
pub(super) fn probes(cluster: &Cluster) -> Vec<Action> {
    let topics = cluster.metadata().topics.values().filter(|topic| !topic.is_internal());
    let probe = |name: &Rc<str>| {
        Action::AddProducer(ProducerDef {
            name: format!("{PROBE}{name}"),
            count: 1,
            topic: name.to_string(),
            rate: Rate::Constant { per_second: 20.0 },
            record_size: 10,
            keys: Keys::Uniform { count: 50 },
            transaction: None,
            // With more in flight a batch can reach a new leader before an earlier one has come back from the old
            // leader; a leader that knows nothing of the producer takes it, and the earlier one fails for ever after
            // (KAFKA-15591).
            config: [("acks", "all"), ("max.in.flight.requests.per.connection", "1")]
                .map(|(key, value)| (key.to_owned(), Setting(value.to_owned())))
                .into(),
        })
    };
    topics.map(|topic| probe(&topic.name)).collect()
}

/// Whether the cluster is at rest: every partition has a leader that knows it and all its replicas in sync,
/// every record has an answer, every group has shared out all partitions and read everything.
pub(super) fn look(cluster: &Cluster) -> Rest {
    type Check = fn(&Cluster) -> Option<String>;
    let checks: [(&str, Check); 9] = [
        ("rest-quorum", quorum),
        ("rest-brokers", brokers),
        ("rest-partitions", partitions),
        ("rest-records", records),
        ("rest-transactions", transactions),
        ("rest-groups", groups),
        ("rest-share-groups", share_groups),
        ("rest-loners", loners),
        ("rest-requests", requests),
    ];
    let first = checks.iter().find_map(|(name, check)| Some((*name, check(cluster)?)));
    first.map_or(Rest::AtRest, |(name, what)| Rest::NotYet(name, what))
}

fn quorum(cluster: &Cluster) -> Option<String> {
    if cluster.active_controller().is_none() {
        return Some("no controller is active".to_owned());
    }
    let (node, _) = cluster.controllers().find(|(node, _)| !node.running)?;
    Some(format!("controller {} is not back at work", node.id))
}

fn transactions(cluster: &Cluster) -> Option<String> {
    let open = |txn: &&TransactionMetadata| {
        txn.pending_state.is_some()
            || txn.state() == TransactionState::Ongoing
            || txn.state().is_prepared()
    };
    let txn = cluster.transactions().find(open)?;
    Some(format!("transaction {} is {:?}", txn.transactional_id, txn.state()))
}

fn brokers(cluster: &Cluster) -> Option<String> {
    let idle = |node: &crate::cluster::NodeView<'_>| {
        !node.running || node.paused_until > cluster.now() || !cluster.metadata().is_active(node.id)
    };
    let (node, _) = cluster.brokers().find(|(node, _)| idle(node))?;
    Some(format!("broker {} is not back at work", node.id))
}

fn partitions(cluster: &Cluster) -> Option<String> {
    for topic in cluster.metadata().topics.values() {
        for (index, state) in topic.partitions.iter().enumerate() {
            let moving = !state.adding_replicas.is_empty() || !state.removing_replicas.is_empty();
            if !state.has_leader() || state.isr.len() < state.replicas.len() || moving {
                return Some(format!(
                    "{}-{index} has leader {}, ISR {:?} of {:?}, adding {:?}, removing {:?}",
                    topic.name,
                    state.leader,
                    state.isr,
                    state.replicas,
                    state.adding_replicas,
                    state.removing_replicas
                ));
            }
        }
    }
    let (led, all) = (cluster.leaders().count(), cluster.metadata().partition_count());
    (led != all).then(|| format!("{led} brokers believe to lead one of {all} partitions"))
}

fn records(cluster: &Cluster) -> Option<String> {
    if let Some((node, _)) = cluster.producers().next() {
        return Some(format!("producer {} has not ended", node.name));
    }
    let ledger = cluster.ledger();
    let open = ledger.count(Fate::Waiting) + ledger.count(Fate::Appended);
    (open > 0).then(|| format!("{open} records without an answer"))
}

/// Members of groups that run and subscribe, by group; `share`: of share groups, or of the others.
fn subscribers(cluster: &Cluster, share: bool) -> BTreeMap<Rc<str>, Vec<&Consumer>> {
    let mut groups: BTreeMap<Rc<str>, Vec<&Consumer>> = BTreeMap::new();
    for (_, consumer) in cluster.consumers() {
        let spec = consumer.spec();
        if let (Some(group), Reads::Subscribe(_)) = (&spec.group, &spec.reads)
            && spec.share.is_some() == share
        {
            groups.entry(group.clone()).or_default().push(consumer);
        }
    }
    groups
}

/// In a share group nobody owns a partition; its leader knows what is done.
fn share_groups(cluster: &Cluster) -> Option<String> {
    let members = subscribers(cluster, true);
    for (node, broker) in cluster.brokers().filter(|(node, _)| node.running) {
        for ((group, tp), partition) in broker.share_partitions() {
            let Some(topic) = cluster.metadata().topics.get(&tp.topic) else { continue };
            let readers = members.get(group).into_iter().flatten();
            let is_read = readers.flat_map(|member| topics(member)).any(|name| *name == topic.name);
            let end = cluster.last_high_watermark(*tp).unwrap_or(0);
            // What an unclean election or a lost disk took out of the log stays available until the log is that
            // long again: Kafka moves the start offset forwards only (`SharePartition.updateCacheAndOffsets`).
            let open = partition.in_flight().find(|(offset, record)| {
                let is_lost = *offset >= end && record.state == RecordState::Available;
                !record.is_done() && !is_lost
            });
            if is_read && (open.is_some() || partition.next_fetch_offset() < end) {
                return Some(format!(
                    "group {group}: {tp:?} ends at {end}, of which broker {} has handed out {} and not done {open:?}",
                    node.id,
                    partition.next_fetch_offset()
                ));
            }
        }
    }
    None
}

fn groups(cluster: &Cluster) -> Option<String> {
    subscribers(cluster, false).into_iter().find_map(|(group, members)| {
        let mut owners: BTreeMap<NamedPartition, Vec<&Consumer>> = BTreeMap::new();
        for member in &members {
            for owned in member.owned_partitions() {
                owners.entry(owned.partition.clone()).or_default().push(member);
                if let Some(behind) = behind(cluster, member, &owned.partition, owned.position) {
                    let name = &member.spec().client_id;
                    return Some(format!("group {group}: {name} is {behind}"));
                }
            }
        }
        let subscribed: BTreeSet<&Rc<str>> = members.iter().flat_map(|m| topics(m)).collect();
        for topic in subscribed {
            let Some(image) = cluster.metadata().topic_by_name(topic) else { continue };
            for index in (0_u32..).take(image.partitions.len()) {
                let count = owners.get(&(topic.clone(), index)).map_or(0, Vec::len);
                let unseen = count == 0 && may_be_unseen(cluster, &group, topic, index);
                if count != 1 && !unseen {
                    return Some(format!("group {group}: {topic}-{index} has {count} owners"));
                }
            }
        }
        None
    })
}

/// Whether nobody in the group may ever notice that partition: a static leader that comes back takes the
/// metadata of that moment for what the assignment was made from (`ConsumerCoordinator.onLeaderElected` with
/// `skipAssignment`), so partitions that were added shortly before stay without an owner until the next rebalance.
fn may_be_unseen(cluster: &Cluster, group: &str, topic: &str, index: u32) -> bool {
    let scenario = cluster.scenario();
    let first = scenario.topics.iter().find(|definition| definition.name == topic);
    let is_new =
        first.is_none_or(|definition| i64::from(partition_count(definition)) <= i64::from(index));
    is_new
        && cluster.nodes().any(|node| match node.process {
            Process::Consumer(consumer, _) => {
                let spec = consumer.spec();
                spec.group.as_deref() == Some(group) && spec.config.group_instance_id.is_some()
            }
            _ => false,
        })
}

fn topics(consumer: &Consumer) -> &[Rc<str>] {
    match &consumer.spec().reads {
        Reads::Subscribe(topics) | Reads::AssignAll(topics) => topics,
        Reads::Assign(_) => &[],
    }
}

/// How far a reader of that partition is behind, in words; none if it has read everything.
fn behind(
    cluster: &Cluster,
    reader: &Consumer,
    (topic, index): &NamedPartition,
    position: Option<Offset>,
) -> Option<String> {
    let image = cluster.metadata().topic_by_name(topic)?;
    // A topic that was deleted and created anew may have fewer.
    image.partitions.get(usize::try_from(*index).ok()?)?;
    let tp = TopicPartition::new(image.id, *index);
    // Positions move when records are handed over, before the work on them.
    if let Some(work) = reader.work_in_hand() {
        return Some(format!("at work on {:?}@{}", work.tp, work.offset));
    }
    let end = cluster.last_high_watermark(tp).unwrap_or(0);
    // A transaction that its coordinator forgot hangs for ever (KIP-664): who reads what is committed stops before it.
    let may_hang = reader.spec().config.isolation_level == IsolationLevel::ReadCommitted
        && may_have_lost(cluster);
    let stable = cluster.leader_log(tp).filter(|_| may_hang).map(UnifiedLog::last_stable_offset);
    (position != Some(end) && (stable.is_none() || position != stable))
        .then(|| format!("at {position:?} of {topic}-{index}, which ends at {end}"))
}

/// Whether a lost disk or an unclean election may have taken what was written.
fn may_have_lost(cluster: &Cluster) -> bool {
    cluster.broker_ids().any(|broker| !cluster.kept_disk(broker))
        || cluster.metrics().totals.unclean_elections > 0
}

/// How many offsets readers have before them, all together.
pub(super) fn unread(cluster: &Cluster) -> u64 {
    let left = |owned: OwnedPartition| {
        let (topic, index) = &owned.partition;
        let image = cluster.metadata().topic_by_name(topic)?;
        let end = cluster.last_high_watermark(TopicPartition::new(image.id, *index))?;
        u64::try_from(end - owned.position.unwrap_or_default()).ok()
    };
    cluster.consumers().flat_map(|(_, consumer)| consumer.owned_partitions()).filter_map(left).sum()
}

/// Consumers without a group, and those that read by hand.
fn loners(cluster: &Cluster) -> Option<String> {
    let by_hand =
        cluster.consumers().filter(|(_, c)| !matches!(c.spec().reads, Reads::Subscribe(_)));
    for (node, consumer) in by_hand {
        for owned in consumer.owned_partitions() {
            if let Some(behind) = behind(cluster, consumer, &owned.partition, owned.position) {
                return Some(format!("{} is {behind}", node.name));
            }
        }
    }
    None
}

/// At rest no request is without an answer for this long: the longest wait that one asks for is half a second.
/// One that was lost before everything was mended is given up after `request.timeout.ms`, or by a broker after
/// `replica.socket.timeout.ms`, and until then there is no rest.
const LONGEST_REQUEST: Duration = Duration::from_secs(3);

fn requests(cluster: &Cluster) -> Option<String> {
    for message in cluster.in_flight() {
        if message.arrives_at == Time::NEVER {
            return Some(format!("a message from {} to {} is held up", message.from, message.to));
        }
    }
    for node in cluster.nodes().filter(|node| node.running) {
        if let Process::Admin(admin) = node.process
            && admin.is_calling()
        {
            // It may be about to delete a topic.
            return Some("a call of the administrator has not returned".to_owned());
        }
        if let Some((since, api)) = node.process.oldest_request()
            && cluster.now().since(since) > LONGEST_REQUEST
        {
            return Some(format!("{} waits for an answer to {api:?} since {since}", node.name));
        }
    }
    None
}

/// Whether a cluster at rest has done what it promised: what counts as sent is in the log, what is in the
/// log was read by every group that reads from the beginning and commits after its work, and the probes
/// were answered.
pub(super) fn promises(cluster: &Cluster) -> Result<(), String> {
    for node in cluster.nodes().filter(|node| node.name.starts_with(PROBE)) {
        let Process::Producer(producer, _) = node.process else { continue };
        let counters = producer.counters();
        if counters.records_created == 0 || counters.records_acked != counters.records_created {
            return Err(format!("{}: {counters:?}", node.name));
        }
    }
    let readers = thorough_readers(cluster);
    let again = made_again(cluster);
    for (id, entry) in cluster.ledger().entries() {
        let Some((tp, offset)) = standing(entry) else { continue };
        let Some(topic) = cluster.metadata().topics.get(&tp.topic) else { continue };
        let Some(log) = cluster.leader_log(tp) else { continue };
        let policy = topic.config(&TopicConfig::default()).cleanup_policy;
        if policy != CleanupPolicy::Delete || offset < log.log_start() {
            continue;
        }
        if !log.records(offset, offset + 1).any(|(_, record)| record.id == Some(id)) {
            return Err(format!("record {} counts as sent and is not at {tp:?}@{offset}", id.0));
        }
        for (group, read) in &readers {
            let reader = Reader::Group(group.clone());
            let unseen = may_be_unseen(cluster, group, &topic.name, tp.partition);
            if read.contains(&topic.name)
                && !unseen
                && !again.contains(&topic.name)
                && cluster.ledger().deliveries(&reader, id) == 0
            {
                return Err(format!("group {group} never read {tp:?}@{offset}"));
            }
        }
    }
    Ok(())
}

/// Topics that were deleted, and may be there again. OffsetCommit goes by name: where a member had been in the one
/// before, its group may begin in the next.
fn made_again(cluster: &Cluster) -> BTreeSet<Rc<str>> {
    let deleted = |logged: &Rc<Logged>| match &logged.event {
        Event::TopicDeleted { topic } => Some(topic.clone()),
        _ => None,
    };
    cluster.log_book().notable_since(0).filter_map(deleted).collect()
}

/// Where a record is that counts as sent and that no log has let go in order.
fn standing(entry: &LedgerEntry) -> Option<(TopicPartition, Offset)> {
    entry.place.filter(|_| entry.fate() == Fate::Acked && entry.let_go.is_none())
}

/// Groups that read every record at least once, with their topics: all that ever were their members begin at
/// the earliest offset, do not commit before they work, and one runs that subscribes to the topic. None when
/// committed offsets may have been lost.
fn thorough_readers(cluster: &Cluster) -> BTreeMap<Rc<str>, BTreeSet<Rc<str>>> {
    let mut readers: BTreeMap<Rc<str>, BTreeSet<Rc<str>>> = BTreeMap::new();
    if may_have_lost(cluster) {
        return readers;
    }
    for (group, members) in subscribers(cluster, false) {
        readers.insert(group, members.into_iter().flat_map(topics).cloned().collect());
    }
    for node in cluster.nodes() {
        let Process::Consumer(consumer, _) = node.process else { continue };
        let spec = consumer.spec();
        let careless = spec.config.auto_offset_reset != AutoOffsetReset::Earliest
            || spec.commit == CommitPolicy::BeforeProcessing
            || !matches!(spec.reads, Reads::Subscribe(_));
        if careless && let Some(group) = &spec.group {
            readers.remove(group);
        }
    }
    readers
}
