//! Producers, groups and consumers on the stage.

use yew::{Callback, Html, Properties, classes, component, html};

use super::lane::px;
use super::place;
use crate::kafka::coordinator::GroupState;
use crate::ui::command::{Selection, UiCommand};
use crate::ui::text;
use crate::view::describe;
use crate::view::layout::{ClientBox, Detail, GroupBox, Rect, Ring};
use crate::view::scene::{ConsumerView, GroupView, ProducerHealth, ProducerView};
use crate::view::{Part, words};

/// A producer and where it stands.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct ProducerCardProps {
    /// The producer.
    pub producer: Part<ProducerView>,
    /// Its place.
    pub place: ClientBox,
    /// Its form.
    pub detail: Detail,
    /// Whether it is chosen.
    pub selected: bool,
    /// Whether the keyboard stops here.
    pub tab_stop: bool,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// A producer's card: one button.
#[component]
pub fn ProducerCard(props: &ProducerCardProps) -> Html {
    let producer = &props.producer;
    let onclick = choose(&props.dispatch, Selection::Node(producer.id), props.selected);
    let health = words::health(producer.health);
    let state = match producer.health {
        ProducerHealth::Healthy => "is-healthy",
        ProducerHealth::Retrying => "is-waiting",
        ProducerHealth::Blocked | ProducerHealth::Failing => "is-failing",
        ProducerHealth::Stopped => "is-down",
    };
    let rate = format!("{} rec/s", words::rate(producer.rate));
    let label = format!(
        "Producer {}: {health}, {} records per second, {} waiting, {} failed",
        producer.name,
        words::rate(producer.rate),
        producer.waiting,
        producer.failed
    );
    let second = match (&producer.error, producer.health) {
        (Some(error), ProducerHealth::Failing | ProducerHealth::Retrying) => error.to_string(),
        (_, ProducerHealth::Healthy) => rate,
        _ => health.to_owned(),
    };
    html! {
        <button type="button" id={format!("node-{}", producer.id)}
            class={classes!("card", "producer", state, form(props.detail), props.selected.then_some("is-selected"))}
            style={place(props.place.rect)} {onclick} tabindex={tab_index(props.tab_stop)} aria-label={label}
            aria-expanded={props.selected.to_string()}>
            <span class="card-name">{ &*producer.name }</span>
            <span class="health" aria-hidden="true"></span>
            if props.detail <= Detail::Line {
                <span class="card-line">{ second }</span>
            }
            if props.detail == Detail::Full && producer.failed > 0 {
                <span class={classes!("card-line", (producer.health != ProducerHealth::Healthy).then_some("is-alarm"))}>
                    { text::failed(producer.failed, producer.health) }
                </span>
            }
        </button>
    }
}

/// A group, or the consumers without one, and where they stand.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct GroupFrameProps {
    /// The group; none for consumers without one.
    pub group: Option<Part<GroupView>>,
    /// Its place.
    pub place: GroupBox,
    /// Whether it is chosen.
    pub selected: bool,
    /// Whether the keyboard stops here.
    pub tab_stop: bool,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The frame around a group's members, with its heading.
#[component]
pub fn GroupFrame(props: &GroupFrameProps) -> Html {
    let frame = place(props.place.rect);
    let Some(group) = &props.group else {
        return html! {
            <div class="group is-loners" style={frame} role="group" aria-label={text::NO_GROUP}>
                <div class="group-head">
                    <span class="group-name">{ text::NO_GROUP }</span>
                    <span class="group-state">{ text::NO_GROUP_MEANS }</span>
                </div>
            </div>
        };
    };
    let onclick = choose(&props.dispatch, Selection::Group(group.name.clone()), props.selected);
    let rebalancing = group.state.is_some_and(GroupState::is_rebalancing);
    let state = if rebalancing { "is-rebalancing" } else { "is-stable" };
    let lag = if group.lag_trend >= 1.0 {
        "lag is-growing"
    } else if group.lag > 0 {
        "lag"
    } else {
        "lag is-none"
    };
    let trend = match group.lag_trend {
        t if t >= 1.0 => " ▲",
        t if t <= -1.0 => " ▼",
        _ => "",
    };
    let label = format!(
        "Group {}: {}, generation {}, {} behind, {}",
        group.name,
        group.state_name(),
        group.generation,
        words::plural(group.lag, "record"),
        words::plural(group.members.len() as u64, "member")
    );
    html! {
        <div class={classes!("group", state, props.selected.then_some("is-selected"))} style={frame}>
            <button type="button" class="group-head" id={format!("group-{}", group.name)} {onclick}
                tabindex={tab_index(props.tab_stop)} aria-label={label} aria-expanded={props.selected.to_string()}>
                <span class="group-name">{ &*group.name }</span>
                <span class={lag}>{ format!("lag {}{trend}", words::short_count(group.lag)) }</span>
                <span class="group-state">
                    { format!("{} · gen {}", group.state_name(), group.generation) }
                </span>
            </button>
        </div>
    }
}

