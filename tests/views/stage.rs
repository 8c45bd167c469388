//! The stage: every thing has a role and a name that tells its state.

use brokerscope::lesson::Control;
use brokerscope::ui::command::{Selection, UiCommand};
use brokerscope::ui::stage::broker::{BrokerPanel, BrokerPanelProps};
use brokerscope::ui::stage::client::{
    ConsumerCard, ConsumerCardProps, ProducerCard, ProducerCardProps,
};
use brokerscope::ui::stage::inspector::{Inspector, InspectorProps};
use brokerscope::ui::stage::{Stage, StageProps};
use brokerscope::view::layout::{Layout, Shape, Size};
use brokerscope::view::scene::{
    BrokerState, BrokerView, Ghost, GroupView, Hue, LostView, ProducerHealth, ProducerView,
    RecordView, SampleSize,
};
use brokerscope::view::{Part, Scene};
use expect_test::expect;
use yew::{Callback, NodeRef};

use crate::{outline, render};

const ROOM: Size = Size { width: 940.0, height: 560.0 };

fn layout(scene: &Scene) -> Layout {
    Layout::new(&Shape::from(scene), ROOM, 1.0)
}

fn stage(scene: Scene) -> String {
    render::html::<Stage>(StageProps {
        layout: Part::new(layout(&scene)),
        scene,
        tempo: 0.0,
        selected: None,
        dispatch: Callback::noop(),
        canvas: NodeRef::default(),
    })
}

fn broker(broker: BrokerView) -> String {
    let scene = Scene::sample();
    let layout = layout(&scene);
    render::html::<BrokerPanel>(BrokerPanelProps {
        broker: Part::new(broker),
        place: layout.brokers[0].clone(),
        detail: layout.lane_detail,
        scale: 1.0,
        readable: true,
        since: None,
        selected: false,
        tab_stop: true,
        dispatch: Callback::<UiCommand>::noop(),
    })
}

