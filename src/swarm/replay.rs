//! Playing a save again, to see what it tells of.

use std::rc::Rc;

use super::demo::{Demo, checker};
use super::rest::{self, Rest};
use super::run::last_step;
use super::{SEQUEL, run};

use crate::base::Time;
use crate::cluster::Cluster;
use crate::cluster::event_log::Logged;
use crate::session::{Failure, SaveError, Saved, Session};

/// What came of playing a save again.
#[derive(Clone, PartialEq, Debug)]
pub enum Replay {
    /// Something was wrong, after these events.
    Broke(Box<Failure>, Vec<Rc<Logged>>),
    /// Nothing was wrong up to this moment.
    Held {
        /// Steps taken.
        steps: u64,
        /// The moment.
        at: Time,
    },
}

/// Plays a save with every invariant checked after every event, up to its moment and, when it tells of a
/// panic or of nothing wrong, for a minute after it. `progress` is told steps and time before each step: after
/// a panic it knows where. An error if the save cannot be played: it is of another version.
pub fn replay(saved: &Saved, mut progress: impl FnMut(u64, Time)) -> Result<Replay, SaveError> {
    let told = saved.failure.as_ref();
    let mended_at = told.and_then(|failure| failure.mended_at_us);
    let mut checker = checker(told.and_then(Demo::of_failure));
    let mut broke = None;
    let mut story = Vec::new();
    let mut look = |cluster: &Cluster| {
        progress(cluster.steps(), cluster.now());
        checker.check(cluster).map_err(|broken| {
            story = cluster.log_book().notable_since(0).cloned().collect();
            broke = Some(Failure {
                invariant: broken.invariant.to_owned(),
                sentence: broken.sentence.to_owned(),
                detail: broken.detail,
                steps: cluster.steps(),
                at_us: cluster.now().0,
                event: last_step(cluster),
                mended_at_us: mended_at,
            });
            String::new()
        })
    };
    let played = Session::play(saved, |session| look(session.cluster()));
    let mut session = match played {
        Ok(session) => session,
        Err(error) => {
            return broke.map(|failure| Replay::Broke(Box::new(failure), story)).ok_or(error);
        }
    };
    let no_rest = told.is_some_and(Failure::is_no_rest);
    let until = if no_rest { session.cluster().now() } else { session.cluster().now() + SEQUEL };
    while session.cluster().next_time().is_some_and(|at| at <= until) {
        session.step();
        if look(session.cluster()).is_err() {
            break;
        }
    }
    session.advance_to(until);
    let cluster = session.cluster();
    if no_rest && let Some((invariant, detail)) = unrest(cluster) {
        let told = told.expect("it tells of a cluster that does not come to rest");
        story = cluster.log_book().notable_since(0).cloned().collect();
        broke = Some(Failure {
            invariant: invariant.to_owned(),
            detail,
            steps: cluster.steps(),
            at_us: cluster.now().0,
            event: last_step(cluster),
            ..told.clone()
        });
    }
    Ok(match broke {
        Some(failure) => Replay::Broke(Box::new(failure), story),
        None => Replay::Held { steps: cluster.steps(), at: cluster.now() },
    })
}

fn unrest(cluster: &Cluster) -> Option<(&'static str, String)> {
    match rest::look(cluster) {
        Rest::NotYet(kind, reason) => Some((kind, reason)),
        Rest::AtRest => rest::promises(cluster).err().map(|detail| (rest::PROMISES, detail)),
    }
}

impl Replay {
    /// What to tell when the program has panicked with that message during [`replay`], after `steps` steps.
    pub fn panicked(saved: &Saved, message: &str, steps: u64, at: Time) -> Self {
        let mended_at = saved.failure.as_ref().and_then(|failure| failure.mended_at_us).map(Time);
        let event = "the next event".to_owned();
        let failure = run::panicked(message, (steps, at), event, mended_at);
        Self::Broke(Box::new(failure), Vec::new())
    }
}
