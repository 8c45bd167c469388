//! Lesson text as elements.

use yew::{Html, html};

use crate::lesson::{Block, Inline};

/// Pieces of text, one below the other.
pub fn blocks(blocks: &[Block]) -> Html {
    let one = |block: &Block| match block {
        Block::Paragraph(words) => html! { <p>{ line(words) }</p> },
        Block::List { ordered: false, items } => {
            html! { <ul>{ for items.iter().map(|item| html! { <li>{ line(item) }</li> }) }</ul> }
        }
        Block::List { ordered: true, items } => {
            html! { <ol>{ for items.iter().map(|item| html! { <li>{ line(item) }</li> }) }</ol> }
        }
        Block::Code(code) => html! { <pre><code>{ code }</code></pre> },
    };
    blocks.iter().map(one).collect()
}

/// The same without any elements.
pub fn plain(blocks: &[Block]) -> String {
    let one = |block: &Block| match block {
        Block::Paragraph(words) => plain_line(words),
        Block::List { items, .. } => {
            items.iter().map(|item| plain_line(item)).collect::<Vec<_>>().join(". ")
        }
        Block::Code(code) => code.clone(),
    };
    blocks.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// A line without any elements.
pub fn plain_line(pieces: &[Inline]) -> String {
    let one = |piece: &Inline| match piece {
        Inline::Text(words) | Inline::Code(words) => words.clone(),
        Inline::Strong(inside) | Inline::Emphasis(inside) => plain_line(inside),
        Inline::Measured { name, .. } => name.clone(),
    };
    pieces.iter().map(one).collect()
}

/// Pieces of a line.
pub fn line(pieces: &[Inline]) -> Html {
    let one = |piece: &Inline| match piece {
        Inline::Text(words) => html! { { words } },
        Inline::Strong(inside) => html! { <strong>{ line(inside) }</strong> },
        Inline::Emphasis(inside) => html! { <em>{ line(inside) }</em> },
        Inline::Code(words) => html! { <code>{ words }</code> },
        // Filled in before it comes here; a name is better than a hole.
        Inline::Measured { name, .. } => html! { { name } },
    };
    pieces.iter().map(one).collect()
}
