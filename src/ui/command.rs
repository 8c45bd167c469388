//! Everything a learner can ask of the page, as one closed list: buttons, shortcuts and links all end
//! here, and one owner ([`super::lab::Lab`]) answers.

use std::rc::Rc;

use crate::base::{NodeId, Offset, TopicPartition};
use crate::cluster::Action;
use crate::lesson::LessonCommand;
use crate::view::sandbox::Change;
use crate::view::scene::MessageKind;

/// One wish of the learner.
#[derive(Clone, PartialEq, Debug)]
pub enum UiCommand {
    /// Let time run.
    Play,
    /// Hold time.
    Pause,
    /// The other of the two.
    TogglePlay,
    /// Take exactly one event.
    Step,
    /// A place on the scale of speeds, 0 to 50.
    SetSpeed(u8),
    /// One notch faster or slower.
    Nudge(Nudge),
    /// Back to the start of the session.
    Restart,
    /// Change the cluster.
    Act(Rc<Action>),
    /// Change a setting of the sandbox.
    Sandbox(Change),
    /// Look at something on the stage; none closes.
    Select(Option<Selection>),
    /// Tell what led to the event with that number, in the list of events; the same again: no longer.
    Why(u64),
    /// Open a drawer, or close it if it is open.
    ToggleDrawer(Drawer),
    /// Show or hide a kind of message.
    ToggleKind(MessageKind),
    /// Next of the looks: as the system, light, dark.
    CycleTheme,
    /// Larger type, or back.
    TogglePresenter,
    /// The list of shortcuts.
    ToggleHelp,
    /// The learner has read that saved progress could not be read.
    Understood,
    /// Something in the lesson panel.
    Lesson(LessonCommand),
    /// Something in the terminal.
    Terminal(TerminalCommand),
}

/// A change of speed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nudge {
    /// Faster.
    Faster,
    /// Slower.
    Slower,
}

/// A thing on the stage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// A broker, producer, consumer or the controller.
    Node(NodeId),
    /// A group.
    Group(Rc<str>),
    /// A record, in the log of a broker.
    Record {
        /// The broker.
        broker: NodeId,
        /// The partition.
        tp: TopicPartition,
        /// The record's place in it.
        offset: Offset,
    },
}

impl Selection {
    /// Whether it is a record of that partition.
    pub fn is_in(&self, partition: TopicPartition) -> bool {
        matches!(self, Self::Record { tp, .. } if *tp == partition)
    }
}

/// What can stand in the drawer under the stage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Drawer {
    /// Throughput, lag, latency.
    Charts,
    /// The record ledger.
    Records,
    /// What happened.
    Events,
    /// The stage as tables.
    Table,
    /// Kafka's commands.
    Terminal,
}

impl Drawer {
    /// Every drawer, in the order of its buttons.
    pub const ALL: [Self; 5] =
        [Self::Charts, Self::Records, Self::Events, Self::Table, Self::Terminal];

    /// A word for its elements' ids.
    pub fn word(self) -> &'static str {
        match self {
            Self::Charts => "charts",
            Self::Records => "records",
            Self::Events => "events",
            Self::Table => "table",
            Self::Terminal => "terminal",
        }
    }
}

/// Something in the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TerminalCommand {
    /// One line was entered.
    Line(Rc<str>),
    /// Ctrl+C.
    Interrupt,
    /// Ctrl+D.
    EndOfInput,
    /// Empty the screen.
    Clear,
}
