//! Random cases from seeds, as `scope swarm` runs them, cases that failed once, and the way from a failure to
//! its report and back.

use std::path::Path;

use brokerscope::base::Duration;
use brokerscope::cluster::Action;
use brokerscope::cluster::event_log::Actor;
use brokerscope::session::{Failure, Saved, Session};
use brokerscope::swarm::{self, Case, Demo, End, PlannedAction, Replay, Run, Summary};

use crate::support::{THREE_BROKERS, scenario};

fn run(case: &Case) -> Result<Summary, Box<Failure>> {
    Run::new(case, None).unwrap_or_else(|error| panic!("{error}")).finish()
}

/// Few of the seeds of `scope swarm`: those that every build can wait for.
#[test]
fn invariants_hold_under_random_faults_and_the_mended_cluster_comes_to_rest() {
    for seed in 0..24 {
        if let Err(failure) = run(&swarm::case(seed)) {
            panic!("seed {seed}: {failure:?}");
        }
    }
}

#[test]
fn what_failed_once_passes() {
    let mut cases = 0;
    for entry in std::fs::read_dir(Path::new("tests/data/swarm")).unwrap() {
        let path = entry.unwrap().path();
        let saved = Saved::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
        if let Err(failure) = run(&Case::of_saved(&saved)) {
            panic!("{}: {failure:?}", path.display());
        }
        cases += 1;
    }
    assert!(cases > 0);
}

fn three_brokers(seed: u64, actions: &[(u64, Action)]) -> Case {
    let planned = |(at_ms, action): &(u64, Action)| PlannedAction {
        at: Duration::from_millis(*at_ms),
        by: Actor::Learner,
        action: action.clone(),
    };
    let end = End::Mended {
        at: Duration::from_secs(8),
        patience: Duration::from_secs(150),
        unclean: false,
    };
    Case {
        seed,
        scenario: scenario(THREE_BROKERS),
        actions: actions.iter().map(planned).collect(),
        end,
    }
}

/// A run with a false demand, to its end.
fn demonstrate() -> (Saved, Failure) {
    let crash = (3_000, Action::CrashBroker { broker: 1, lose_disk: false });
    let refused = (2_000, Action::StartBroker { broker: 1 });
    let mut run = Run::new(&three_brokers(7, &[refused, crash]), Some(Demo::LeadersStay)).unwrap();
    let failure = *run.finish().unwrap_err();
    (run.saved(failure.clone()), failure)
}

#[test]
fn a_failure_is_told_with_its_event_and_replays_to_the_same_event() {
    let (saved, failure) = demonstrate();
    assert_eq!(failure.invariant, "demo-leaders-stay");
    assert!(failure.event.contains("controller (node 100)"), "{}", failure.event);
    assert_eq!(saved.journal.len(), 1, "what the cluster refused is no part of the journal");
    let read = Saved::read(&saved.to_text()).unwrap();
    assert_eq!(read, saved);
    let Replay::Broke(again, story) = swarm::replay(&read, |_, _| {}).unwrap() else {
        panic!("nothing broke");
    };
    assert_eq!(*again, failure);
    assert!(!story.is_empty());
}

#[test]
fn the_page_opens_a_report_at_the_moment_of_its_failure() {
    let (saved, failure) = demonstrate();
    let session = Session::load(&saved.to_text()).unwrap();
    assert_eq!(
        (session.cluster().steps(), session.cluster().now().0),
        (failure.steps, failure.at_us)
    );
}

#[test]
fn a_report_that_another_version_plays_otherwise_is_refused() {
    let (mut saved, _) = demonstrate();
    saved.journal[0].steps -= 1;
    let refused = swarm::replay(&saved, |_, _| {}).unwrap_err();
    assert!(refused.to_string().starts_with("journal[0]: expected"), "{refused}");
}

#[test]
fn a_session_of_the_page_is_replayed_and_goes_on_for_a_minute() {
    let mut session = Session::new(&scenario(THREE_BROKERS), 3).unwrap();
    for _ in 0..400 {
        session.step();
    }
    session.act(Action::CrashBroker { broker: 2, lose_disk: false }).unwrap();
    let saved = Saved::read(&session.save()).unwrap();
    let Replay::Held { at, .. } = swarm::replay(&saved, |_, _| {}).unwrap() else {
        panic!("something broke");
    };
    assert!(at.since(session.cluster().now()) >= Duration::from_secs(60));
}

#[test]
fn two_runs_of_one_case_are_the_same_and_of_two_cases_the_first_difference_is_named() {
    let crash = [(3_000, Action::CrashBroker { broker: 1, lose_disk: false })];
    let compare = |case: &Case| {
        let mut first = Run::new(&three_brokers(1, &crash), None).unwrap().keeping_trace();
        first.finish().unwrap();
        let mut second = Run::new(case, None).unwrap().compared_with(first);
        second.finish().unwrap();
        second.difference().map(str::to_owned)
    };
    assert_eq!(compare(&three_brokers(1, &crash)), None);
    let difference = compare(&three_brokers(1, &[])).unwrap();
    assert!(difference.starts_with("event "), "{difference}");
}
