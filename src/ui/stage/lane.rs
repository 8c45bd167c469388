//! One replica inside a broker: the log as cells, marks for the high watermark and the log end, and
//! where its readers stand.

use yew::{Html, classes, html};

use super::ghost;
use crate::view::describe;
use crate::view::layout::{Detail, LaneBox, Rect, Tape};
use crate::view::scene::{LaneRole, LaneView};
use crate::view::words;

/// How a lane is drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct LaneStyle {
    pub detail: Detail,
    pub scale: f64,
    /// Whether things change slowly enough to be read.
    pub readable: bool,
}

/// A lane, in the coordinates of its broker's panel at (`left`, `top`).
pub(super) fn lane(lane: &LaneView, place: &LaneBox, corner: (f64, f64), style: LaneStyle) -> Html {
    let local = |rect: Rect| Rect { x: rect.x - corner.0, y: rect.y - corner.1, ..rect };
    let (rect, track) = (local(place.rect), local(place.track));
    let inside = match style.detail {
        Detail::Full => full(lane, rect, track, style),
        Detail::Line => line(lane, rect, track, style),
        Detail::Bar => bar(lane, rect, track, style),
        Detail::Tile => tile(lane, rect, style),
    };
    let role = match lane.role {
        LaneRole::Leader => "is-leader",
        LaneRole::Follower => "is-follower",
        LaneRole::Offline => "is-offline",
    };
    let sync = (!lane.in_sync).then_some("is-behind");
    let hue = format!("hue-{}", lane.hue.index());
    html! {
        <g class={classes!("lane", role, sync, hue)} role="img" aria-label={label(lane)} data-partition={lane.name.to_string()}>
            { inside }
        </g>
    }
}

/// The lane in words.
pub(super) fn label(lane: &LaneView) -> String {
    let mut text = format!(
        "{}, {}, epoch {}, high watermark {}, log end {}",
        lane.name,
        describe::role(lane),
        lane.epoch,
        lane.high_watermark,
        lane.log_end
    );
    for reader in &lane.readers {
        text.push_str(&format_reader(&reader.name, reader.lag));
    }
    if let Some(lost) = &lane.lost {
        text.push_str(&format!(", {}", describe::lost(lost)));
    }
    text
}

fn format_reader(name: &str, lag: u64) -> String {
    if lag == 0 {
        format!(", {name} has read all")
    } else {
        format!(", {name} is {} behind", words::plural(lag, "record"))
    }
}

/// Kafka's leaders wear it.
pub(super) fn crown(x: f64, y: f64, size: f64) -> Html {
    let unit = size / 12.0;
    let at = |dx: f64, dy: f64| format!("{:.1} {:.1}", x + dx * unit, y + dy * unit);
    let d = format!(
        "M{}L{}L{}L{}L{}L{}L{}Z",
        at(1.0, 10.0),
        at(0.0, 2.5),
        at(3.4, 5.6),
        at(6.0, 1.0),
        at(8.6, 5.6),
        at(12.0, 2.5),
        at(11.0, 10.0)
    );
    html! { <path class="crown" {d} /> }
}

fn text(x: f64, y: f64, class: &'static str, words: String) -> Html {
    html! { <text x={px(x)} y={px(y)} {class}>{ words }</text> }
}

