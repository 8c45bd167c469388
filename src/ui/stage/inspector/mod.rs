//! What is inside the chosen thing, and what can be done to it.

mod content;
mod join;

use yew::{
    Callback, Html, KeyboardEvent, NodeRef, Properties, component, html, use_effect_with,
    use_node_ref,
};

use self::content::{Act, content};
use self::join::JoinForm;
use super::focus;
use crate::lesson::Control;
use crate::ui::command::{Selection, UiCommand};
use crate::ui::icon::{Glyph, Icon};
use crate::ui::text;
use crate::view::layout::{Layout, Rect};
use crate::view::scene::RecordView;
use crate::view::{Part, Scene};

/// The scene, and what of it is chosen.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct InspectorProps {
    /// The scene.
    pub scene: Scene,
    /// Where things stand.
    pub layout: Part<Layout>,
    /// What is chosen.
    pub selection: Selection,
    /// The record, if one is chosen and some log holds it.
    #[prop_or_default]
    pub record: Option<RecordView>,
    /// In a lesson, what it teaches to change; elsewhere everything is offered.
    #[prop_or_default]
    pub taught: Option<Vec<Control>>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// A panel beside the chosen thing.
#[component]
pub fn Inspector(props: &InspectorProps) -> Html {
    let panel = use_node_ref();
    use_effect_with(props.selection.clone(), {
        let panel = panel.clone();
        move |_| put_focus(&panel)
    });
    let content =
        content(&props.scene, &props.selection, props.record.as_ref(), props.taught.as_deref());
    let offered =
        content.as_ref().map(|content| content.acts.iter().map(|act| act.words).collect());
    use_effect_with(offered, {
        let panel = panel.clone();
        // The button that was pressed may be gone: the keyboard stays here.
        move |_: &Option<Vec<_>>| {
            if focus::is_nowhere() {
                put_focus(&panel);
            }
        }
    });
    let Some(content) = content else { return Html::default() };
    let close = {
        let (dispatch, selection) = (props.dispatch.clone(), props.selection.clone());
        Callback::from(move |()| {
            focus::back_to(&selection);
            dispatch.emit(UiCommand::Select(None));
        })
    };
    let onkeydown = {
        let close = close.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.stop_propagation();
                close.emit(());
            }
        })
    };
    html! {
        <section class="inspector" role="dialog" aria-label={content.title.clone()} tabindex="-1" ref={panel} {onkeydown}
            style={beside(&props.layout, &props.selection)}>
            <header>
                <h3>{ &content.title }</h3>
                <button type="button" class="icon-button" aria-label={text::CLOSE} onclick={close.reform(|_| ())}>
                    <Icon of={Glyph::X} size={16} />
                </button>
            </header>
            <p class="inspector-state">{ &content.state }</p>
            <dl>
                { for content.facts.iter().map(|(name, value)| html! { <><dt>{ *name }</dt><dd>{ value }</dd></> }) }
            </dl>
            <div class="acts">
                { for content.acts.into_iter().map(|act| button(act, &props.dispatch)) }
            </div>
            if content.more {
                <p class="inspector-more">{ text::MORE_IN_SANDBOX }</p>
            }
            if let Some(name) = running_consumer(&props.scene, &props.selection) {
                <JoinForm key={name.clone()} name={name.clone()} dispatch={props.dispatch.clone()} />
            }
        </section>
    }
}

/// Client id of the chosen consumer, if one is chosen that can be put into another group.
fn running_consumer(scene: &Scene, selection: &Selection) -> Option<String> {
    let Selection::Node(id) = selection else { return None };
    let found = scene.consumers().find(|consumer| consumer.id == *id && consumer.running)?;
    Some(found.name.to_string())
}

fn put_focus(panel: &NodeRef) {
    if let Some(element) = panel.cast::<web_sys::HtmlElement>() {
        let options = web_sys::FocusOptions::new();
        options.set_prevent_scroll(true);
        // The panel has a tabindex; the browser may still refuse while the page is hidden.
        drop(element.focus_with_options(&options));
    }
}

fn button(act: Act, dispatch: &Callback<UiCommand>) -> Html {
    let dispatch = dispatch.clone();
    let commands = act.commands;
    let onclick = Callback::from(move |_| {
        for command in &commands {
            dispatch.emit(command.clone());
        }
    });
    html! { <button type="button" key={act.words} class={act.class} title={act.means} {onclick}>{ act.words }</button> }
}

/// Beside the chosen thing, inside the stage.
fn beside(layout: &Layout, selection: &Selection) -> String {
    const WIDTH: f64 = 264.0;
    let rect = match selection {
        Selection::Node(id) | Selection::Record { broker: id, .. } => layout.rect_of(*id),
        Selection::Group(name) => layout.group(name).map(|group| group.heading),
    };
    let rect = rect.unwrap_or(Rect { x: 0.0, y: 0.0, width: 0.0, height: 0.0 });
    let width = WIDTH * layout.scale;
    let right_side = rect.right() + 10.0 + width <= layout.size.width;
    let left = if right_side { rect.right() + 10.0 } else { (rect.x - 10.0 - width).max(8.0) };
    // Things in the lower half have their panel grow upwards, so that it stays on the stage.
    if rect.center().y > layout.size.height * 0.55 {
        let bottom = (layout.size.height - rect.bottom()).max(8.0);
        return format!("left:{left:.0}px;bottom:{bottom:.0}px;width:{width:.0}px");
    }
    format!("left:{left:.0}px;top:{:.0}px;width:{width:.0}px", rect.y.max(8.0))
}
