//! A session as text: scenario, seed and journal. Replaying it gives the same cluster, event for
//! event. The text is a versioned format of its own; one that cannot be read says what is wrong and
//! where, and the session that runs is not touched.

use serde::{Deserialize, Serialize};

use super::{JournalEntry, Session};
use crate::base::Time;
use crate::cluster::event_log::Actor;
use crate::cluster::{Action, Scenario};

/// Word that every save begins with.
const FORMAT: &str = "brokerscope-session";
/// Version that this build writes and reads.
const VERSION: u64 = 1;
/// Most steps that a save may ask to replay.
const MAX_STEPS: u64 = 200_000_000;
/// Longest session that a save may ask to replay: 24 simulated hours.
const MAX_TIME: Time = Time(24 * 3_600 * 1_000_000);

/// A session at rest: everything from which it can be run again. The page writes one when it crashes, the
/// swarm when an invariant breaks, and `scope replay` reads both.
#[derive(Clone, PartialEq, Debug)]
pub struct Saved {
    /// Seed of all randomness.
    pub seed: u64,
    /// What the session started from.
    pub scenario: Scenario,
    /// What was done, in order.
    pub journal: Vec<JournalEntry>,
    /// Steps taken at the moment of the save, so that a replay arrives at the same one.
    pub steps: u64,
    /// The moment of the save.
    pub at: Time,
    /// What went wrong, if something did.
    pub failure: Option<Failure>,
}

/// What went wrong in a session, for reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Name of the invariant that broke first, [`Failure::PANIC`], or a name that
    /// begins with [`Failure::NO_REST`].
    pub invariant: String,
    /// What the invariant says.
    pub sentence: String,
    /// What was wrong.
    pub detail: String,
    /// Steps taken when it was found. A panic is found in the middle of a step, which counts.
    pub steps: u64,
    /// When it was found, in microseconds of simulated time.
    pub at_us: u64,
    /// The step after which it was found: its number, time, node and kind.
    pub event: String,
    /// When everything was mended, in microseconds of simulated time; none if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_at_us: Option<u64>,
}

impl Failure {
    /// Name for a panic of the program.
    pub const PANIC: &'static str = "panic";
    /// Name for two runs of one seed that differ.
    pub const DIFFERS: &'static str = "same-seed-same-run";
    /// How names for clusters begin that were mended and did not come to rest.
    pub const NO_REST: &'static str = "rest-";

    /// Whether it tells of a cluster that was mended and did not come to rest.
    pub fn is_no_rest(&self) -> bool {
        self.invariant.starts_with(Self::NO_REST)
    }

    /// Whether the other one is of the same invariant; a panic, of the same place.
    pub fn is_like(&self, other: &Self) -> bool {
        let place = |failure: &Self| failure.detail.lines().next().map(str::to_owned);
        self.invariant == other.invariant
            && (self.invariant != Self::PANIC || place(self) == place(other))
    }
}

#[derive(Serialize)]
struct SaveV1<'a> {
    format: &'static str,
    version: u64,
    seed: u64,
    scenario: &'a Scenario,
    journal: Vec<EntryV1>,
    steps: u64,
    at_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryV1 {
    steps: u64,
    at_us: u64,
    #[serde(default)]
    by: Actor,
    action: Action,
}

/// Why a save could not be read, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SaveError {
    /// Path of the field: `journal[3].action`; `text` for the whole.
    pub place: String,
    /// What was expected there.
    pub expected: String,
}

impl std::fmt::Display for SaveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.expected)
    }
}

fn error(place: impl Into<String>, expected: impl std::fmt::Display) -> SaveError {
    SaveError { place: place.into(), expected: expected.to_string() }
}

impl Saved {
    /// The save as text: one JSON object.
    pub fn to_text(&self) -> String {
        let entry = |entry: &JournalEntry| EntryV1 {
            steps: entry.steps,
            at_us: entry.at.0,
            by: entry.by,
            action: entry.action.clone(),
        };
        let save = SaveV1 {
            format: FORMAT,
            version: VERSION,
            seed: self.seed,
            scenario: &self.scenario,
            journal: self.journal.iter().map(entry).collect(),
            steps: self.steps,
            at_us: self.at.0,
            failure: self.failure.as_ref(),
        };
        serde_json::to_string(&save).expect("a session is plain data")
    }

    /// Reads a save without playing it.
    pub fn read(text: &str) -> Result<Self, SaveError> {
        let mut root: serde_json::Value =
            serde_json::from_str(text).map_err(|e| error("text", e))?;
        let root = root
            .as_object_mut()
            .ok_or_else(|| error("text", "expected an object with `format` and `version`"))?;
        let mut take = |name: &str| root.remove(name).unwrap_or_default();
        if take("format") != FORMAT {
            return Err(error("format", format!("expected `{FORMAT}`")));
        }
        let version = take("version");
        if version != VERSION {
            return Err(error("version", format!("expected {VERSION}, got {version}")));
        }
        let number = |place: &str, value: serde_json::Value| {
            value.as_u64().ok_or_else(|| error(place, format!("expected a number, got {value}")))
        };
        let entries: Vec<serde_json::Value> =
            serde_json::from_value(take("journal")).map_err(|e| error("journal", e))?;
        let mut journal = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let entry: EntryV1 =
                serde_json::from_value(entry).map_err(|e| error(format!("journal[{index}]"), e))?;
            let EntryV1 { steps, at_us, by, action } = entry;
            journal.push(JournalEntry { steps, at: Time(at_us), by, action });
        }
        Ok(Self {
            seed: number("seed", take("seed"))?,
            steps: number("steps", take("steps"))?,
            at: Time(number("at_us", take("at_us"))?),
            scenario: serde_json::from_value(take("scenario")).map_err(|e| error("scenario", e))?,
            failure: serde_json::from_value(take("failure")).map_err(|e| error("failure", e))?,
            journal,
        })
    }
}

