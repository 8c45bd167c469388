//! Switches for the kinds of motion, each with the form it has on the stage.

use std::collections::BTreeSet;

use yew::{Callback, Html, Properties, component, html};

use crate::ui::command::UiCommand;
use crate::ui::text;
use crate::view::motion::{Mark, mark};
use crate::view::scene::MessageKind;
use crate::view::words;

/// What is switched off.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct ShowMenuProps {
    /// Kinds switched off.
    pub hidden: BTreeSet<MessageKind>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// A button that opens the switches.
#[component]
pub fn ShowMenu(props: &ShowMenuProps) -> Html {
    let switch = |kind: MessageKind| {
        let shown = !props.hidden.contains(&kind);
        let onchange = props.dispatch.reform(move |_: yew::Event| UiCommand::ToggleKind(kind));
        html! {
            <label class="switch">
                <input type="checkbox" checked={shown} {onchange} />
                { sign(kind) }
                <span>{ words::kind(kind) }</span>
            </label>
        }
    };
    html! {
        <details class="pop show">
            <summary class="quiet">{ text::SHOW }</summary>
            <fieldset class="pop-body">
                <legend>{ text::SHOW_MEANS }</legend>
                { for MessageKind::ALL.into_iter().map(switch) }
            </fieldset>
        </details>
    }
}

/// The form of a kind, as on the stage.
fn sign(kind: MessageKind) -> Html {
    let carries = matches!(
        kind,
        MessageKind::Produce | MessageKind::Replication | MessageKind::ConsumerFetch
    );
    let shape = match mark(kind, carries) {
        Mark::Disc => html! { <circle class="sign-fill" cx="8" cy="8" r="5.5" /> },
        Mark::Copy => {
            html! { <><circle class="sign-ring" cx="8" cy="8" r="5" /><circle class="sign-fill" cx="8" cy="8" r="1.8" /></> }
        }
        Mark::Hollow => html! { <circle class="sign-line" cx="8" cy="8" r="3.4" /> },
        Mark::Cross => html! { <path class="sign-line" d="M4.4 8H11.6M8 4.4V11.6" /> },
        Mark::Triangle => html! { <path class="sign-line" d="M8 4.4L11.6 11H4.4Z" /> },
    };
    html! { <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">{ shape }</svg> }
}
