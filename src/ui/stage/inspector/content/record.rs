//! A record in the log of a broker.

use super::{Content, look};
use crate::base::{NodeId, Offset};
use crate::ui::text::inspector as say;
use crate::view::scene::{LaneView, RecordView};
use crate::view::words;

pub(super) fn record(
    broker: NodeId,
    lane: &LaneView,
    offset: Offset,
    found: Option<&RecordView>,
) -> Content {
    let mut acts = Vec::new();
    if offset > lane.log_start {
        acts.push(look(say::OLDER, broker, lane, offset - 1));
    }
    if offset + 1 < lane.log_end {
        acts.push(look(say::NEWER, broker, lane, offset + 1));
    }
    let title = say::record(&lane.name, offset);
    let Some(view) = found else {
        return Content {
            title,
            state: say::RECORD_GONE.to_owned(),
            facts: Vec::new(),
            acts,
            more: false,
        };
    };
    let copies: Vec<_> = view.copies.iter().map(ToString::to_string).collect();
    let mut facts = vec![
        (say::KEY, view.key.as_deref().unwrap_or(words::NONE).to_owned()),
        (say::VALUE, view.value.to_string()),
        (say::SENT_AT, view.sent_at.to_string()),
        (say::ACKNOWLEDGED, say::acknowledged(view.acknowledged_after_us)),
        (say::ON_BROKERS, copies.join(", ")),
    ];
    let readers = view.readers.iter();
    facts.extend(readers.map(|(reader, times)| (say::FINISHED, say::finished(reader, *times))));
    let state = match (view.served, view.safe) {
        (true, true) => say::RECORD_SAFE,
        (true, false) => say::RECORD_UNSAFE,
        (false, true) => say::RECORD_DARK,
        (false, false) => say::RECORD_DARK_UNSAFE,
    };
    Content { title, state: state.to_owned(), facts, acts, more: false }
}
