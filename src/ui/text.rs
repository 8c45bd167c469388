//! Words of the page, apart from its code.

pub mod drawers;
pub mod fidelity;
pub mod inspector;
pub mod sandbox;

use super::command::Drawer;
use super::route::Route;
use super::scenarios::Showcase;
use super::store::Theme;
use crate::base::{Duration, Time};
use crate::lesson::course;
use crate::lesson::view::Primary;
use crate::view::scene::ProducerHealth;
use crate::view::words;

/// Name of the product.
pub const NAME: &str = "Brokerscope";
/// The title of the first screen, as in `index.html`.
pub const FRONT: &str = "Brokerscope: a Kafka cluster you can watch";
/// First stop of the keyboard.
pub const SKIP: &str = "Skip to the cluster";
/// The list of lessons, as a link.
pub const LESSONS: &str = "Lessons";
/// Free play, as a link.
pub const SANDBOX: &str = "Sandbox";
/// The stage's name.
pub const STAGE: &str = "The cluster";
/// Title of the first column.
pub const PRODUCERS: &str = "Producers";
/// Title of the second column.
pub const BROKERS: &str = "Brokers";
/// Title of the third column.
pub const CONSUMERS: &str = "Consumers";
/// Heading of consumers without a group.
pub const NO_GROUP: &str = "no group";
/// What that means.
pub const NO_GROUP_MEANS: &str = "each reads everything";
/// A broker without replicas.
pub const NO_REPLICA: &str = "no replica here";
/// Where nothing consumes.
pub const NO_CONSUMERS: &str = "Nobody reads yet";
/// Where nothing produces.
pub const NO_PRODUCERS: &str = "Nobody writes yet";

/// First visit: small line above the sentence.
pub const HOME_EYEBROW: &str = "This is Kafka, running";
/// First visit: the sentence.
pub const HOME_TITLE: &str = "Five workers, one working";
/// First visit: what one sees.
pub const HOME_BODY: &str = "Orders come in faster than they are finished, and adding workers did not \
    help. What you see is a whole Kafka cluster, simulated inside this page.";
/// First visit: the button.
pub const HOME_ACTION: &str = "Find out why";
/// First visit: the other way.
pub const HOME_SANDBOX: &str = "or play freely in the sandbox";
/// First visit: what it is, in short.
pub const HOME_NOTE: &str = "Nothing is sent anywhere. Click any broker, worker or record log to look \
    inside; pause and slow time down as you like.";

/// List of lessons: title.
pub const LESSONS_TITLE: &str = "Lessons";
/// List of lessons: first line.
pub const LESSONS_LEAD: &str =
    "Each one starts with a cluster that has something wrong. You predict, run it, and fix it.";
/// Mark of a solved lesson.
pub const SOLVED: &str = "solved";
/// An address that leads nowhere.
pub const NOT_FOUND: &str = "There is nothing at this address.";
/// What to make of it.
pub const NOT_FOUND_MEANS: &str = "The link may be mistyped or older than this page. Nothing is lost: what you \
    did in the lessons is still remembered.";
/// The way home from there.
pub const HOME_LINK: &str = "To the first screen";
/// The way to the lessons from there.
pub const LESSONS_LINK: &str = "or to the list of lessons";

/// What is told when saved progress makes no sense, and where it is kept.
pub fn unreadable(why: &str) -> String {
    format!(
        "What you did in the lessons before could not be read. {why} Nothing was thrown away: it is \
         kept, unchanged, in this browser's storage under brokerscope.progress.unreadable."
    )
}
/// Button: it was read.
pub const UNDERSTOOD: &str = "Understood";

/// Terminal: what it waits for, in words.
pub fn terminal_waits(running: Option<&str>) -> &'static str {
    match running {
        None => "Waits for a command.",
        Some("kafka-console-producer") => {
            "kafka-console-producer: each line becomes a record. Ctrl+D ends it."
        }
        Some("kafka-console-consumer") => {
            "kafka-console-consumer: prints records as they come. Ctrl+C ends it."
        }
        Some(_) => "Waits for the cluster's answer. Ctrl+C ends it.",
    }
}

/// Terminal: a command was given while time stands still.
pub const TERMINAL_PAUSED: &str = "Time stands still: answers come when it goes on.";
/// Terminal: button that ends the tool in the foreground.
pub const TERMINAL_END: &str = "End it";
/// Inspector in a lesson: what is not taught yet is not offered.
pub const MORE_IN_SANDBOX: &str = "In the sandbox more can be done to it.";

/// Sandbox: title.
pub const SANDBOX_TITLE: &str = "Sandbox";
/// Sandbox: first line.
pub const SANDBOX_LEAD: &str = "Every change is asked of the cluster, as you would ask Kafka.";

/// Sandbox: beside the number of brokers.
pub const BROKERS_NOTE: &str = "click one to stop it";
/// Sandbox: a number that Kafka has not agreed to yet.
pub fn asked(wanted: u32, present: u32) -> String {
    format!("asked for {wanted}, has {present}: the answer comes when time runs")
}

