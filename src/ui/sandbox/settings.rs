//! Any setting of the topic and of the clients, by its name. The list is the model's own declarations.

use std::rc::Rc;

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::{
    Callback, Event, Html, InputEvent, MouseEvent, Properties, SubmitEvent, TargetCast as _,
    component, html, use_node_ref, use_state_eq,
};

use crate::ui::command::UiCommand;
use crate::ui::text::sandbox as text;
use crate::view::sandbox::{Change, SettingChange, SettingsView, Whose};

/// The settings as they are.
#[derive(Clone, PartialEq, Debug, Properties)]
pub(super) struct SettingsProps {
    /// Their values.
    pub settings: SettingsView,
    /// The topic's name.
    pub topic: Rc<str>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// Whose, which, and to what.
#[component]
pub(super) fn Settings(props: &SettingsProps) -> Html {
    let whose = use_state_eq(|| Whose::Topic);
    let which = use_state_eq(|| 0_usize);
    let field = use_node_ref();
    // What is being typed, and for which setting. Once it was asked for, the field shows what is: Kafka may refuse.
    let draft = use_state_eq(|| None::<(Whose, &'static str, String)>);
    let all = props.settings.of(*whose);
    let Some(chosen) = all.get(*which).or(all.first()) else { return Html::default() };
    let ask = {
        let (dispatch, whose, key) = (props.dispatch.clone(), *whose, chosen.key.name);
        Callback::from(move |value: Option<Rc<str>>| {
            let change = SettingChange { whose, key, value };
            dispatch.emit(UiCommand::Sandbox(Change::Setting(change)));
        })
    };
    let onsubmit = {
        let (field, ask, draft) = (field.clone(), ask.clone(), draft.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(input) = field.cast::<HtmlInputElement>() {
                ask.emit(Some(input.value().trim().into()));
                draft.set(None);
            }
        })
    };
    let ondefault = {
        let draft = draft.clone();
        ask.reform(move |_: MouseEvent| {
            draft.set(None);
            None
        })
    };
    let oninput = {
        let (draft, whose, key) = (draft.clone(), *whose, chosen.key.name);
        Callback::from(move |event: InputEvent| {
            let input: HtmlInputElement = event.target_unchecked_into();
            draft.set(Some((whose, key, input.value())));
        })
    };
    let onwhose = {
        let (whose, which) = (whose.clone(), which.clone());
        Callback::from(move |event: Event| {
            whose.set(Whose::ALL[selected(&event).min(Whose::ALL.len() - 1)]);
            which.set(0);
        })
    };
    let onwhich = Callback::from({
        let which = which.clone();
        move |event: Event| which.set(selected(&event))
    });
    let name = chosen.key.name;
    let typed = draft.as_ref().filter(|(of, key, _)| (*of, *key) == (*whose, name));
    let value = typed.map_or_else(|| chosen.value.clone(), |(_, _, typed)| typed.clone());
    html! {
        <form class="control is-choice settings" {onsubmit}>
            <label for="setting-whose">{ text::WHOSE }</label>
            <select id="setting-whose" onchange={onwhose}>
                { for Whose::ALL.iter().map(|one| html! {
                    <option selected={one == &*whose}>{ text::whose(*one, &props.topic) }</option>
                }) }
            </select>
            <label for="setting-which">{ text::WHICH }</label>
            <select id="setting-which" class="mono" onchange={onwhich}>
                { for all.iter().map(|one| html! {
                    <option selected={one.key.name == name}>{ one.key.name }</option>
                }) }
            </select>
            <p class="setting-doc">{ chosen.key.doc }<small>{ text::about(&chosen.key) }</small></p>
            <label for="setting-value">{ text::VALUE }</label>
            <div class="setting-value">
                <input key={format!("{:?} {name}", *whose)} ref={field} id="setting-value" class="mono" type="text" autocomplete="off"
                    autocapitalize="off" spellcheck="false" {value} {oninput} />
                <button class="button">{ text::SET }</button>
                <button type="button" class="button" disabled={!chosen.set} onclick={ondefault}>
                    { text::DEFAULT }
                </button>
            </div>
        </form>
    }
}

/// Which option was chosen.
fn selected(event: &Event) -> usize {
    let select: HtmlSelectElement = event.target_unchecked_into();
    usize::try_from(select.selected_index()).unwrap_or_default()
}
