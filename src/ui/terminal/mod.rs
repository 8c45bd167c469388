//! The terminal: a log and an input line with history. What is typed goes to the shell; this only
//! edits lines.

mod logic;

pub use logic::Recall;

use web_sys::{Element, HtmlInputElement};
use yew::{
    Callback, Event, Html, KeyboardEvent, Properties, SubmitEvent, TargetCast as _, classes,
    component, html, use_effect_with, use_mut_ref, use_node_ref,
};

use crate::shell::{Line, LineKind};
use crate::ui::command::{TerminalCommand, UiCommand};
use crate::ui::text;
use crate::view::Part;
use crate::view::terminal::TerminalView;

/// The terminal.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct TerminalProps {
    /// Output, prompt, history.
    pub terminal: Part<TerminalView>,
    /// Whether time runs.
    pub playing: bool,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The terminal.
#[component]
pub fn Terminal(props: &TerminalProps) -> Html {
    let (log, input) = (use_node_ref(), use_node_ref());
    let recall = use_mut_ref(Recall::default);
    use_effect_with(props.terminal.lines.len(), {
        let log = log.clone();
        move |_| {
            if let Some(log) = log.cast::<Element>() {
                log.set_scroll_top(log.scroll_height());
            }
        }
    });
    let dispatch = props.dispatch.reform(UiCommand::Terminal);
    let onsubmit = {
        let (dispatch, input, recall) = (dispatch.clone(), input.clone(), recall.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(field) = input.cast::<HtmlInputElement>() else { return };
            dispatch.emit(TerminalCommand::Line(field.value().into()));
            field.set_value("");
            recall.borrow_mut().reset();
        })
    };
    let onkeydown = {
        let (dispatch, terminal, recall) =
            (dispatch.clone(), props.terminal.clone(), recall.clone());
        Callback::from(move |event: KeyboardEvent| {
            let field: HtmlInputElement = event.target_unchecked_into();
            let recalled = match (event.ctrl_key(), event.key().as_str()) {
                (true, "c") if selection_is_empty(&field) => {
                    dispatch.emit(TerminalCommand::Interrupt);
                    Some(String::new())
                }
                (true, "d") if field.value().is_empty() => {
                    dispatch.emit(TerminalCommand::EndOfInput);
                    Some(String::new())
                }
                (true, "l") => {
                    dispatch.emit(TerminalCommand::Clear);
                    Some(field.value())
                }
                (false, "ArrowUp") => {
                    recall.borrow_mut().earlier(&terminal.history, &field.value())
                }
                (false, "ArrowDown") => recall.borrow_mut().later(&terminal.history),
                _ => None,
            };
            if let Some(line) = recalled {
                event.prevent_default();
                field.set_value(&line);
            }
        })
    };
    let onpaste = paste(&dispatch);
    html! {
        <section class="terminal" aria-label="Terminal">
            <div class="terminal-log" role="log" tabindex="0" aria-label="Output" ref={log}>
                if props.terminal.lines.is_empty() { <p class="is-hint">{ text::TERMINAL_START }</p> }
                { for props.terminal.lines.iter().map(line) }
            </div>
            { status(props) }
            <form class="terminal-input" {onsubmit}>
                <label for="terminal-line">{ props.terminal.prompt }</label>
                <input id="terminal-line" ref={input} type="text" autocomplete="off" autocapitalize="off" spellcheck="false"
                    aria-label={text::TERMINAL_INPUT} enterkeyhint="send" {onkeydown} {onpaste} />
            </form>
        </section>
    }
}

/// What the terminal waits for, and what helps: time that goes on, or an end for who has no Ctrl key.
fn status(props: &TerminalProps) -> Html {
    let running = props.terminal.running.as_deref();
    let play = props.dispatch.reform(|_| UiCommand::Play);
    let end = match running {
        Some("kafka-console-producer") => TerminalCommand::EndOfInput,
        _ => TerminalCommand::Interrupt,
    };
    let end = props.dispatch.reform(move |_| UiCommand::Terminal(end.clone()));
    html! {
        <div class="terminal-status">
            <p role="status">
                { text::terminal_waits(running) }
                if running.is_some() && !props.playing { <b>{ text::TERMINAL_PAUSED }</b> }
            </p>
            if running.is_some() && !props.playing {
                <button type="button" class="quiet" onclick={play}>{ text::PLAY_ON }</button>
            }
            if running.is_some() {
                <button type="button" class="quiet" onclick={end}>{ text::TERMINAL_END }</button>
            }
        </div>
    }
}

/// Several lines pasted at once are entered one after the other; the last one stays to be edited.
fn paste(dispatch: &Callback<TerminalCommand>) -> Callback<Event> {
    let dispatch = dispatch.clone();
    Callback::from(move |event: Event| {
        let field: HtmlInputElement = event.target_unchecked_into();
        let Some(pasted) = logic::clipboard_text(&event) else { return };
        let Some((whole, rest)) = pasted.rsplit_once('\n') else { return };
        event.prevent_default();
        for (i, line) in whole.lines().enumerate() {
            let begun = if i == 0 { field.value() } else { String::new() };
            let line = format!("{begun}{line}");
            dispatch.emit(TerminalCommand::Line(line.into()));
        }
        field.set_value(rest);
    })
}

fn selection_is_empty(field: &HtmlInputElement) -> bool {
    field.selection_start().ok().flatten() == field.selection_end().ok().flatten()
}

fn line(line: &Line) -> Html {
    let class = match line.kind {
        LineKind::Input => "is-input",
        LineKind::Output => "is-output",
        LineKind::Error => "is-error",
        LineKind::Hint => "is-hint",
    };
    html! { <p class={classes!(class)}>{ line.text.to_string() }</p> }
}
