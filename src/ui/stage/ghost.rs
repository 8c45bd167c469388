//! Lost records: cells without filling, crossed out, at the place where the last copy was, or, small,
//! under the log that goes on without them.

use yew::{Html, classes, html};

use super::lane::px;
use crate::ui::text;
use crate::view::layout::Rect;
use crate::view::scene::{Ghost, LostView};

/// Room for the words beside the cells, before scaling.
const WORDS: f64 = 150.0;
/// Small cells under a log.
const SMALL: usize = 3;

/// What went with a disk: the newest of them with their offsets, as many as fit `area`, and the count.
pub(super) fn row(lost: &LostView, area: Rect, scale: f64) -> Html {
    let digits = lost.newest.last().map_or(1, |ghost| ghost.offset.max(1).ilog10() + 1);
    let pitch = match digits {
        0..=3 => 24.0,
        4 => 30.0,
        _ => 38.0,
    } * scale;
    let fits = lost.newest.iter().rev().enumerate();
    let fits = fits.take_while(|(i, _)| (*i as f64 + 1.0) * pitch <= area.width - WORDS * scale);
    let shown = fits.count();
    let newest = &lost.newest[lost.newest.len() - shown..];
    let cells = newest.iter().enumerate().map(|(i, ghost)| {
        let x = area.x + i as f64 * pitch;
        cell(*ghost, Rect { x, width: pitch - 3.0 * scale, ..area }, true)
    });
    let x = area.x + shown as f64 * pitch + if shown > 0 { 8.0 * scale } else { 0.0 };
    let y = area.y + area.height / 2.0;
    html! {
        <g class="ghosts">
            { for cells }
            <text class="ghost-words" x={px(x)} y={px(y)}>{ text::lost_with_disk(lost.count) }</text>
        </g>
    }
}

/// How many of a partition are lost, at the right end of a line of text with its foot at `base`.
pub(super) fn mark(lost: &LostView, right: f64, base: f64, scale: f64) -> Html {
    let words = text::lost(lost.count);
    let size = 9.0 * scale;
    let left = right - words.chars().count() as f64 * 6.4 * scale - 6.0 * scale;
    let newest = lost.newest.iter().rev().take(SMALL).rev().enumerate();
    let count = lost.newest.len().min(SMALL);
    let cells = newest.map(|(i, ghost)| {
        let x = left - (count - i) as f64 * (size + 2.0 * scale);
        cell(*ghost, Rect { x, y: base - size, width: size, height: size }, false)
    });
    html! {
        <g class="ghosts is-past">
            { for cells }
            <text class="ghost-words at-end" x={px(right)} y={px(base)}>{ words }</text>
        </g>
    }
}

fn cell(ghost: Ghost, at: Rect, numbered: bool) -> Html {
    let strike = format!("M{:.1} {:.1}L{:.1} {:.1}", at.x, at.bottom(), at.right(), at.y);
    let (x, y) = (at.center().x, at.center().y);
    html! {
        <g class={classes!("ghost", format!("hue-{}", ghost.hue.index()))}>
            <rect x={px(at.x)} y={px(at.y)} width={px(at.width)} height={px(at.height)} rx={px(4.0_f64.min(at.width / 4.0))} />
            <path d={strike} />
            if numbered { <text x={px(x)} y={px(y)}>{ ghost.offset }</text> }
        </g>
    }
}
