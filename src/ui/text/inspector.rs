//! Words of the panel beside what is chosen on the stage: buttons, facts, states.

use crate::base::{NodeId, Offset};
use crate::view::scene::{
    BrokerView, ControllerState, ControllerView, Idle, PartitionName, ProducerHealth,
};
use crate::view::{describe, words};

/// What a button says, and what that means.
pub type Words = (&'static str, &'static str);

/// Starts a broker.
pub const START: Words = ("Start it", "The process starts with what its disk holds.");
/// Shows the newest record of a log.
pub const NEWEST: Words = ("Newest record", "What it carries, and who has it.");
/// Kills a broker.
pub const KILL_BROKER: Words = ("Kill it", "The process ends at once; its disk stays.");
/// Kills a broker and its disk.
pub const LOSE_DISK: Words = ("Kill it, lose its disk", "The process ends and its logs are gone.");
/// Stops a broker.
pub const STOP_BROKER: Words = ("Stop in order", "It hands its leaders over first.");
/// Suspends a broker.
pub const FREEZE: Words =
    ("Freeze for 5 s", "The process is suspended, as in a long garbage collection.");
/// Ends what the next one began.
pub const MEND_DISK: Words = ("Mend the disk", "Writes take their usual time again.");
/// Slows a disk.
pub const SLOW_DISK: Words = ("Slow the disk", "Every write takes 50 times as long.");
/// Asks for an election.
pub const ELECT_PREFERRED: Words =
    ("Elect preferred leaders", "The first replica of each partition leads again.");
/// Asks for one that can lose records.
pub const ELECT_UNCLEAN: Words =
    ("Elect at any price", "A replica outside the ISR may lead: records can be lost.");
/// Doubles a rate.
pub const TWICE: Words = ("Twice the rate", "Its application sends twice as often.");
/// Halves it.
pub const HALF: Words = ("Half the rate", "Its application sends half as often.");
/// Stops a producer.
pub const STOP_PRODUCER: Words = ("Stop it", "Sends what it has and ends.");
/// Kills a consumer.
pub const KILL_CONSUMER: Words = ("Kill it", "The process ends at once; its group notices later.");
/// Stops a consumer.
pub const STOP_CONSUMER: Words = ("Stop in order", "It commits and leaves its group.");
/// Takes a consumer out of its group.
pub const UNGROUP: Words =
    ("Take it out of its group", "It then reads every partition by itself and commits nothing.");
/// Takes a member away.
pub const REMOVE_WORKER: Words = ("Remove a worker", "The last one leaves in order.");
/// Adds a member.
pub const ADD_WORKER: Words = ("Add a worker", "One more member; the group shares out anew.");
/// To the record before.
pub const OLDER: Words = ("Older", "The record before it.");
/// To the record after.
pub const NEWER: Words = ("Newer", "The record after it.");

/// Cuts a broker off.
pub const CUT_NETWORK: &str = "Cut its network";
/// Ends that.
pub const MEND_NETWORK: &str = "Mend its network";
/// What either means for a broker.
pub const NETWORK_MEANS: &str = "To the other brokers and the controllers; clients still reach it.";
/// What either means for one of several controllers.
pub const CONTROLLER_NETWORK_MEANS: &str =
    "To the brokers and the other controllers: it hears no vote and no heartbeat.";
/// What either means for the only controller.
pub const LONE_CONTROLLER_NETWORK_MEANS: &str =
    "To the brokers: it hears no heartbeat and nobody learns what it decides.";

/// The controller.
pub const CONTROLLER: &str = "Controller";
/// The only controller, on its pill.
pub const CONTROLLER_PILL: &str = "controller";
/// Kills a controller.
pub const KILL_CONTROLLER: Words =
    ("Kill it", "The process ends at once; the metadata log stays on its disk.");
/// Stops a controller.
pub const STOP_CONTROLLER: Words = ("Stop in order", "An active one hands over before it ends.");
/// Name of a fact.
pub const QUORUM_ROLE: &str = "In the quorum";
/// Name of a fact.
pub const QUORUM_EPOCH: &str = "Epoch of the quorum";
/// Name of a fact.
pub const METADATA_LOG_END: &str = "Metadata log end";
/// Name of a fact.
pub const HIGH_WATERMARK: &str = "High watermark";

/// Name of a fact.
pub const REPLICAS: &str = "Replicas";
/// Name of a fact.
pub const ON_DISK: &str = "Records on disk";
/// Name of a fact.
pub const CUT_OFF: &str = "Cut off from";
/// Name of a fact.
pub const ELECTIONS: &str = "Elections";
/// Name of a fact.
pub const WRITES_TO: &str = "Writes to";
/// Name of a fact.
pub const RATE: &str = "Rate";
/// Name of a fact.
pub const ACKS: &str = "acks";
/// Name of a fact.
pub const KEYS: &str = "Keys";
/// Name of a fact.
pub const WAITING: &str = "Not acknowledged yet";
/// Name of a fact.
pub const GIVEN_UP: &str = "Given up";
/// Name of a fact.
pub const LAST_ERROR: &str = "Last error";
/// Name of a fact.
pub const GROUP: &str = "Group";
/// Name of a fact.
pub const OWNS: &str = "Owns";
/// Name of a fact.
pub const FINISHES: &str = "Finishes";
/// Name of a fact.
pub const BEHIND: &str = "Behind";
/// Name of a fact.
pub const FETCHED: &str = "Fetched, waiting";
/// Name of a fact.
pub const WORKING_ON: &str = "Working on";
/// Name of a fact.
pub const MEMBERS: &str = "Members";
/// Name of a fact.
pub const COORDINATOR: &str = "Coordinator";
/// Name of a fact.
pub const ASSIGNOR: &str = "Assignor";
/// Name of a fact.
pub const KEY: &str = "Key";
/// Name of a fact.
pub const VALUE: &str = "Value";
/// Name of a fact.
pub const SENT_AT: &str = "Sent at";
/// Name of a fact.
pub const ACKNOWLEDGED: &str = "Acknowledged";
/// Name of a fact.
pub const ON_BROKERS: &str = "On brokers";
/// Name of a fact.
pub const FINISHED: &str = "Finished";