#[test]
fn the_whole_stage_can_be_read_by_role_and_name() {
    expect![[r#"
        group The cluster
        h2 Producers
        h2 Brokers
        h2 Consumers
        button Controller: decides who leads, 1 elections so far [false]
        button Producer web-1: sending, 17 records per second, 2 waiting, 0 failed [false]
        button Producer web-2: sending, 17 records per second, 2 waiting, 0 failed [false]
        button Producer web-3: sending, 17 records per second, 2 waiting, 0 failed [false]
        section Broker 1
        button Broker 1: running, leads 1, follows 0 [false]
        img user-actions-0, leader, epoch 4, high watermark 426, log end 429, app-workers is 412 records behind
        section Broker 2
        button Broker 2: running, leads 0, follows 1 [false]
        img user-actions-0, follower, in sync, epoch 4, high watermark 425, log end 429
        section Broker 3
        button Broker 3: running, leads 0, follows 0 [false]
        button Group app-workers: Stable, generation 7, 412 records behind, 5 members [false]
        button Consumer worker-1: working, owns partition 0, 12 records per second, 412 behind [false]
        button Consumer worker-2: idle: no partition left, owns nothing, 0 records per second, 0 behind [false]
        button Consumer worker-3: idle: no partition left, owns nothing, 0 records per second, 0 behind [false]
        button Consumer worker-4: idle: no partition left, owns nothing, 0 records per second, 0 behind [false]
        button Consumer worker-5: idle: no partition left, owns nothing, 0 records per second, 0 behind [false]
    "#]].assert_eq(&outline::of(&stage(Scene::sample())));
}

#[test]
fn offsets_and_marks_are_text() {
    let html = broker((*Scene::sample().brokers[0]).clone());
    for words in ["high watermark 426", "log end 429", "app-workers 412 behind", ">425<", ">428<"] {
        assert!(html.contains(words), "{words} is missing");
    }
}

#[test]
fn a_crashed_broker_says_so_in_words() {
    let view = BrokerView { state: BrokerState::Crashed, ..(*Scene::sample().brokers[0]).clone() };
    let html = broker(view);
    assert!(html.contains("aria-label=\"Broker 1: crashed, leads 1, follows 0\""), "{html}");
    assert!(html.contains("is-crashed"));
}

fn lost() -> LostView {
    let ghost = |offset| Ghost { offset, hue: Hue::of(0) };
    LostView { count: 240, newest: (200..240).map(ghost).collect(), at: None }
}

#[test]
fn what_was_lost_with_a_disk_is_drawn_in_its_broker_and_told() {
    let html = broker(BrokerView {
        state: BrokerState::Crashed,
        disk_lost: true,
        lanes: Vec::new(),
        lost: Some(lost()),
        ..(*Scene::sample().brokers[0]).clone()
    });
    for words in
        ["240 acknowledged records lost, the last at offset 239", ">239<", "240 lost with its disk"]
    {
        assert!(html.contains(words), "{words} is missing in {html}");
    }
    assert!(!html.contains("no replica here"), "{html}");
}

#[test]
fn a_log_that_goes_on_without_lost_records_says_so() {
    let mut view = (*Scene::sample().brokers[0]).clone();
    assert!(!broker(view.clone()).contains("lost"));
    view.lanes[0].lost = Some(lost());
    let html = broker(view);
    assert!(
        html.contains("240 acknowledged records lost") && html.contains(">240 lost<"),
        "{html}"
    );
}

/// The card of the first producer, if it were like that.
fn producer_card(like: impl Fn(ProducerView) -> ProducerView) -> String {
    let scene = Scene::sample();
    let layout = layout(&scene);
    render::html::<ProducerCard>(ProducerCardProps {
        producer: Part::new(like((*scene.producers[0]).clone())),
        place: layout.producers[0],
        detail: layout.producer_detail,
        selected: false,
        tab_stop: false,
        dispatch: Callback::noop(),
    })
}

#[test]
fn a_producer_that_sends_again_tells_of_its_failures_as_of_the_past() {
    let card = |health| producer_card(|view| ProducerView { failed: 3, health, ..view });
    assert!(card(ProducerHealth::Healthy).contains("3 failed"));
    assert!(card(ProducerHealth::Failing).contains("▲ 3 failed"));
    assert!(!card(ProducerHealth::Healthy).contains('▲'));
    assert!(!card(ProducerHealth::Healthy).contains("is-alarm"));
    assert!(card(ProducerHealth::Failing).contains("is-alarm"));
}

#[test]
fn a_failing_producer_names_its_error() {
    let html = producer_card(|view| ProducerView {
        health: ProducerHealth::Failing,
        failed: 3,
        error: Some("TimeoutException".into()),
        ..view
    });
    assert!(html.contains("TimeoutException") && html.contains("3 failed"), "{html}");
}

#[test]
fn an_idle_worker_says_why() {
    let scene = Scene::sample();
    let layout = layout(&scene);
    let html = render::html::<ConsumerCard>(ConsumerCardProps {
        consumer: scene.groups[0].members[1].clone(),
        place: layout.groups[0].members[1],
        detail: layout.consumer_detail,
        scale: 1.0,
        selected: false,
        tab_stop: false,
        dispatch: Callback::noop(),
    });
    assert!(html.contains("idle: no partition left"), "{html}");
}

#[test]
fn the_largest_cluster_renders_every_replica_and_member() {
    let size = SampleSize { producers: 8, brokers: 9, partitions: 48, replicas: 3, members: 50 };
    let html = stage(Scene::sample_of(size));
    assert_eq!(html.matches("role=\"img\"").count(), 48 * 3);
    assert_eq!(html.matches("aria-label=\"Consumer worker-").count(), 50);
}

#[test]
fn the_stage_is_one_stop_of_the_keyboard_and_one_for_each_group() {
    let html = stage(Scene::sample());
    assert_eq!(html.matches("tabindex=\"0\"").count(), 2);
}

fn inspector(scene: Scene, selection: Selection) -> String {
    let layout = Part::new(layout(&scene));
    render::html::<Inspector>(InspectorProps {
        scene,
        layout,
        selection,
        record: None,
        taught: None,
        dispatch: Callback::noop(),
    })
}

#[test]
fn a_groups_panel_stands_beside_its_own_group() {
    let mut scene = Scene::sample();
    let second = GroupView { name: "audit".into(), ..(*scene.groups[0]).clone() };
    scene.groups.push(Part::new(second));
    let place = |group: &str| {
        let html = inspector(scene.clone(), Selection::Group(group.into()));
        let (_, style) = html.split_once("style=\"").expect("it is put somewhere");
        style.split('"').next().expect("the attribute ends").to_owned()
    };
    let heading = layout(&scene).groups[1].heading;
    assert_ne!(place("app-workers"), place("audit"));
    let bottom = layout(&scene).size.height - heading.bottom();
    let beside = [format!("top:{:.0}px", heading.y), format!("bottom:{bottom:.0}px")];
    assert!(beside.iter().any(|style| place("audit").contains(style)), "{}", place("audit"));
}

#[test]
fn a_frozen_broker_can_be_killed_and_not_started() {
    let mut scene = Scene::sample();
    let frozen = BrokerView { state: BrokerState::Paused, ..(*scene.brokers[0]).clone() };
    let id = frozen.id;
    scene.brokers[0] = Part::new(frozen);
    let html = inspector(scene, Selection::Node(id));
    for (words, offered) in [
        ("Kill it", true),
        ("Kill it, lose its disk", true),
        ("Start it", false),
        ("Freeze", false),
    ] {
        assert_eq!(html.contains(&format!(">{words}")), offered, "{words} in {html}");
    }
}

#[test]
fn a_record_without_a_leader_is_not_said_to_be_past_the_high_watermark() {
    let scene = Scene::sample();
    let lane = &scene.brokers[0].lanes[0];
    let selection = Selection::Record { broker: scene.brokers[0].id, tp: lane.tp, offset: 400 };
    let layout = Part::new(layout(&scene));
    let record = RecordView {
        key: None,
        value: "100 bytes".into(),
        sent_at: brokerscope::base::Time(5),
        acknowledged_after_us: Some(9),
        copies: vec![scene.brokers[0].id],
        safe: true,
        served: false,
        readers: Vec::new(),
    };
    let dispatch = Callback::noop();
    let props =
        InspectorProps { scene, layout, selection, record: Some(record), taught: None, dispatch };
    let html = render::html::<Inspector>(props);
    assert!(html.contains("No leader serves it now") && !html.contains("Past the"), "{html}");
}

#[test]
fn a_lesson_offers_what_it_teaches_and_the_sandbox_everything() {
    let scene = Scene::sample();
    let acts = |taught: Option<Vec<Control>>| {
        let html = render::html::<Inspector>(InspectorProps {
            layout: Part::new(layout(&scene)),
            selection: Selection::Node(scene.brokers[0].id),
            scene: scene.clone(),
            record: None,
            taught,
            dispatch: Callback::noop(),
        });
        let offered = [
            "Kill it<",
            "Kill it, lose its disk",
            "Stop in order",
            "Freeze for 5 s",
            "Cut its network",
        ];
        offered.map(|act| html.contains(act))
    };
    assert_eq!(acts(None), [true; 5]);
    assert_eq!(acts(Some(vec![Control::Partitions])), [false; 5]);
    assert_eq!(acts(Some(vec![Control::Brokers])), [true, false, true, false, false]);
    assert_eq!(acts(Some(vec![Control::LoseDisk])), [false, true, false, false, false]);
}
