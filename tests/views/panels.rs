//! Panels around the stage: controls under their names, refusals in Kafka's words, facts as text.

use brokerscope::base::Time;
use brokerscope::cluster::Clock;
use brokerscope::cluster::event_log::Actor;
use brokerscope::cluster::scenario::{ConsumerDef, ProducerDef, Settings};
use brokerscope::kafka::config::Acks;
use brokerscope::kafka::consumer::{CommitPolicy, ServiceTime};
use brokerscope::kafka::producer::{Keys, Rate};
use brokerscope::ui::chrome::{HeadlineStrip, HeadlineStripProps};
use brokerscope::ui::drawers::{
    EventList, EventListProps, Records, RecordsProps, TextView, TextViewProps,
};
use brokerscope::ui::playback::{PlaybackBar, PlaybackBarProps};
use brokerscope::ui::sandbox::{SandboxPanel, SandboxPanelProps};
use brokerscope::ui::terminal::{Terminal, TerminalProps};
use brokerscope::view::sandbox::{Change, Control, Refusal, SandboxView, SettingsView};
use brokerscope::view::scene::{
    ClockView, EventKind, EventView, Headline, LedgerView, LossView, OverrideView, PartitionName,
};
use brokerscope::view::{Part, PlaybackView, Scene, TerminalView};
use expect_test::expect;
use yew::Callback;

use crate::{outline, render};

fn sandbox(refusal: Option<Refusal>) -> String {
    sandbox_that(Vec::new(), refusal)
}

fn sandbox_that(waiting: Vec<Change>, refusal: Option<Refusal>) -> String {
    render::html::<SandboxPanel>(SandboxPanelProps {
        sandbox: Part::new(SandboxView {
            topic: "user-actions".into(),
            partitions: 3,
            replication_factor: 2,
            min_insync_replicas: 1,
            brokers: 3,
            producers: vec![ProducerDef {
                transaction: None,
                name: "web-1".to_owned(),
                count: 1,
                topic: "user-actions".to_owned(),
                rate: Rate::Poisson { per_second: 10.0 },
                record_size: 100,
                keys: Keys::None,
                config: Settings::new(),
            }],
            rate: 10.0,
            keys: Keys::None,
            acks: Acks::All,
            consumers: vec![ConsumerDef {
                name: "worker-1".to_owned(),
                count: 1,
                group: Some("app-workers".to_owned()),
                topics: vec!["user-actions".to_owned()],
                assign: false,
                service: ServiceTime::Fixed { micros: 80_000 },
                commit: CommitPolicy::None,
                max_messages: None,
                share: None,
                config: Settings::new(),
            }],
            group: Some("app-workers".into()),
            group_offered: "app-workers".into(),
            service_micros: 80_000,
            settings: SettingsView::default(),
            waiting,
            refusal,
        }),
        only: None,
        heading: None,
        dispatch: Callback::noop(),
    })
}