/// A length with one digit after the point: enough for a screen, short in the document.
pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn full(lane: &LaneView, rect: Rect, track: Rect, style: LaneStyle) -> Html {
    let scale = style.scale;
    let tape = Tape::new(lane, track, style.detail, scale, style.readable);
    let leads = lane.role == LaneRole::Leader;
    let base = rect.y + 14.0 * scale;
    let name_x = if leads { rect.x + 18.0 * scale } else { rect.x };
    let role = match lane.role {
        LaneRole::Leader => {
            let (in_sync, all) = lane.isr;
            format!("leader, epoch {} · in sync {in_sync}/{all}", lane.epoch)
        }
        LaneRole::Follower if lane.in_sync => "follower".to_owned(),
        LaneRole::Follower => "follower, not in sync".to_owned(),
        LaneRole::Offline => "no leader".to_owned(),
    };
    html! {
        <>
            if leads { { crown(rect.x, base - 10.5 * scale, 12.0 * scale) } }
            { text(name_x, base, "lane-name", lane.name.to_string()) }
            { text(rect.right(), base, if lane.below_min_isr { "lane-role is-alarm" } else { "lane-role" }, role) }
            { cells(lane, &tape, track, style) }
            { watermark(lane, &tape, track, scale) }
            { readers(lane, &tape, track, scale) }
            if let Some(lost) = &lane.lost {
                { ghost::mark(lost, track.right(), track.bottom() + 31.0 * scale, scale) }
            }
        </>
    }
}

fn cells(lane: &LaneView, tape: &Tape, track: Rect, style: LaneStyle) -> Html {
    let tail = i64::try_from(lane.tail.len()).unwrap_or(0);
    let tail_start = lane.log_end - tail;
    let cells = tape.offsets().map(|offset| {
        let hue = usize::try_from(offset - tail_start).ok().and_then(|i| lane.tail.get(i));
        // Where the cleaner took the record there is a hole.
        let Some(hue) = hue.copied().unwrap_or(Some(lane.hue)) else { return html! {} };
        let hue = hue.index();
        let safe = if offset < lane.high_watermark { "is-safe" } else { "is-unsafe" };
        let x = tape.left_of(offset);
        let middle = track.y + track.height / 2.0;
        let numbered = tape.numbered && style.readable;
        html! {
            <g class={classes!("cell", safe, format!("hue-{hue}"))} data-offset={offset.to_string()}>
                <rect x={px(x)} y={px(track.y)} width={px(tape.cell)} height={px(track.height)}
                    rx={px(4.0_f64.min(tape.cell / 3.0))} />
                if numbered {
                    <text x={px(x + tape.cell / 2.0)} y={px(middle)}>{ offset }</text>
                }
            </g>
        }
    });
    if tape.offsets().is_empty() {
        let y = px(track.y + track.height / 2.0);
        return html! {
            <>
                <rect class="track-empty" x={px(track.x)} y={px(track.y)} width={px(track.width)}
                    height={px(track.height)} rx="4" />
                <text class="track-note" x={px(track.x + 10.0)} {y}>{ "no record yet" }</text>
            </>
        };
    }
    cells.collect()
}

/// The line below which records are safe, with its number and the log's end.
fn watermark(lane: &LaneView, tape: &Tape, track: Rect, scale: f64) -> Html {
    let edge = lane.high_watermark.clamp(tape.first, tape.end);
    let x = tape.left_of(edge) - if edge > tape.first { 1.5 * scale } else { 0.0 };
    let base = track.bottom() + 15.0 * scale;
    let knows = if lane.role == LaneRole::Follower { "knows" } else { "high watermark" };
    let words = format!("{knows} {}", lane.high_watermark);
    let wide = if lane.role == LaneRole::Follower { 66.0 } else { 128.0 } * scale;
    let from_right = track.right() - x;
    // The label stays under its mark without leaving the lane.
    let anchor = if x - track.x < wide { "mark-label at-start" } else { "mark-label at-end" };
    let start = x - track.x < wide;
    let room_for_end =
        if start { from_right > wide + 90.0 * scale } else { from_right > 92.0 * scale };
    html! {
        <>
            <path class="watermark" d={format!("M{x:.1} {:.1}V{:.1}", track.y - 4.0, track.bottom() + 4.0)} />
            { text(x, base, anchor, words) }
            if room_for_end {
                { text(track.right(), base, "end-label", format!("log end {}", lane.log_end)) }
            }
        </>
    }
}

