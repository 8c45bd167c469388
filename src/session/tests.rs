//! Sessions: what is done is kept, and replaying it gives the same run.

use super::*;

fn scenario() -> Scenario {
    serde_json::from_str(
        r#"{"name":"test","brokers":3,
            "topics":[{"name":"t","partitions":2,"replication_factor":3}],
            "producers":[{"name":"web","topic":"t","rate":{"kind":"poisson","per_second":40}}],
            "consumers":[{"name":"worker","count":2,"group":"g","topics":["t"],
                          "service":{"kind":"exponential","micros":20000}}]}"#,
    )
    .unwrap()
}

fn seconds(session: &mut Session, seconds: u64) {
    let _response = session.command(PlaybackCommand::Play);
    for _ in 0..seconds * 10 {
        let _response = session.update(Duration::from_millis(100));
    }
}

/// A session in which partitions were added and a broker killed.
pub(super) fn played() -> Session {
    let mut session = Session::new(&scenario(), 7).unwrap();
    seconds(&mut session, 3);
    session.act(Action::AddPartitions { topic: "t".to_owned(), partitions: 4 }).unwrap();
    seconds(&mut session, 3);
    session.act(Action::CrashBroker { broker: 2, lose_disk: false }).unwrap();
    seconds(&mut session, 5);
    session
}

/// What loading `text` says when `from` is replaced by `to`.
pub(super) fn broken_in(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in {text}");
    Session::load(&text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let mut refused = played();
    let mut clean = played();
    let before = refused.journal().len();
    let broker = 9;
    refused.act(Action::CrashBroker { broker, lose_disk: false }).unwrap_err();
    assert_eq!(refused.journal().len(), before);
    seconds(&mut refused, 2);
    seconds(&mut clean, 2);
    assert_eq!(refused.cluster().trace_hash(), clean.cluster().trace_hash());
}

#[test]
fn frames_of_another_length_lead_to_the_same_run() {
    let mut coarse = Session::new(&scenario(), 7).unwrap();
    let mut fine = Session::new(&scenario(), 7).unwrap();
    seconds(&mut coarse, 3);
    let _response = fine.command(PlaybackCommand::Play);
    for _ in 0..3_000 {
        let _response = fine.update(Duration::from_millis(1));
    }
    assert_eq!(coarse.cluster().now(), fine.cluster().now());
    assert_eq!(coarse.cluster().trace_hash(), fine.cluster().trace_hash());
}

#[test]
fn restart_goes_back_to_the_first_moment_of_the_same_session() {
    let mut session = played();
    let first = Session::new(&scenario(), 7).unwrap();
    let _response = session.command(PlaybackCommand::Restart);
    assert_eq!(session.cluster().trace_hash(), first.cluster().trace_hash());
    assert!(session.journal().is_empty() && !session.playback().is_playing());
}

#[test]
fn it_pauses_at_a_rebalance_when_asked_to() {
    let mut session = Session::new(&scenario(), 7).unwrap();
    let _response = session.command(PlaybackCommand::PauseOn([Moment::Rebalance].into()));
    let _response = session.command(PlaybackCommand::Play);
    let stops = (0..100).filter_map(|_| session.update(Duration::from_millis(100)).stopped);
    assert_eq!(stops.collect::<Vec<_>>(), [Stop::Moment(Moment::Rebalance)]);
}

#[test]
fn it_pauses_at_what_an_action_does_at_once_and_says_why() {
    let mut session = Session::new(&scenario(), 7).unwrap();
    seconds(&mut session, 3);
    let _response = session.command(PlaybackCommand::PauseOn([Moment::LogDeleted].into()));
    session.act(Action::CrashBroker { broker: 3, lose_disk: false }).unwrap();
    assert!(session.playback().is_playing(), "its disk is fine");
    session.act(Action::CrashBroker { broker: 2, lose_disk: true }).unwrap();
    assert!(!session.playback().is_playing());
    let stopped = session.update(Duration::from_millis(16)).stopped;
    assert_eq!(stopped, Some(Stop::Moment(Moment::LogDeleted)));
    // It is told once, and playing on goes on.
    let _response = session.command(PlaybackCommand::Play);
    let response = session.update(Duration::from_millis(16));
    assert_eq!((response.stopped, session.playback().is_playing()), (None, true));
}

#[test]
fn playing_on_before_anybody_was_told_of_a_stop_forgets_it() {
    let mut session = Session::new(&scenario(), 7).unwrap();
    let _response = session.command(PlaybackCommand::PauseOn([Moment::LogDeleted].into()));
    seconds(&mut session, 3);
    session.act(Action::CrashBroker { broker: 2, lose_disk: true }).unwrap();
    let _response = session.command(PlaybackCommand::Play);
    assert_eq!(session.update(Duration::from_millis(16)).stopped, None);
}
