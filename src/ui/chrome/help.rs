//! The list of keyboard shortcuts, in the browser's own dialog.

use web_sys::HtmlDialogElement;
use yew::{Callback, Html, Properties, component, html, use_effect_with, use_node_ref};

use crate::ui::text;

/// Whether the dialog is open.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct HelpProps {
    /// Open.
    pub open: bool,
    /// The learner closed it.
    pub on_close: Callback<()>,
}

/// The dialog.
#[component]
pub fn Help(props: &HelpProps) -> Html {
    let dialog = use_node_ref();
    use_effect_with(props.open, {
        let dialog = dialog.clone();
        move |&open| {
            let Some(element) = dialog.cast::<HtmlDialogElement>() else { return };
            if open && !element.open() {
                // Refused only if it is already open.
                drop(element.show_modal());
            } else if !open && element.open() {
                element.close();
            }
        }
    });
    let onclose = {
        let (open, on_close) = (props.open, props.on_close.clone());
        Callback::from(move |_: yew::Event| {
            if open {
                on_close.emit(());
            }
        })
    };
    html! {
        <dialog ref={dialog} class="help" aria-labelledby="help-title" {onclose}>
            <h2 id="help-title">{ text::HELP }</h2>
            <dl>
                { for text::SHORTCUTS.iter().map(|(key, what)| html! { <><dt><kbd>{ *key }</kbd></dt><dd>{ *what }</dd></> }) }
            </dl>
            <form method="dialog"><button class="button is-strong">{ text::CLOSE }</button></form>
        </dialog>
    }
}
