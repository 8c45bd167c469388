//! Lesson text as elements.

use yew::{Html, html};

use crate::view::lesson::{Block, Span};

/// Pieces of text, one below the other.
pub fn blocks(blocks: &[Block]) -> Html {
    let one = |block: &Block| match block {
        Block::Text(line) => html! { <p>{ spans(line) }</p> },
        Block::List(items) => {
            html! { <ul>{ for items.iter().map(|item| html! { <li>{ spans(item) }</li> }) }</ul> }
        }
        Block::Code(code) => html! { <pre><code>{ code.to_string() }</code></pre> },
    };
    blocks.iter().map(one).collect()
}

/// Pieces of a line.
pub fn spans(spans: &[Span]) -> Html {
    let one = |span: &Span| match span {
        Span::Plain(words) => html! { { words.to_string() } },
        Span::Strong(words) => html! { <strong>{ words.to_string() }</strong> },
        Span::Soft(words) => html! { <em>{ words.to_string() }</em> },
        Span::Code(words) => html! { <code>{ words.to_string() }</code> },
    };
    spans.iter().map(one).collect()
}
