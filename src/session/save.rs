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

#[derive(Serialize)]
struct SaveV1<'a> {
    format: &'static str,
    version: u64,
    seed: u64,
    scenario: &'a Scenario,
    journal: Vec<EntryV1>,
    /// The end, so that a replay arrives at the same moment.
    steps: u64,
    at_us: u64,
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

impl Session {
    /// The session as text.
    pub fn save(&self) -> String {
        let entry = |entry: &JournalEntry| EntryV1 {
            steps: entry.steps,
            at_us: entry.at.0,
            by: entry.by,
            action: entry.action.clone(),
        };
        let save = SaveV1 {
            format: FORMAT,
            version: VERSION,
            seed: self.seed(),
            scenario: self.cluster().scenario(),
            journal: self.journal().iter().map(entry).collect(),
            steps: self.cluster().steps(),
            at_us: self.cluster().now().0,
        };
        serde_json::to_string(&save).expect("a session is plain data")
    }

    /// A session from text, brought to the moment at which it was saved, paused.
    pub fn load(text: &str) -> Result<Self, SaveError> {
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
        let seed = number("seed", take("seed"))?;
        let steps = number("steps", take("steps"))?;
        let at = Time(number("at_us", take("at_us"))?);
        let scenario: Scenario =
            serde_json::from_value(take("scenario")).map_err(|e| error("scenario", e))?;
        let entries: Vec<serde_json::Value> =
            serde_json::from_value(take("journal")).map_err(|e| error("journal", e))?;
        let mut session = Self::new(&scenario, seed)
            .map_err(|e| error(format!("scenario.{}", e.field), e.expected))?;
        for (index, entry) in entries.into_iter().enumerate() {
            let place = format!("journal[{index}]");
            let entry: EntryV1 = serde_json::from_value(entry).map_err(|e| error(&place, e))?;
            session.reach(entry.steps, Time(entry.at_us)).map_err(|e| error(&place, e))?;
            session
                .act_for(entry.action, entry.by)
                .map_err(|e| error(format!("{place}.action"), e))?;
        }
        session.reach(steps, at).map_err(|e| error("at_us", e))?;
        Ok(session)
    }

    /// Goes on to the moment after `steps` steps at which it is `at`.
    fn reach(&mut self, steps: u64, at: Time) -> Result<(), String> {
        let cluster = self.cluster_mut();
        if steps > MAX_STEPS || at > MAX_TIME {
            return Err(format!("expected at most {MAX_STEPS} steps and {MAX_TIME}"));
        }
        if steps < cluster.steps() || at < cluster.now() {
            return Err(format!(
                "expected a moment after {} steps and {}, got {steps} and {at}",
                cluster.steps(),
                cluster.now()
            ));
        }
        while cluster.steps() < steps && cluster.next_time().is_some_and(|next| next <= at) {
            cluster.step();
        }
        cluster.advance_to(at);
        if cluster.steps() == steps && cluster.now() == at {
            return Ok(());
        }
        Err(format!(
            "expected {steps} steps by {at}, this version comes to {} by {}",
            cluster.steps(),
            cluster.now()
        ))
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