/// A consumer and where it stands.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct ConsumerCardProps {
    /// The consumer.
    pub consumer: Part<ConsumerView>,
    /// Its place.
    pub place: ClientBox,
    /// Its form.
    pub detail: Detail,
    /// Factor on every length.
    pub scale: f64,
    /// Whether it is chosen.
    pub selected: bool,
    /// Whether the keyboard stops here.
    pub tab_stop: bool,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// A consumer's card: one button. The painter draws its progress ring on the canvas.
#[component]
pub fn ConsumerCard(props: &ConsumerCardProps) -> Html {
    let consumer = &props.consumer;
    let onclick = choose(&props.dispatch, Selection::Node(consumer.id), props.selected);
    let idle = consumer.idle.is_some();
    let state = match (consumer.running, consumer.owned.is_empty()) {
        (false, _) => "is-down",
        (true, true) => "is-resting",
        (true, false) => "is-working",
    };
    let hue = consumer.owned.first().map(|owned| format!("hue-{}", owned.hue.index()));
    let what = consumer.idle.map_or("working", words::idle);
    let label = format!(
        "Consumer {}: {what}, owns {}, {} records per second, {} behind",
        consumer.name,
        describe::owns(consumer),
        words::rate(consumer.rate),
        consumer.lag
    );
    html! {
        <button type="button" id={format!("node-{}", consumer.id)}
            class={classes!("card", "consumer", state, hue, form(props.detail), props.selected.then_some("is-selected"))}
            style={place(props.place.rect)} {onclick} tabindex={tab_index(props.tab_stop)} aria-label={label}
            aria-expanded={props.selected.to_string()}>
            <span class="card-name">{ name(consumer, props.detail) }</span>
            if consumer.running && !consumer.owned.is_empty() { { ring(props) } }
            { badges(consumer, props.place.rect, props.detail) }
            if props.detail == Detail::Full {
                <span class="card-line">
                    if idle && consumer.owned.is_empty() {
                        { what }
                    } else {
                        { format!("{}/s", words::rate(consumer.rate)) }
                        if consumer.lag > 0 {
                            <span class="behind">{ format!(" · {} behind", words::short_count(consumer.lag)) }</span>
                        }
                    }
                </span>
            }
        </button>
    }
}

/// The track on which the painter draws the progress.
fn ring(props: &ConsumerCardProps) -> Html {
    let rect = props.place.rect;
    let ring = Ring::of(rect, props.detail, props.scale);
    let (x, y) = (ring.center.x - rect.x, ring.center.y - rect.y);
    html! {
        <svg class="ring" aria-hidden="true" width="100%" height="100%">
            <circle cx={px(x)} cy={px(y)} r={px(ring.radius)} stroke-width={px(ring.stroke)} />
            if props.detail == Detail::Full && props.consumer.buffered > 0 {
                <text x={px(x)} y={px(y)}>{ words::short_count(props.consumer.buffered) }</text>
            }
        </svg>
    }
}

/// Small forms have room for the number only.
fn name(consumer: &ConsumerView, detail: Detail) -> String {
    let short = || consumer.name.rsplit_once('-').map(|(_, number)| number.to_owned());
    match detail {
        Detail::Tile => short().unwrap_or_else(|| consumer.name.to_string()),
        _ => consumer.name.to_string(),
    }
}

/// The partitions a consumer owns, as many badges as fit.
fn badges(consumer: &ConsumerView, rect: Rect, detail: Detail) -> Html {
    let most = match detail {
        Detail::Full if rect.width >= 190.0 => 5,
        Detail::Full => 4,
        Detail::Line | Detail::Bar => 3,
        Detail::Tile if rect.width > 80.0 => 2,
        Detail::Tile => 1,
    };
    let shown = consumer.owned.iter().take(most).map(|owned| {
        html! { <span class={classes!("chip", format!("hue-{}", owned.hue.index()))}>{ owned.name.partition }</span> }
    });
    let more = consumer.owned.len().saturating_sub(most);
    html! {
        <span class="chips" aria-hidden="true">
            { for shown }
            if more > 0 { <span class="chip is-more">{ format!("+{more}") }</span> }
        </span>
    }
}

fn choose(
    dispatch: &Callback<UiCommand>,
    selection: Selection,
    selected: bool,
) -> Callback<yew::MouseEvent> {
    let wanted = (!selected).then_some(selection);
    dispatch.reform(move |_| UiCommand::Select(wanted.clone()))
}

fn tab_index(stop: bool) -> &'static str {
    if stop { "0" } else { "-1" }
}

fn form(detail: Detail) -> &'static str {
    match detail {
        Detail::Full => "as-card",
        Detail::Line => "as-line",
        Detail::Bar => "as-bar",
        Detail::Tile => "as-tile",
    }
}
