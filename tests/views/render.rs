//! Renders a component the way a browser would show it first.

use yew::{BaseComponent, LocalServerRenderer};

/// The HTML of component `C` with `props`, one element a line, so that a difference is readable.
pub(crate) fn html<C: BaseComponent>(props: C::Properties) -> String {
    let renderer = LocalServerRenderer::<C>::with_props(props).hydratable(false);
    let markup = pollster::block_on(renderer.render());
    let mut lines = markup.replace("><", ">\n<");
    lines.push('\n');
    lines
}
