//! Charts over simulated time: throughput, lag, latency. Each has its numbers as text too.

mod plot;

use web_sys::HtmlCanvasElement;
use yew::{Html, Properties, component, html, use_effect, use_node_ref};

use self::plot::{Plot, Series, Tone};
use crate::lesson::Quantity;
use crate::lesson::view::SaidView;
use crate::ui::lesson::blocks::line;
use crate::ui::text;
use crate::view::scene::{History, HistoryPoint};
use crate::view::{Part, words};

/// The series.
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct ChartsProps {
    /// The series.
    pub history: Part<History>,
    /// What the learner predicted, to be seen over what came true.
    #[prop_or_default]
    pub said: Option<SaidView>,
    /// Changes whenever the look changes, so that charts are painted anew.
    pub look: u32,
}

/// Three charts side by side.
#[component]
pub fn Charts(props: &ChartsProps) -> Html {
    html! {
        <div class="charts">
            { for [Subject::Throughput, Subject::Lag, Subject::Latency].into_iter().map(|subject| html! {
                <Chart {subject} history={props.history.clone()} said={props.said.clone().filter(|said| subject.shows(said.of))} look={props.look} />
            }) }
        </div>
    }
}

/// What a chart is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Subject {
    Throughput,
    Lag,
    Latency,
}

impl Subject {
    fn shows(self, quantity: Quantity) -> bool {
        match self {
            Self::Throughput => matches!(quantity, Quantity::FinishedRate | Quantity::AckedRate),
            Self::Lag => quantity == Quantity::Lag,
            Self::Latency => false,
        }
    }
}

#[derive(Clone, PartialEq, Debug, Properties)]
struct ChartProps {
    subject: Subject,
    history: Part<History>,
    said: Option<SaidView>,
    look: u32,
}

#[component]
fn Chart(props: &ChartProps) -> Html {
    let canvas = use_node_ref();
    let said = props.said.as_ref().map(|said| (said.at_least.unwrap_or(0.0), said.at_most));
    let plot = Plot { said, ..plot(props.subject, &props.history) };
    let now = latest(props.subject, &props.history);
    {
        let (canvas, plot) = (canvas.clone(), plot.clone());
        // Runs after every rendering of this component: its properties are all it depends on.
        use_effect(move || {
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                plot::paint(&canvas, &plot);
            }
        });
    }
    html! {
        <figure class="chart">
            <figcaption>
                <b>{ plot.title }</b>
                { for plot.series.iter().zip(&now).map(|(series, value)| html! {
                    <span class={series.tone.class()}><i aria-hidden="true"></i>{ series.name }{ " " }<strong>{ value }</strong></span>
                }) }
                if let Some(said) = &props.said {
                    <span class="legend is-said"><i aria-hidden="true"></i>{ text::YOU_SAID }{ " " }{ line(&said.text) }</span>
                }
            </figcaption>
            <canvas ref={canvas} role="img" aria-label={format!("{} over simulated time: {}", plot.title, spoken(&plot, &now))}></canvas>
        </figure>
    }
}

fn spoken(plot: &Plot, now: &[String]) -> String {
    let parts: Vec<_> = plot
        .series
        .iter()
        .zip(now)
        .map(|(series, value)| format!("{} {value}", series.name))
        .collect();
    parts.join(", ")
}

fn series(
    name: &'static str,
    tone: Tone,
    history: &History,
    value: impl Fn(&HistoryPoint) -> Option<f64>,
) -> Series {
    let points =
        history.points.iter().filter_map(|point| Some((point.at.as_secs_f64(), value(point)?)));
    Series { name, tone, points: points.collect() }
}

fn plot(subject: Subject, history: &History) -> Plot {
    let seconds = |micros: Option<u64>| micros.map(|micros| micros as f64 / 1e6);
    match subject {
        Subject::Throughput => Plot {
            title: "Throughput",
            unit: "records per second",
            said: None,
            series: vec![
                series("in", Tone::Accent, history, |point| Some(point.in_rate)),
                series("finished", Tone::Good, history, |point| Some(point.out_rate)),
            ],
        },
        Subject::Lag => Plot {
            title: "Lag",
            unit: "records",
            said: None,
            series: vec![series("behind", Tone::Bad, history, |point| Some(point.lag as f64))],
        },
        Subject::Latency => Plot {
            title: "Latency",
            unit: "seconds",
            said: None,
            series: vec![
                series("p50", Tone::Accent, history, |point| seconds(point.latency_p50_us)),
                series("p99", Tone::Warn, history, |point| seconds(point.latency_p99_us)),
            ],
        },
    }
}

/// The newest value of each series, as text.
fn latest(subject: Subject, history: &History) -> Vec<String> {
    let last = history.points.last().copied().unwrap_or_default();
    let micros = |value: Option<u64>| value.map_or("–".to_owned(), words::micros);
    match subject {
        Subject::Throughput => {
            vec![
                format!("{}/s", words::rate(last.in_rate)),
                format!("{}/s", words::rate(last.out_rate)),
            ]
        }
        Subject::Lag => vec![words::short_count(last.lag)],
        Subject::Latency => vec![micros(last.latency_p50_us), micros(last.latency_p99_us)],
    }
}
