//! Putting a consumer into a group, by the group's name.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::{Callback, Html, Properties, SubmitEvent, component, html, use_node_ref};

use crate::cluster::Action;
use crate::ui::command::UiCommand;
use crate::ui::text;

/// Whose group it is.
#[derive(Clone, PartialEq, Debug, Properties)]
pub(super) struct JoinFormProps {
    /// The consumer's client id.
    pub name: String,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The name of a group, and a button. What is being typed belongs to the browser alone: the panel
/// around it is rendered ten times a second.
#[component]
pub(super) fn JoinForm(props: &JoinFormProps) -> Html {
    let input = use_node_ref();
    let onsubmit = {
        let (input, name, dispatch) = (input.clone(), props.name.clone(), props.dispatch.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(field) = input.cast::<HtmlInputElement>() else { return };
            let group = field.value().trim().to_owned();
            if !group.is_empty() {
                let action = Action::SetGroup { name: name.clone(), group: Some(group) };
                dispatch.emit(UiCommand::Act(Rc::new(action)));
                field.set_value("");
            }
        })
    };
    html! {
        <form class="join" {onsubmit}>
            <label for="join-group">{ text::GROUP }<code>{ "group.id" }</code></label>
            <input id="join-group" ref={input} type="text" autocomplete="off" autocapitalize="off" spellcheck="false"
                placeholder={text::GROUP_EXAMPLE} />
            <button class="button">{ text::JOIN }</button>
        </form>
    }
}