#[test]
fn every_setting_of_the_sandbox_has_a_name_and_a_value() {
    expect![[r#"
        legend Topic user-actions
        button Partitions: one less
        input Partitions [3]
        button Partitions: one more
        button Copies of each: one less
        input Copies of each [2]
        button Copies of each: one more
        button Copies that must be in sync: one less (off)
        input Copies that must be in sync [1]
        button Copies that must be in sync: one more
        legend Producers
        button Producers: one less
        input Producers [1]
        button Producers: one more
        input Each sends [10 records per second] [5]
        select Keys
        select Sent means
        legend Consumers
        button Workers: one less
        input Workers [1]
        button Workers: one more
        select They read as
        input Name of the group [app-workers]
        input One record takes [80 ms, 13 per second] [7]
        legend Brokers
        button Brokers: one less (off)
        input Brokers [3]
        button Brokers: one more
        legend Every setting
        select Of
        select Setting
        input Value [delete]
        button Set
        button Back to the default (off)
    "#]]
    .assert_eq(&outline::of(&sandbox(None)));
}

#[test]
fn a_number_that_waits_for_kafka_says_what_was_asked_and_what_is() {
    let html = sandbox_that(vec![Change::Partitions(5)], None);
    assert!(html.contains("value=\"5\"") && html.contains("asked for 5, has 3"), "{html}");
    assert!(!sandbox(None).contains("asked for"));
}

#[test]
fn when_time_stops_by_itself_the_bar_says_why_and_how_to_go_on() {
    let html = playback_bar(PlaybackView {
        playing: false,
        stopped: Some("a leader was elected".into()),
        ..slow()
    });
    let (_, note) = html.split_once("Time stopped:").expect("a note");
    for part in ["a leader was elected", "Why?", "Play on"] {
        assert!(note.contains(part), "{part} is missing in {note}");
    }
}

#[test]
fn nobody_is_asked_to_play_on_what_plays() {
    let stopped = Some("a leader was elected".into());
    let html = playback_bar(PlaybackView { stopped, ..slow() });
    assert!(!html.contains("Play on") && !html.contains("Time stopped"), "{html}");
}

#[test]
fn settings_carry_kafkas_own_names() {
    let html = sandbox(None);
    assert!(!html.contains("<code>click"), "a hint is no key");
    for key in ["--partitions", "--replication-factor", "min.insync.replicas", "acks", "group.id"] {
        assert!(html.contains(&format!("<code>{key}</code>")), "{key} is missing");
    }
}

#[test]
fn a_refusal_stands_with_its_control_and_is_announced() {
    let message = "InvalidPartitionsException: The topic user-actions currently has 3 partition(s); \
                   2 would not be an increase.";
    let html = sandbox(Some(Refusal {
        control: Some(Control::Partitions),
        message: message.into(),
        hint: "A topic can only get more partitions.",
    }));
    let (before, after) = html.split_once("InvalidPartitionsException").unwrap();
    assert!(before.contains("--partitions") && !before.contains("--replication-factor"));
    assert!(before.contains("role=\"status\""), "{before}");
    assert!(after.contains("would not be an increase") && after.contains("only get more"));
}

fn slow() -> PlaybackView {
    PlaybackView {
        playing: true,
        notch: 23,
        speed: 0.2,
        label: "×0.2".into(),
        behind: false,
        stopped: None,
    }
}

fn playback_bar(playback: PlaybackView) -> String {
    let scene = Scene::sample();
    render::html::<PlaybackBar>(PlaybackBarProps {
        playback,
        clock: ClockView {
            now: Time(41_300_000),
            clock: Clock::KafkaDefaults,
            seed: 42,
            overrides: [].into(),
        },
        history: scene.history.clone(),
        events: scene.events.clone(),
        dispatch: Callback::noop(),
    })
}

#[test]
fn the_playback_bar_can_be_read_by_role_and_name() {
    let html = playback_bar(slow());
    expect![[r#"
        footer Time
        button Start again
        button Pause
        button Step one event
        timer 00:41.300
        summary Kafka defaults
        img Timeline at 00:41.300: lag 410, highest 410, 2 marked events
        input Speed [×0.2 of real time] [23]
    "#]]
    .assert_eq(&outline::of(&html));
}

#[test]
fn the_numbers_above_the_stage_are_a_list_of_names_and_values() {
    let headline = Scene::sample().headline.clone();
    let html = render::html::<HeadlineStrip>(HeadlineStripProps { headline });
    expect![[r#"
        dl Numbers of the cluster
        dt coming in
        dt finished
        dt behind
        dt latency p99
    "#]]
    .assert_eq(&outline::of(&html));
}

#[test]
fn the_stage_as_text_tells_the_same_as_the_picture() {
    let html = render::html::<TextView>(TextViewProps { scene: Scene::sample() });
    assert!(html.contains("Group app-workers is Stable, 412 records behind"));
    for caption in [
        "Producers",
        "Controllers",
        "Brokers",
        "Partitions",
        "Replicas",
        "Consumer groups",
        "Consumers",
    ] {
        assert!(html.contains(&format!("<caption>{caption}</caption>")), "{caption} is missing");
    }
    assert!(!html.contains("role=\"status\"") && !html.contains("aria-live"), "nobody is told");
}

#[test]
fn ledger_and_events_are_tables_and_lists() {
    let scene = Scene::sample();
    let ledger = render::html::<Records>(RecordsProps { ledger: scene.ledger.clone() });
    assert!(ledger.contains("<caption>Who finished how many</caption>"), "{ledger}");
    let events = render::html::<EventList>(EventListProps {
        events: scene.events.clone(),
        why: None,
        dispatch: Callback::noop(),
    });
    assert!(events.contains("worker-1 joined group app-workers."), "{events}");
}

#[test]
fn the_clock_lists_what_the_scenario_sets_by_itself() {
    let scene = Scene::sample();
    let with = |overrides: Vec<OverrideView>| {
        render::html::<PlaybackBar>(PlaybackBarProps {
            playback: slow(),
            clock: ClockView { overrides: overrides.into(), ..scene.clock.clone() },
            history: scene.history.clone(),
            events: scene.events.clone(),
            dispatch: Callback::noop(),
        })
    };
    let (key, value) = ("max.poll.records".into(), "10".into());
    let html = with(vec![OverrideView { whose: "worker".into(), key, value }]);
    let (_, table) = html.split_once("This cluster also sets").expect("a table");
    let row = ["max.poll.records", "worker", "10"].map(|cell| table.find(&format!(">{cell}<")));
    assert!(row.is_sorted() && row.iter().all(Option::is_some), "{row:?} in {table}");
    assert!(!with(Vec::new()).contains("This cluster also sets"));
}

#[test]
fn an_event_is_labelled_with_who_did_it() {
    let label = |by| {
        let event = EventView { kind: EventKind::Action, by, ..Scene::sample().events[0].clone() };
        let events = Part::new(vec![event]);
        render::html::<EventList>(EventListProps { events, why: None, dispatch: Callback::noop() })
    };
    for (by, word) in [
        (Some(Actor::Learner), "<b>you</b>"),
        (Some(Actor::Solution), "<b>the solution</b>"),
        (Some(Actor::Lesson), "<b>the lesson</b>"),
        (None, "<b>process</b>"),
    ] {
        assert!(label(by).contains(word), "{word} in {}", label(by));
    }
}

#[test]
fn a_list_that_is_too_short_for_all_losses_says_so() {
    let partition = PartitionName { topic: "payments".into(), partition: 0 };
    let loss = LossView { partition, offset: 7, label: None, reason: "gone".into() };
    let caption = |lost| {
        let ledger = LedgerView { lost, losses: vec![loss.clone()], ..LedgerView::default() };
        render::html::<Records>(RecordsProps { ledger: Part::new(ledger) })
    };
    assert!(caption(1).contains("<caption>Lost records</caption>"));
    assert!(caption(40).contains("the newest 1 of 40"));
}

#[test]
fn what_is_behind_says_when_it_is_the_last_known() {
    let headline = |lag_is_old| {
        let headline = Headline { lag_is_old, ..(*Scene::sample().headline).clone() };
        render::html::<HeadlineStrip>(HeadlineStripProps { headline: Part::new(headline) })
    };
    assert!(headline(true).contains("last known") && !headline(false).contains("last known"));
}

fn terminal(running: Option<&str>, playing: bool) -> String {
    let view = TerminalView { running: running.map(Into::into), ..TerminalView::default() };
    render::html::<Terminal>(TerminalProps {
        terminal: Part::new(view),
        playing,
        dispatch: Callback::noop(),
    })
}

#[test]
fn the_terminal_says_in_words_what_it_waits_for() {
    assert!(terminal(None, true).contains("Waits for a command."));
    let producer = terminal(Some("kafka-console-producer"), true);
    assert!(producer.contains("each line becomes a record. Ctrl+D ends it."), "{producer}");
    assert!(terminal(Some("kafka-console-consumer"), true).contains("Ctrl+C ends it."));
}

#[test]
fn a_command_given_while_time_stands_still_is_told_why_no_answer_comes() {
    let paused = terminal(Some("kafka-topics"), false);
    assert!(paused.contains("Time stands still") && paused.contains("Play on"), "{paused}");
    for html in [terminal(Some("kafka-topics"), true), terminal(None, false)] {
        assert!(!html.contains("Time stands still"), "{html}");
    }
}
