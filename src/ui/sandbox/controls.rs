//! Parts of the sandbox: a number with two buttons, and a refusal in Kafka's words.

use web_sys::HtmlInputElement;
use yew::{Callback, Event, Html, Properties, TargetCast as _, component, html};

use crate::ui::icon::{Glyph, Icon};
use crate::ui::text;
use crate::view::sandbox::{Control, Refusal};

/// A number with two buttons.
#[derive(Clone, PartialEq, Debug, Properties)]
pub(super) struct StepperProps {
    /// What it counts.
    pub name: &'static str,
    /// Kafka's own name of it, if it has one.
    #[prop_or_default]
    pub config_key: &'static str,
    /// A word of help; may be empty.
    #[prop_or_default]
    pub note: &'static str,
    /// Present value.
    pub value: u32,
    /// The value that was asked for, while there is no answer.
    pub asked: Option<u32>,
    /// Smallest value the buttons ask for.
    pub low: u32,
    /// Largest.
    pub high: u32,
    /// Asked for.
    pub on_change: Callback<u32>,
}

/// A number with two buttons.
#[component]
pub(super) fn Stepper(props: &StepperProps) -> Html {
    let StepperProps { name, value: present, low, high, .. } = *props;
    // The next step goes on from what was asked for, not from what is.
    let value = props.asked.unwrap_or(present);
    let id = format!("count-{}", name.to_lowercase().replace(' ', "-"));
    let to = |wanted: u32| props.on_change.reform(move |_| wanted);
    let onchange = {
        let on_change = props.on_change.clone();
        Callback::from(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            match input.value().trim().parse::<u32>() {
                // The field shows what the cluster was asked for, once it was asked.
                Ok(wanted) if wanted <= high => {
                    input.set_value(&value.to_string());
                    on_change.emit(wanted);
                }
                // What is no number is put back.
                _ => input.set_value(&value.to_string()),
            }
        })
    };
    html! {
        <div class="control is-stepper">
            <label for={id.clone()}>
                { name }
                if !props.config_key.is_empty() { <code>{ props.config_key }</code> }
                if !props.note.is_empty() { <small>{ props.note }</small> }
            </label>
            <span class="stepper">
                <button type="button" aria-label={format!("{name}: one less")} disabled={value <= low} onclick={to(value.saturating_sub(1))}>
                    <Icon of={Glyph::Minus} size={16} />
                </button>
                <input {id} type="text" inputmode="numeric" value={value.to_string()} {onchange} />
                <button type="button" aria-label={format!("{name}: one more")} disabled={value >= high} onclick={to(value + 1)}>
                    <Icon of={Glyph::Plus} size={16} />
                </button>
            </span>
            if value != present {
                <small class="asked" role="status">{ text::asked(value, present) }</small>
            }
        </div>
    }
}

/// Kafka's error text next to the control that asked, with a hint.
pub(super) fn refusal(refusal: Option<&Refusal>, control: Control) -> Html {
    let Some(refusal) = refusal.filter(|refusal| refusal.control == Some(control)) else {
        return Html::default();
    };
    html! {
        <div class="refusal" role="status">
            <Icon of={Glyph::TriangleAlert} size={16} />
            <p><code>{ refusal.message.to_string() }</code><span>{ refusal.hint }</span></p>
        </div>
    }
}
