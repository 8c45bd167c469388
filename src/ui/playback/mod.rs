//! The bar under the stage: play and pause, one event forward, speed, clock, and the timeline.

mod clock;
mod timeline;

pub use clock::{ClockBox, ClockBoxProps};
pub use timeline::{Timeline, TimelineProps};

use web_sys::HtmlInputElement;
use yew::{Callback, Html, InputEvent, Properties, TargetCast as _, component, html};

use crate::ui::command::UiCommand;
use crate::ui::icon::{Glyph, Icon};
use crate::ui::text;
use crate::view::scene::{ClockView, EventView, History};
use crate::view::{Part, PlaybackView};

/// What the bar shows.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct PlaybackBarProps {
    /// Playing or not, how fast.
    pub playback: PlaybackView,
    /// The moment, the clock, the seed.
    pub clock: ClockView,
    /// For the lag curve.
    pub history: Part<History>,
    /// For the marks.
    pub events: Part<Vec<EventView>>,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// The bar.
#[component]
pub fn PlaybackBar(props: &PlaybackBarProps) -> Html {
    let send = |command: UiCommand| props.dispatch.reform(move |_| command.clone());
    let playing = props.playback.playing;
    let main = if playing { text::PAUSE } else { text::PLAY };
    html! {
        <footer class="playback" aria-label={text::PLAYBACK}>
            <div class="transport">
                <button type="button" class="round" aria-label={text::RESTART} title={text::RESTART} onclick={send(UiCommand::Restart)}>
                    <Icon of={Glyph::SkipBack} size={18} />
                </button>
                <button type="button" class="round is-main" aria-label={main} title={main} onclick={send(UiCommand::TogglePlay)}>
                    if playing { <Icon of={Glyph::Pause} size={22} fill="currentColor" /> } else { <Icon of={Glyph::Play} size={22} fill="currentColor" /> }
                </button>
                <button type="button" class="round" aria-label={text::STEP} title={text::STEP} onclick={send(UiCommand::Step)}>
                    <Icon of={Glyph::StepForward} size={18} />
                </button>
                <ClockBox clock={props.clock.clone()} />
            </div>
            <Timeline now={props.clock.now} history={props.history.clone()} events={props.events.clone()} />
            <SpeedSlider notch={props.playback.notch} label={props.playback.label.to_string()} behind={props.playback.behind}
                dispatch={props.dispatch.clone()} />
            if let Some(reason) = props.playback.stopped.as_ref().filter(|_| !playing) {
                <div class="stopped" role="status">
                    <p>{ text::STOPPED }<b>{ reason.to_string() }</b></p>
                    if let Some(event) = props.events.iter().rev().find(|event| event.mark.is_some()) {
                        <button type="button" class="quiet" onclick={send(UiCommand::Why(event.id))}>{ text::WHY }</button>
                    }
                    <button type="button" onclick={send(UiCommand::Play)}>{ text::PLAY_ON }</button>
                </div>
            }
        </footer>
    }
}

/// The speed.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct SpeedSliderProps {
    /// Place on the scale.
    pub notch: u8,
    /// The same as text.
    pub label: String,
    /// Whether the machine cannot keep up.
    pub behind: bool,
    /// Where wishes go.
    pub dispatch: Callback<UiCommand>,
}

/// A logarithmic slider from a thousandth to a hundred times.
#[component]
pub fn SpeedSlider(props: &SpeedSliderProps) -> Html {
    let oninput = props.dispatch.reform(|event: InputEvent| {
        let input: HtmlInputElement = event.target_unchecked_into();
        UiCommand::SetSpeed(input.value().parse().unwrap_or(0))
    });
    let spoken = format!("{} of real time", props.label);
    let share = f64::from(props.notch) / f64::from(PlaybackView::FASTEST) * 100.0;
    html! {
        <div class="speed">
            <label for="speed">{ text::SPEED }<output aria-live="off">{ &props.label }</output>
                if props.behind { <em>{ "this machine is slower" }</em> }
            </label>
            <input id="speed" type="range" min="0" max={PlaybackView::FASTEST.to_string()} value={props.notch.to_string()}
                aria-valuetext={spoken} style={format!("--share:{share:.1}%")} {oninput} />
            <div class="scale" aria-hidden="true"><span>{ "1/1000" }</span><span class="one">{ "×1" }</span><span>{ "×100" }</span></div>
        </div>
    }
}