/// Playback bar: its name.
pub const PLAYBACK: &str = "Time";
/// Button.
pub const PLAY: &str = "Play";
/// Button.
pub const PAUSE: &str = "Pause";
/// Button at an event: asks for what led to it.
pub const WHY: &str = "Why?";
/// The answer's name.
pub const CAUSES: &str = "What led to it, nearest cause first";
/// There is no answer any more.
pub const CAUSES_FORGOTTEN: &str = "That is too long ago: its causes are no longer remembered.";
/// Button under the reason for a stop.
pub const PLAY_ON: &str = "Play on";
/// Time stopped by itself, before the reason.
pub const STOPPED: &str = "Time stopped:";
/// Button.
pub const STEP: &str = "Step one event";
/// Button.
pub const RESTART: &str = "Start again";
/// Slider.
pub const SPEED: &str = "Speed";
/// Button that opens the clock's table.
pub const CLOCK_ABOUT: &str = "About this clock";
/// What the classroom clock is.
pub const CLASSROOM_MEANS: &str = "Kafka's time constants span a millisecond to five minutes. The classroom clock \
    changes these, so that you can watch them together.";
/// What else differs from Kafka's defaults: heading of a table.
pub const OVERRIDES: &str = "This cluster also sets";
/// Under what differs.
pub const OTHERWISE_DEFAULT: &str = "Everything else began as Kafka's default.";
/// What the true clock is.
pub const DEFAULTS_MEAN: &str = "Kafka's own time constants, unchanged. Use the speed slider to watch \
    short and long ones.";

/// Button.
pub const HELP: &str = "Keyboard shortcuts";
/// Button.
pub const PRESENTER: &str = "Large type";
/// On a producer's card: records that it gave up; an alarm while it does.
pub fn failed(count: u64, health: ProducerHealth) -> String {
    let alarm = if health == ProducerHealth::Healthy { "" } else { "▲ " };
    format!("{alarm}{} failed", words::short_count(count))
}

/// On the stage, under a log: acknowledged records that no log holds any more.
pub fn lost(count: u64) -> String {
    format!("{} lost", words::count(count))
}

/// On the stage, in a broker whose disk is gone: what had no copy anywhere else.
pub fn lost_with_disk(count: u64) -> String {
    format!("{} lost with its disk", words::count(count))
}

/// Button that opens the switches of motion.
pub const SHOW: &str = "Show";
/// After a number above the stage that stopped growing: when it last grew.
pub fn until(at: Time) -> String {
    format!(", last at {}", words::moment(at))
}

/// Explains the switches.
pub const SHOW_MEANS: &str = "What moves on the stage";
/// Button.
pub const CLOSE: &str = "Close";

/// List of lessons: a part without lessons.
pub const TO_COME: &str = "to come";
/// Lesson panel: button.
pub const HINT: &str = "Hint";
/// Lesson panel: button.
pub const SOLUTION: &str = "Show solution";
/// Lesson panel: before what the cluster said to a line of the solution.
pub const REFUSED: &str = "Refused:";
/// Lesson panel: button.
pub const SKIP_STEP: &str = "Skip";
/// Lesson panel: instead of the strong button's words while the run goes on.
pub const RUNS: &str = "Running…";
/// Over a chart: before the answer that the learner chose.
pub const YOU_SAID: &str = "you said:";
/// Lesson panel: an answer that was right.
pub const CAME_TRUE: &str = "this is what happens";
/// Lesson panel: one that was not.
pub const DID_NOT: &str = "your answer";
/// Lesson panel: goal reached.
pub const REACHED: &str = "Reached";
/// Lesson panel: name of the goal.
pub const GOAL: &str = "Goal";
/// Lesson panel: heading over the goals.
pub const GOALS: &str = "Goals";

/// Lesson panel: the strong button.
pub fn primary(means: Primary) -> &'static str {
    match means {
        Primary::Next => "Next",
        Primary::Run => "Run and see",
        Primary::PlayOn => PLAY_ON,
        Primary::ReachGoals => "Reach the goal to go on",
        Primary::Performing => "Performing the solution",
        Primary::Check => "Check the answer",
        Primary::Finish => "Finish",
        Primary::NextLesson => "Next lesson",
    }
}

/// Lesson panel: heading when all steps are done.
pub const LESSON_OVER: &str = "Done";
/// Lesson panel: the solution was performed in vain.
pub const SOLUTION_FAILED: &str = "The cluster is no longer as this solution expects it, so the goals are not \
    reached. Start the lesson again to see it work, or skip this step.";

/// Lesson panel: the dots that stand for steps.
pub fn step_of(now: usize, all: usize) -> String {
    format!("step {now} of {all}")
}

/// Lesson panel: a goal holds, and has to go on holding.
pub fn holds(for_now: Duration, of: Duration) -> String {
    format!("Holds for {} of {of}.", for_now.as_millis() / 1_000)
}

