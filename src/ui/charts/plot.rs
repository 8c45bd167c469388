//! A chart on a canvas, drawn by plotters: axes, ticks and series in the colours of the present look,
//! with as many pixels as the screen has.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters_canvas::CanvasBackend;
use web_sys::HtmlCanvasElement;

use crate::ui::palette::Palette;

/// Lines to draw.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Plot {
    pub title: &'static str,
    pub unit: &'static str,
    pub series: Vec<Series>,
    /// The band in which the learner expects the value: from, and to if it ends.
    pub said: Option<(f64, Option<f64>)>,
}

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Series {
    pub name: &'static str,
    pub tone: Tone,
    /// Seconds and value.
    pub points: Vec<(f64, f64)>,
}

/// Which of the look's colours a line has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Accent,
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// Class of its legend.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Accent => "legend is-accent",
            Self::Good => "legend is-good",
            Self::Warn => "legend is-warn",
            Self::Bad => "legend is-bad",
        }
    }

    fn color(self, palette: &Palette) -> RGBColor {
        rgb(match self {
            Self::Accent => &palette.accent,
            Self::Good => &palette.good,
            Self::Warn => &palette.warn,
            Self::Bad => &palette.bad,
        })
    }
}

/// Paints `plot` on `canvas`.
pub(super) fn paint(canvas: &HtmlCanvasElement, plot: &Plot) {
    let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(1.0, 3.0);
    let size = |length: i32| whole(f64::from(length) * ratio);
    let (width, height) = (size(canvas.client_width()), size(canvas.client_height()));
    if width < 40 || height < 40 {
        return;
    }
    canvas.set_width(width);
    canvas.set_height(height);
    let Some(backend) = CanvasBackend::with_canvas_object(canvas.clone()) else { return };
    // The only errors of this back-end are of the canvas itself, which has just been found to work.
    drop(draw(backend, plot, ratio));
}

fn draw(
    backend: CanvasBackend,
    plot: &Plot,
    ratio: f64,
) -> Result<(), DrawingAreaErrorKind<<CanvasBackend as DrawingBackend>::ErrorType>> {
    let palette = Palette::read();
    let area = backend.into_drawing_area();
    let points = || plot.series.iter().flat_map(|series| &series.points);
    let last = points().map(|point| point.0).fold(10.0, f64::max);
    let first = points().map(|point| point.0).fold(last, f64::min).min(last - 10.0);
    let said = plot.said.map_or(0.0, |(low, high)| high.unwrap_or(low));
    let top = nice(points().map(|point| point.1).fold(said, f64::max) * 1.08);
    let px = |length: f64| whole(length * ratio);
    let mut chart = ChartBuilder::on(&area)
        .margin_top(px(8.0))
        .margin_right(px(10.0))
        .x_label_area_size(px(20.0))
        .y_label_area_size(px(44.0))
        .build_cartesian_2d(first..last, 0.0..top)?;
    let font =
        |size: f64| (palette.font.as_str(), size * ratio).into_font().color(&rgb(&palette.soft));
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(rgb(&palette.line).stroke_width(px(1.0)))
        .axis_style(rgb(&palette.line).stroke_width(px(1.0)))
        .x_labels(5)
        .y_labels(4)
        .x_label_style(font(11.0))
        .y_label_style(font(11.0).pos(Pos::new(HPos::Right, VPos::Center)))
        .x_label_formatter(&|seconds| time(*seconds))
        .y_label_formatter(&|value| tick(*value))
        .draw()?;
    if let Some((low, high)) = plot.said {
        let high = high.unwrap_or(top);
        let ink = rgb(&palette.ink);
        let band = Rectangle::new([(first, low), (last, high)], ink.mix(0.10).filled());
        chart.draw_series([band])?;
        for edge in [low, high] {
            let line = LineSeries::new([(first, edge), (last, edge)], ink.mix(0.45));
            chart.draw_series(line)?;
        }
    }
    for series in &plot.series {
        let color = series.tone.color(&palette);
        let line = color.stroke_width(px(1.8));
        let fill = color.mix(0.10);
        chart.draw_series(AreaSeries::new(series.points.iter().copied(), 0.0, fill))?;
        chart.draw_series(LineSeries::new(series.points.iter().copied(), line))?;
    }
    area.present()
}

/// `rgb(1, 2, 3)` as the browser writes it.
fn rgb(text: &str) -> RGBColor {
    let digits = |c: char| !c.is_ascii_digit() && c != '.';
    let mut numbers = text
        .split(digits)
        .filter(|part| !part.is_empty())
        .map(|part| part.split('.').next().and_then(|whole| whole.parse::<u8>().ok()).unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    RGBColor(next(), next(), next())
}

fn whole(length: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let whole = length.round().clamp(0.0, 16_000.0) as u32;
    whole
}

/// The next round number: 1, 2, 5 times a power of ten.
fn nice(value: f64) -> f64 {
    let mut unit = 0.01;
    while unit < 1e12 {
        for factor in [1.0, 2.0, 5.0] {
            if value <= unit * factor {
                return unit * factor;
            }
        }
        unit *= 10.0;
    }
    value
}

/// `0:41`, or `12 s` below a minute.
fn time(seconds: f64) -> String {
    let whole = whole(seconds);
    if seconds < 60.0 { format!("{whole} s") } else { format!("{}:{:02}", whole / 60, whole % 60) }
}

fn tick(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.1}M", v / 1e6),
        v if v >= 1e4 => format!("{:.0}k", v / 1e3),
        v if v >= 1e3 => format!("{:.1}k", v / 1e3),
        v if v >= 10.0 || v.fract().abs() < 1e-9 => format!("{v:.0}"),
        v => format!("{v:.2}").trim_end_matches('0').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        assert!((nice(43.0) - 50.0).abs() < 1e-9);
        assert!((nice(0.0) - 0.01).abs() < 1e-9);
        assert!((nice(1_200.0) - 2_000.0).abs() < 1e-9);
    }

    #[test]
    fn colours_are_read_as_browsers_write_them() {
        let written = |name: &str, numbers: &str| format!("{name}({numbers})");
        assert_eq!(rgb(&written("rgb", "12, 34, 56")), RGBColor(12, 34, 56));
        assert_eq!(rgb(&written("rgba", "12, 34, 56, 0.5")), RGBColor(12, 34, 56));
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!(tick(0.0), "0");
        assert_eq!(tick(0.5), "0.5");
        assert_eq!(tick(1_500.0), "1.5k");
        assert_eq!(time(41.0), "41 s");
        assert_eq!(time(61.0), "1:01");
    }
}