impl Session {
    /// The session as plain data.
    pub fn to_saved(&self) -> Saved {
        Saved {
            seed: self.seed(),
            scenario: (**self.cluster().scenario()).clone(),
            journal: self.journal().to_vec(),
            steps: self.cluster().steps(),
            at: self.cluster().now(),
            failure: None,
        }
    }

    /// The session as text.
    pub fn save(&self) -> String {
        self.to_saved().to_text()
    }

    /// A session from text, brought to the moment at which it was saved, paused.
    pub fn load(text: &str) -> Result<Self, SaveError> {
        Self::play(&Saved::read(text)?, |_| Ok(()))
    }

    /// Plays a save to its moment, and lets `look` see the session after every step and action. An error
    /// of `look` ends the play and is told under the place `look`.
    pub fn play(
        saved: &Saved,
        mut look: impl FnMut(&Self) -> Result<(), String>,
    ) -> Result<Self, SaveError> {
        let mut session = Self::new(&saved.scenario, saved.seed)
            .map_err(|e| error(format!("scenario.{}", e.field), e.expected))?;
        for (index, entry) in saved.journal.iter().enumerate() {
            let place = format!("journal[{index}]");
            session.reach(&place, (entry.steps, entry.at), &mut look)?;
            session
                .act_for(entry.action.clone(), entry.by)
                .map_err(|e| error(format!("{place}.action"), e))?;
            look(&session).map_err(|e| error("look", e))?;
        }
        session.reach("at_us", (saved.steps, saved.at), &mut look)?;
        Ok(session)
    }

    /// Goes on to the moment after `steps` steps at which it is `at`.
    fn reach(
        &mut self,
        place: &str,
        (steps, at): (u64, Time),
        look: &mut impl FnMut(&Self) -> Result<(), String>,
    ) -> Result<(), SaveError> {
        if steps > MAX_STEPS || at > MAX_TIME {
            return Err(error(place, format!("expected at most {MAX_STEPS} steps and {MAX_TIME}")));
        }
        let (now, taken) = (self.cluster().now(), self.cluster().steps());
        if steps < taken || at < now {
            let expected =
                format!("expected a moment after {taken} steps and {now}, got {steps} and {at}");
            return Err(error(place, expected));
        }
        while self.cluster().steps() < steps
            && self.cluster().next_time().is_some_and(|next| next <= at)
        {
            self.step();
            look(self).map_err(|e| error("look", e))?;
        }
        self.advance_to(at);
        let (now, taken) = (self.cluster().now(), self.cluster().steps());
        if (taken, now) == (steps, at) {
            return Ok(());
        }
        let expected =
            format!("expected {steps} steps by {at}, this version comes to {taken} by {now}");
        Err(error(place, expected))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{broken_in, played};
    use super::*;

    #[test]
    fn a_save_brings_back_the_same_cluster_event_for_event() {
        let session = played();
        let again = Session::load(&session.save()).unwrap();
        assert_eq!(again.cluster().trace_hash(), session.cluster().trace_hash());
        assert_eq!(again.cluster().now(), session.cluster().now());
        assert_eq!(again.journal(), session.journal());
        assert_eq!(again.save(), session.save());
    }

    #[test]
    fn a_damaged_save_says_where() {
        let text = played().save();
        let fails = |from: &str, to: &str| broken_in(&text, from, to);
        assert_eq!(Session::load("{").unwrap_err().place, "text");
        assert_eq!(Session::load("[]").unwrap_err().place, "text");
        assert_eq!(fails("brokerscope-session", "x"), "format: expected `brokerscope-session`");
        assert_eq!(fails("\"version\":1", "\"version\":7"), "version: expected 1, got 7");
        assert!(fails("\"seed\":", "\"seed\":-").starts_with("seed: expected a number"));
        assert!(fails("\"brokers\":3", "\"brokers\":70").starts_with("scenario.brokers: "));
        assert!(fails("\"brokers\":3", "\"brokers\":\"3\"").starts_with("scenario: "));
        assert!(fails("crash-broker", "crush-broker").starts_with("journal[1]: unknown variant"));
        assert!(fails("\"broker\":2", "\"broker\":8").starts_with("journal[1].action: "));
    }

    #[test]
    fn a_save_of_another_engine_is_refused_instead_of_played_wrongly() {
        let text = played().save();
        let steps = format!("\"steps\":{}", played().journal()[1].steps);
        let message = broken_in(&text, &steps, "\"steps\":3");
        assert!(message.starts_with("journal[1]: expected"), "{message}");
    }
}
