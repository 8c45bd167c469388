//! Any setting of the topic and of the clients, by its name. The list is the model's own declarations.

use std::rc::Rc;

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::{
    Callback, Event, Html, MouseEvent, Properties, SubmitEvent, TargetCast as _, component, html,
    use_node_ref, use_state_eq,
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
        let (field, ask) = (field.clone(), ask.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(input) = field.cast::<HtmlInputElement>() {
                ask.emit(Some(input.value().trim().into()));
            }
        })
    };
    let ondefault = ask.reform(|_: MouseEvent| None);
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
    let (name, value) = (chosen.key.name, chosen.value.clone());
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
                <input key={name} ref={field} id="setting-value" class="mono" type="text" autocomplete="off"
                    autocapitalize="off" spellcheck="false" {value} />
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