/// Record: below the high watermark.
pub const RECORD_SAFE: &str =
    "Below the high watermark: every in-sync copy has it, consumers may read it.";
/// Record: above it.
pub const RECORD_UNSAFE: &str =
    "Past the high watermark: not every in-sync copy has it, consumers cannot read it yet.";
/// Record: was below the high watermark, and its partition has no leader.
pub const RECORD_DARK: &str = "No leader serves it now. It was below the high watermark: whoever leads \
    next has it, and until then nobody can read it.";
/// Record: was above it, and there is no leader.
pub const RECORD_DARK_UNSAFE: &str = "No leader serves it now, and it was past the high watermark: whoever \
    leads next may not have it.";
/// Record: in no log.
pub const RECORD_GONE: &str = "No broker's log holds a record at this offset.";

/// A broker.
pub fn broker(id: NodeId) -> String {
    format!("Broker {id}")
}

/// A node in a sentence.
pub fn node(id: NodeId) -> String {
    if id.is_controller() { format!("controller {id}") } else { format!("broker {id}") }
}

/// One of several controllers.
pub fn controller_name(id: NodeId) -> String {
    format!("Controller {id}")
}

/// The name of a controller's pill.
pub fn controller(view: &ControllerView, alone: bool, elections: u64) -> String {
    let state = describe::controller_state(view);
    let active = view.state == ControllerState::Active;
    if alone && active {
        return format!("Controller: decides who leads, {elections} elections so far");
    }
    if alone {
        return format!("Controller: {state}");
    }
    let decided = if active { format!(", {elections} elections so far") } else { String::new() };
    format!("Controller {}: {state}, epoch {}{decided}", view.id, view.epoch)
}

/// What a controller is about.
pub fn controller_means(view: &ControllerView, alone: bool) -> &'static str {
    match view.state {
        ControllerState::Active if alone => {
            "Knows which brokers live and decides who leads each partition. It is the only one: without it nothing \
             of that can change."
        }
        ControllerState::Active => {
            "Knows which brokers live and decides who leads each partition, once a majority has it written."
        }
        ControllerState::Follower => "Copies the metadata log and votes. Ready to take over.",
        ControllerState::Down => "Its process is gone. Its disk still holds the metadata log.",
        ControllerState::Paused => {
            "Frozen: its process exists and does nothing. The others may elect another leader meanwhile."
        }
        ControllerState::Elected => {
            "Elected; it decides as soon as a majority has written the beginning of its epoch."
        }
        ControllerState::Deposed => {
            "Takes itself for the leader still, in an epoch that is over. No majority writes down what it decides."
        }
        ControllerState::Candidate => "Hears no leader and asks the others for their votes.",
        ControllerState::Prospective => {
            "Hears no leader and asks the others whether they would vote for it."
        }
        ControllerState::Unattached => "Knows no leader at the moment.",
        ControllerState::Resigned => "Gave its lead up in order, so that the others elect another.",
    }
}

/// How many replicas a broker has, and how many of them lead.
pub fn replicas(all: usize, leads: usize) -> String {
    format!("{all}, leads {leads}")
}

/// What a broker's state means.
pub fn broker_means(view: &BrokerView) -> &'static str {
    match describe::broker_state(view) {
        "fenced" => "Runs, but the controller does not let it lead or follow.",
        "stopping" => "Hands its leaders over before it stops.",
        "paused" => "Does nothing for a while; nobody has noticed yet.",
        "stopped" => "Was stopped in order.",
        "crashed" => "Its process is gone. Its disk still holds its logs.",
        "crashed, disk lost" => "Its process and its logs are gone.",
        "slow disk" => "Every write takes much longer than usual.",
        _ => "Takes writes, serves reads, copies other brokers' logs.",
    }
}

/// A rate with its unit.
pub fn per_second(rate: f64) -> String {
    format!("{} records per second", words::rate(rate))
}

/// How a producer fares.
pub fn producer_state(health: ProducerHealth) -> String {
    format!("Producer, {}.", words::health(health))
}

/// What a consumer does.
pub fn consumer_state(idle: Option<Idle>) -> String {
    let Some(idle) = idle else { return "Working.".to_owned() };
    let mut words = format!("{}.", words::idle(idle));
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// How a group stands.
pub fn group_state(state: &str, generation: i32) -> String {
    format!("Consumer group, {state}, generation {generation}.")
}

/// A place in a log.
pub fn at_offset(partition: &PartitionName, offset: Offset) -> String {
    format!("{partition} offset {offset}")
}

/// A record as a title.
pub fn record(partition: &PartitionName, offset: Offset) -> String {
    format!("{partition}, offset {offset}")
}

/// When a record was acknowledged.
pub fn acknowledged(after_us: Option<u64>) -> String {
    after_us.map_or("not yet".to_owned(), |micros| format!("{} later", words::micros(micros)))
}

/// How often a reader finished a record.
pub fn finished(reader: &str, times: u16) -> String {
    match times {
        0 => format!("{reader}: not yet"),
        1 => format!("{reader}: once"),
        n => format!("{reader}: {n} times"),
    }
}
