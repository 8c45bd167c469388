//! A controller: a pill above the brokers.

use yew::{Callback, Html, Properties, classes, component, html};

use super::lane::crown;
use super::place as style;
use crate::ui::command::{Selection, UiCommand};
use crate::ui::icon::{Glyph, Icon};
use crate::ui::text;
use crate::view::Part;
use crate::view::layout::Rect;
use crate::view::scene::{ControllerState, ControllerView};

/// A controller and its place.
#[derive(Clone, PartialEq, Debug, Properties)]
pub(super) struct ControllerPillProps {
    /// The controller.
    pub controller: Part<ControllerView>,
    /// Its place.
    pub place: Rect,
    /// Whether it is the only one.
    pub alone: bool,
    /// Whether its panel is open.
    pub chosen: bool,
    /// Elections of partition leaders so far.
    pub elections: u64,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The pill. The active one of several wears a crown.
#[component]
pub(super) fn ControllerPill(props: &ControllerPillProps) -> Html {
    let ControllerPillProps { controller, alone, chosen, .. } = props;
    let id = controller.id;
    let wanted = (!chosen).then_some(Selection::Node(id));
    let onclick = props.dispatch.reform(move |_| UiCommand::Select(wanted.clone()));
    let crowned = controller.state == ControllerState::Active && !alone;
    let class = classes!(
        "controller",
        (controller.state == ControllerState::Down).then_some("is-down"),
        crowned.then_some("is-active"),
    );
    html! {
        <button type="button" {class} id={format!("node-{id}")} style={style(props.place)} {onclick}
            aria-expanded={chosen.to_string()}
            aria-label={text::inspector::controller(controller, *alone, props.elections)}>
            if crowned {
                <svg viewBox="0 0 12 11" width="12" height="11" aria-hidden="true">{ crown(0.0, 0.0, 12.0) }</svg>
            }
            { sign(controller.state) }
            { if *alone { text::inspector::CONTROLLER_PILL.to_owned() } else { id.to_string() } }
        </button>
    }
}

/// The sign beside the name; the one that is down is struck through, the active one crowned.
fn sign(state: ControllerState) -> Html {
    let glyph = match state {
        ControllerState::Paused => Glyph::Pause,
        ControllerState::Deposed => Glyph::TriangleAlert,
        ControllerState::Candidate
        | ControllerState::Prospective
        | ControllerState::Unattached
        | ControllerState::Resigned => Glyph::CircleQuestionMark,
        ControllerState::Elected => Glyph::CircleCheck,
        ControllerState::Down | ControllerState::Active | ControllerState::Follower => {
            return Html::default();
        }
    };
    html! { <Icon of={glyph} size={12} /> }
}
