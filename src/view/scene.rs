//! Everything the page draws, at one moment. Plain data with public fields; `view::project` makes it
//! from a session. It mirrors no Kafka class: it is what a learner can see of all of them.

mod clients;
mod cluster;
mod facts;
mod record;
mod sample;

use std::fmt;
use std::rc::Rc;

pub use clients::{ConsumerView, GroupView, Idle, OwnedPartition, ProducerHealth, ProducerView};
pub use cluster::{
    BrokerState, BrokerView, ControllerState, ControllerView, LaneRole, LaneView, PartitionView,
    Reader, TopicView,
};
pub use facts::{
    CauseView, EventKind, EventView, Ghost, Headline, History, HistoryPoint, LedgerRow, LedgerView,
    LossView, LostView,
};
pub use record::RecordView;
pub use sample::SampleSize;

use super::part::Part;
use crate::base::{NodeId, Time, TopicPartition};
use crate::cluster::Clock;

/// Which of the palette's looks a record or partition wears. Colour alone never tells anything: the
/// partition's number or the key's name always stands beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Hue(u8);

impl Hue {
    /// Number of looks in the palette.
    pub const COUNT: u8 = 8;

    /// The look of partition or key number `index`; looks repeat after [`Self::COUNT`].
    pub fn of(index: u32) -> Self {
        Self(u8::try_from(index % u32::from(Self::COUNT)).expect("a remainder of 8 fits a byte"))
    }

    /// Index in the palette, below [`Self::COUNT`].
    pub fn index(self) -> u8 {
        self.0
    }
}

/// Name of a partition on screen: `user-actions-0`, as Kafka prints it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PartitionName {
    /// Name of the topic.
    pub topic: Rc<str>,
    /// Index of the partition.
    pub partition: u32,
}

impl fmt::Display for PartitionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// The picture of one moment, without what is in motion: see [`Motion`] for that.
#[derive(Clone, PartialEq, Debug)]
pub struct Scene {
    /// Simulated time, clock and seed.
    pub clock: ClockView,
    /// Numbers of the whole cluster.
    pub headline: Part<Headline>,
    /// Topics a learner made; Kafka's internal ones are left out.
    pub topics: Part<Vec<TopicView>>,
    /// Producers in order of id.
    pub producers: Vec<Part<ProducerView>>,
    /// Brokers in order of id.
    pub brokers: Vec<Part<BrokerView>>,
    /// The controllers in order of id.
    pub controllers: Vec<Part<ControllerView>>,
    /// Elections of partition leaders decided so far.
    pub elections: u64,
    /// Consumer groups by name, with their members.
    pub groups: Vec<Part<GroupView>>,
    /// Consumers without a group, in order of id.
    pub loners: Vec<Part<ConsumerView>>,
    /// Rates of the connections, for ribbons.
    pub flows: Part<Vec<Flow>>,
    /// Series for charts and the lag curve.
    pub history: Part<History>,
    /// What became of the records.
    pub ledger: Part<LedgerView>,
    /// What happened, oldest first; the page keeps the newest few hundred.
    pub events: Part<Vec<EventView>>,
    /// Number of the first event that `events` does not know yet.
    pub heard: u64,
}

impl Scene {
    /// Every consumer, of groups and without.
    pub fn consumers(&self) -> impl Iterator<Item = &ConsumerView> {
        let members = self.groups.iter().flat_map(|group| group.members.iter());
        members.chain(self.loners.iter()).map(|consumer| &**consumer)
    }
}

/// Simulated time and what drives it.
#[derive(Clone, PartialEq, Debug)]
pub struct ClockView {
    /// The moment shown.
    pub now: Time,
    /// Which time constants hold.
    pub clock: Clock,
    /// The seed of the session.
    pub seed: u64,
    /// What the scenario sets over Kafka's defaults and the clock's.
    pub overrides: Rc<[OverrideView]>,
}

/// A setting that a scenario chose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OverrideView {
    /// Whose setting: `brokers`, `topic orders`, `worker`.
    pub whose: Rc<str>,
    /// Kafka's key.
    pub key: Rc<str>,
    /// The value.
    pub value: Rc<str>,
}

/// What is moving at one moment. Projected for every frame, painted outside the page's structure.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Motion {
    /// The moment.
    pub now: Time,
    /// Messages in flight.
    pub messages: Vec<Message>,
    /// Consumers at work on a record.
    pub work: Vec<Work>,
}

/// One message in flight.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// What it is.
    pub kind: MessageKind,
    /// Records inside.
    pub records: u32,
    /// Partition it is about; the first of several.
    pub partition: Option<TopicPartition>,
    /// Look of its records.
    pub hue: Hue,
    /// When it left.
    pub sent_at: Time,
    /// When it will arrive.
    pub arrives_at: Time,
}

/// Kinds of motion, each of which can be switched off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MessageKind {
    /// Produce requests: records on their way to a leader.
    Produce,
    /// Answers to producers.
    Ack,
    /// Fetch requests of followers and their answers.
    Replication,
    /// Fetch requests of consumers and their answers.
    ConsumerFetch,
    /// Heartbeats of brokers and group members.
    Heartbeat,
    /// Everything else: metadata, group membership, commits, elections.
    Control,
}

impl MessageKind {
    /// Every kind, in the order the page lists them.
    pub const ALL: [Self; 6] = [
        Self::Produce,
        Self::Ack,
        Self::Replication,
        Self::ConsumerFetch,
        Self::Heartbeat,
        Self::Control,
    ];
}

/// A consumer at work on one record.
#[derive(Clone, PartialEq, Debug)]
pub struct Work {
    /// The consumer.
    pub consumer: NodeId,
    /// Look of the record.
    pub hue: Hue,
    /// When it began.
    pub from: Time,
    /// When it will be done.
    pub until: Time,
}

impl Work {
    /// Share of the work that is done at `now`, 0 to 1.
    pub fn progress(&self, now: Time) -> f64 {
        let whole = self.until.since(self.from).as_secs_f64();
        if whole <= 0.0 {
            return 1.0;
        }
        (now.since(self.from).as_secs_f64() / whole).clamp(0.0, 1.0)
    }
}

/// How much runs over one connection.
#[derive(Clone, PartialEq, Debug)]
pub struct Flow {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// What runs there.
    pub kind: MessageKind,
    /// Partition the records belong to.
    pub partition: Option<TopicPartition>,
    /// Look of the records.
    pub hue: Hue,
    /// Records per simulated second.
    pub per_second: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_repeat_after_the_palette_ends() {
        assert_eq!(Hue::of(1), Hue::of(9));
        assert_ne!(Hue::of(1), Hue::of(2));
    }

    #[test]
    fn work_that_takes_no_time_is_done() {
        let mut work =
            Work { consumer: NodeId(1000), hue: Hue::of(0), from: Time(10), until: Time(10) };
        assert!((work.progress(Time(10)) - 1.0).abs() < 1e-9);
        work.until = Time(30);
        assert!((work.progress(Time(15)) - 0.25).abs() < 1e-9);
    }
}