/// Lesson panel: a goal's value is not what it has to be.
pub fn out_of_bounds(value: &str, at_least: Option<&str>, at_most: Option<&str>) -> String {
    let bound = match (at_least, at_most) {
        (Some(low), Some(high)) if low == high => low.to_owned(),
        (Some(low), Some(high)) => format!("{low} to {high}"),
        (Some(low), None) => format!("at least {low}"),
        (None, Some(high)) => format!("at most {high}"),
        (None, None) => return value.to_owned(),
    };
    format!("{value} now, has to be {bound}.")
}

/// Lesson panel: how many goals are reached.
pub fn goals_met(met: usize, all: usize) -> String {
    match all {
        1 => primary(Primary::ReachGoals).to_owned(),
        _ => format!("{met} of {all} goals reached"),
    }
}

/// Lesson panel: heading over the controls.
pub const YOUR_HANDS: &str = "What you can change";
/// Lesson panel: when there are hints left.
pub const MORE_HINTS: &str = "left";
/// The session could not begin.
pub const BROKEN: &str = "This cluster cannot start";

/// Inspector: name of a consumer's group.
pub const GROUP: &str = "Group";
/// Inspector: an example of one.
pub const GROUP_EXAMPLE: &str = "a name";
/// Inspector: button.
pub const JOIN: &str = "Join";

/// Terminal: name of its input.
pub const TERMINAL_INPUT: &str = "Command line";
/// Terminal: shown while empty.
pub const TERMINAL_START: &str =
    "Kafka's own commands work here. Try: kafka-topics --list --bootstrap-server localhost:9092";

/// Name of a drawer.
pub fn drawer(drawer: Drawer) -> &'static str {
    match drawer {
        Drawer::Charts => "Charts",
        Drawer::Records => "Records",
        Drawer::Events => "What happened",
        Drawer::Table => "As text",
        Drawer::Terminal => "Terminal",
    }
}

/// Name of the button that changes the look.
pub fn theme(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "Look: as the system",
        Theme::Light => "Look: light",
        Theme::Dark => "Look: dark",
    }
}

/// The page's title at an address.
pub fn title(route: &Route) -> String {
    let lesson = |slug: &str| course().lesson(slug).map(|lesson| lesson.title.clone());
    let place = match route {
        Route::Home => return FRONT.to_owned(),
        Route::Lessons => LESSONS_TITLE.to_owned(),
        Route::Sandbox => SANDBOX.to_owned(),
        Route::Lesson { slug } => lesson(slug).unwrap_or_else(|| NOT_FOUND.to_owned()),
        Route::Showcase { name } => {
            Showcase::named(name).map_or(NOT_FOUND, Showcase::title).to_owned()
        }
        Route::Fidelity => fidelity::TITLE.to_owned(),
        Route::NotFound => NOT_FOUND.to_owned(),
    };
    format!("{place} · {NAME}")
}

/// Shortcuts: key and what it does.
pub const SHORTCUTS: &[(&str, &str)] = &[
    ("Space", "play or pause"),
    (".", "one event forward"),
    ("+  and  -", "faster, slower"),
    ("1 to 5", "charts, records, what happened, as text, terminal"),
    ("t", "light, dark, or as the system"),
    ("p", "large type"),
    ("Arrow keys", "move between the things on the stage"),
    ("Enter", "look inside the chosen thing"),
    ("Escape", "close"),
    ("?", "this list"),
];

/// Above the stage: the list's name.
pub const NUMBERS: &str = "Numbers of the cluster";
/// Above the stage: a rate's unit.
pub const A_SECOND: &str = "/s";
/// Above the stage: records sent.
pub const COMING_IN: &str = "coming in";
/// Above the stage: records finished.
pub const FINISHED: &str = "finished";
/// Above the stage: records not finished.
pub const BEHIND: &str = "behind";
/// Above the stage: latency.
pub const LATENCY: &str = "latency p99";
/// Above the stage: partitions with too few copies.
pub const UNDER_REPLICATED: &str = "under-replicated";
/// Above the stage: partitions nobody leads.
pub const LEADERLESS: &str = "without a leader";
/// Above the stage: records given up.
pub const GIVEN_UP: &str = "failed to send";
/// Above the stage: acknowledged records that are gone.
pub const LOST: &str = "lost";

/// After a crash of the page: heading.
pub const CRASHED: &str = "Brokerscope has crashed";
/// After a crash of the page: what it means.
pub const CRASHED_MEANS: &str = "This is a mistake in Brokerscope. The text below lets somebody see the same thing \
    happen: it holds the cluster, the seed and everything you did.";
/// After a crash of the page: what happened, and on which command.
#[cfg(target_arch = "wasm32")]
pub fn crashed(what: &str, doing: &str) -> String {
    format!("{what}\nwhile doing: {doing}")
}
/// After a crash of the page: name of the text to copy.
pub const CRASHED_SESSION: &str = "The session as text";
/// After a crash of the page: the way on.
pub const CRASHED_AGAIN: &str = "Start again";
