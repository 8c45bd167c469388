//! What stands in the drawer under the stage, besides charts and terminal: the record ledger, what
//! happened, and the stage as tables.

use yew::{Callback, Html, Properties, classes, component, html};

use crate::cluster::event_log::Actor;
use crate::ui::command::UiCommand;
use crate::ui::text;
use crate::ui::text::drawers::{self as say, fate};
use crate::view::describe::{TextTable, summary, tables};
use crate::view::scene::{CauseView, EventKind, EventView, LedgerView};
use crate::view::{Part, Scene, words};

/// The ledger.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct RecordsProps {
    /// The ledger.
    pub ledger: Part<LedgerView>,
}

/// What became of every record.
#[component]
pub fn Records(props: &RecordsProps) -> Html {
    let ledger = &props.ledger;
    let fates = [
        (fate::CREATED, ledger.created, ""),
        (fate::WAITING, ledger.waiting, ""),
        (fate::ACKNOWLEDGED, ledger.acknowledged, "is-good"),
        (fate::GIVEN_UP, ledger.failed, "is-bad"),
        (fate::STORED, ledger.failed_but_stored, "is-warn"),
        (fate::UNAVAILABLE, ledger.unavailable, "is-warn"),
        (fate::UNWRITTEN, ledger.unwritten, "is-warn"),
        (fate::DELETED, ledger.deleted_unread, "is-warn"),
        (fate::COMPACTED, ledger.compacted_away, "is-warn"),
        (fate::LOST, ledger.lost, "is-bad"),
    ];
    let [partition, offset, reason] = say::LOSSES_HEAD;
    html! {
        <div class="records">
            <dl class="fates">
                { for fates.into_iter().filter(|(_, count, class)| *count > 0 || class.is_empty() || *class == "is-good").map(
                    |((name, means), count, class)| html! {
                        <div class={classes!("fate", class)}><dt>{ name }</dt><dd>{ words::count(count) }</dd><p>{ means }</p></div>
                    }) }
            </dl>
            <table>
                <caption>{ say::READERS }</caption>
                <thead><tr>{ for say::READERS_HEAD.map(|head| html! { <th scope="col">{ head }</th> }) }</tr></thead>
                <tbody>
                    { for ledger.readers.iter().map(|row| html! {
                        <tr>
                            <th scope="row">{ row.reader.to_string() }<small>{ say::reader_kind(row.is_group) }</small></th>
                            <td>{ words::count(row.delivered) }</td>
                            <td class={if row.repeated > 0 { "is-warn" } else { "" }}>{ words::count(row.repeated) }</td>
                            <td>{ words::count(row.pending) }</td>
                        </tr>
                    }) }
                </tbody>
            </table>
            if !ledger.losses.is_empty() {
                <table>
                    <caption>{ say::losses(ledger.losses.len() as u64, ledger.lost) }</caption>
                    <thead><tr>
                        <th scope="col">{ partition }</th><th scope="col">{ offset }</th><th scope="col" class="words">{ reason }</th>
                    </tr></thead>
                    <tbody>
                        { for ledger.losses.iter().map(|loss| html! {
                            <tr>
                                <th scope="row">{ loss.partition.to_string() }</th>
                                <td>{ loss.offset }{ loss.label.as_ref().map(|label| format!(" {label}")) }</td>
                                <td class="words">{ loss.reason.to_string() }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
            }
        </div>
    }
}

/// The list of events.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct EventListProps {
    /// The events, oldest first.
    pub events: Part<Vec<EventView>>,
    /// The event whose causes are told, with them.
    #[prop_or_default]
    pub why: Option<(u64, Part<Vec<CauseView>>)>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// What happened, newest first, with its cause.
#[component]
pub fn EventList(props: &EventListProps) -> Html {
    html! {
        <ol class="events" reversed=true aria-label={say::EVENTS}>
            if props.events.is_empty() { <li class="words">{ say::NO_EVENTS }</li> }
            { for props.events.iter().rev().map(|event| html! {
                <li key={event.id} class={kind(event)}>
                    <time>{ event.at.to_string() }</time>
                    <b>{ say::event_kind(event) }</b>
                    <span>
                        { event.sentence.to_string() }
                        if let Some(cause) = &event.cause { <small>{ say::because(cause) }</small> }
                    </span>
                    { why(event, props) }
                </li>
            }) }
        </ol>
    }
}

/// The button that asks for the causes of an event, and the answer.
fn why(event: &EventView, props: &EventListProps) -> Html {
    let id = event.id;
    let told = props.why.as_ref().filter(|(known, _)| *known == id);
    let onclick = props.dispatch.reform(move |_| UiCommand::Why(id));
    let expanded = if told.is_some() { "true" } else { "false" };
    html! {
        <>
            <button type="button" class="quiet" aria-expanded={expanded}
                aria-label={format!("{} {}", text::WHY, event.sentence)} {onclick}>{ text::WHY }</button>
            if let Some((_, causes)) = told {
                <ol class="causes" aria-label={text::CAUSES}>
                    if causes.is_empty() { <li>{ text::CAUSES_FORGOTTEN }</li> }
                    { for causes.iter().map(|cause| html! {
                        <li>
                            <time>{ cause.at.to_string() }</time>
                            <span>
                                { cause.words.to_string() }
                                { for cause.told.iter().map(|sentence| html! { <b>{ sentence.to_string() }</b> }) }
                            </span>
                        </li>
                    }) }
                </ol>
            }
        </>
    }
}

fn kind(event: &EventView) -> &'static str {
    match event.kind {
        EventKind::Failure | EventKind::Loss => "event is-bad",
        EventKind::Recovery => "event is-good",
        EventKind::Action if event.by == Some(Actor::Learner) => "event is-mine",
        _ => "event",
    }
}

/// The stage as text.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct TextViewProps {
    /// The scene.
    pub scene: Scene,
}

/// The stage as sentences and tables.
#[component]
pub fn TextView(props: &TextViewProps) -> Html {
    html! {
        <div class="text-view">
            <p>{ summary(&props.scene) }</p>
            { for tables(&props.scene).into_iter().map(table) }
        </div>
    }
}

fn table(table: TextTable) -> Html {
    html! {
        <table>
            <caption>{ table.caption }</caption>
            <thead><tr>{ for table.head.iter().map(|head| html! { <th scope="col">{ *head }</th> }) }</tr></thead>
            <tbody>
                { for table.rows.into_iter().map(|row| {
                    let mut cells = row.into_iter();
                    let name = cells.next().unwrap_or_default();
                    html! { <tr><th scope="row">{ name }</th>{ for cells.map(|cell| html! { <td>{ cell }</td> }) }</tr> }
                }) }
            </tbody>
        </table>
    }
}