/// Where groups and lone consumers stand, and how far behind they are.
fn readers(lane: &LaneView, tape: &Tape, track: Rect, scale: f64) -> Html {
    if lane.readers.is_empty() {
        return Html::default();
    }
    let base = track.bottom() + 31.0 * scale;
    let top = track.bottom() + 2.5;
    let carets = lane.readers.iter().filter_map(|reader| {
        let x = tape.boundary(reader.position)?;
        let (left, right, bottom) = (x - 6.0, x + 3.0, top + 6.5);
        let d = format!("M{:.1} {top:.1}L{left:.1} {bottom:.1}L{right:.1} {bottom:.1}Z", x - 1.5);
        Some(html! { <path class="reader-mark" {d} /> })
    });
    let mut words: Vec<String> = lane
        .readers
        .iter()
        .take(2)
        .map(|reader| {
            let arrow = if reader.position < tape.first { "◂ " } else { "▴ " };
            match reader.lag {
                0 => format!("{arrow}{} has read all", reader.name),
                lag => format!("{arrow}{} {} behind", reader.name, words::count(lag)),
            }
        })
        .collect();
    if lane.readers.len() > 2 {
        words.push(format!("+{} more", lane.readers.len() - 2));
    }
    html! {
        <>
            { for carets }
            { text(track.x, base, "reader-label", words.join("  ·  ")) }
        </>
    }
}

/// The partition's number on its colour: the same badge wherever the partition appears.
fn badge(lane: &LaneView, x: f64, y: f64, size: f64) -> Html {
    html! {
        <g class="badge">
            <rect x={px(x)} y={px(y)} width={px(size)} height={px(size)} rx={px(size * 0.22)} />
            <text x={px(x + size / 2.0)} y={px(y + size / 2.0)}>{ lane.name.partition }</text>
        </g>
    }
}

fn line(lane: &LaneView, rect: Rect, track: Rect, style: LaneStyle) -> Html {
    let scale = style.scale;
    let tape = Tape::new(lane, track, style.detail, scale, style.readable);
    let edge = lane.high_watermark.clamp(tape.first, tape.end);
    let x = tape.left_of(edge) - 0.75;
    let middle = track.y + track.height / 2.0;
    html! {
        <>
            if lane.role == LaneRole::Leader {
                { crown(rect.x, middle - 6.0 * scale, 13.0 * scale) }
            }
            { badge(lane, rect.x + 22.0 * scale, track.y, 20.0 * scale) }
            { cells(lane, &tape, track, style) }
            if !tape.offsets().is_empty() {
                <path class="watermark" d={format!("M{x:.1} {:.1}V{:.1}", track.y - 2.0, track.bottom() + 2.0)} />
            }
            { text(rect.right(), middle + 4.0 * scale, "end-label", lane.log_end.to_string()) }
        </>
    }
}

fn bar(lane: &LaneView, rect: Rect, track: Rect, style: LaneStyle) -> Html {
    let scale = style.scale;
    // The bar shows how much of the newest 40 records is safe.
    let shown = lane.unsafe_records().min(40) as f64;
    let total = ((lane.log_end - lane.log_start).clamp(0, 40)) as f64;
    let width = track.width * total / 40.0;
    let unsafe_width = if total > 0.0 { width * (shown / total).min(1.0) } else { 0.0 };
    let middle = track.y + track.height / 2.0;
    html! {
        <>
            if lane.role == LaneRole::Leader {
                { crown(rect.x, middle - 5.5 * scale, 11.0 * scale) }
            }
            { text(rect.x + 34.0 * scale, middle + 4.0 * scale, "bar-name", lane.name.partition.to_string()) }
            <rect class="bar-track" x={px(track.x)} y={px(track.y)} width={px(track.width)} height={px(track.height)} rx="3" />
            <rect class="bar-safe" x={px(track.x)} y={px(track.y)} width={px(width - unsafe_width)} height={px(track.height)} rx="3" />
            <rect class="bar-unsafe" x={px(track.x + width - unsafe_width)} y={px(track.y)} width={px(unsafe_width)}
                height={px(track.height)} rx="3" />
        </>
    }
}

fn tile(lane: &LaneView, rect: Rect, _style: LaneStyle) -> Html {
    badge(lane, rect.x, rect.y, rect.width)
}
