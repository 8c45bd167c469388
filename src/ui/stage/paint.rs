//! The painter: puts a [`Picture`] on the canvas above the stage, outside the page's structure. It
//! batches by look and form, one path each, and squares instead of discs when there are very many.

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};
use yew::NodeRef;

use super::ring;
use crate::ui::palette::Palette;
use crate::view::layout::{Layout, Rect};
use crate::view::motion::{
    Dot, Mark, MotionOptions, Picture, Progress, Ribbon, SQUARES_FROM, Ways, picture,
};
use crate::view::scene::{Flow, Hue, MessageKind, Motion};

const TAU: f64 = std::f64::consts::TAU;
/// Speed of the pattern in a ribbon, in CSS pixels per second: always calm.
const DRIFT: f64 = 46.0;

/// Paints motion.
#[derive(Debug)]
pub struct Painter {
    canvas: NodeRef,
    palette: Option<Palette>,
    ways: Ways,
    drift: f64,
    size: (u32, u32),
}

impl Painter {
    /// A painter for `canvas`.
    pub fn new(canvas: NodeRef) -> Self {
        Self { canvas, palette: None, ways: Ways::default(), drift: 0.0, size: (0, 0) }
    }

    /// The look has changed.
    pub fn forget_palette(&mut self) {
        self.palette = None;
    }

    /// Things stand elsewhere.
    pub fn forget_ways(&mut self) {
        self.ways.clear();
    }

    /// Paints one frame, `real_ms` after the last one.
    pub fn paint(
        &mut self,
        motion: &Motion,
        flows: &[Flow],
        layout: &Layout,
        options: &MotionOptions,
        real_ms: f64,
    ) {
        let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() else { return };
        let Some(context) = context_of(&canvas) else { return };
        self.fit(&canvas, &context, layout);
        let palette = self.palette.get_or_insert_with(Palette::read);
        let picture = picture(motion, flows, layout, &mut self.ways, options);
        if !options.reduced {
            self.drift = (self.drift + DRIFT * real_ms / 1e3) % 4_800.0;
        }
        context.clear_rect(0.0, 0.0, layout.size.width, layout.size.height);
        let brush = Brush { context: &context, palette, scale: layout.scale };
        brush.ribbons(&picture, self.drift);
        brush.dots(&picture);
        // What moves goes under the panels: a record disappears into its broker.
        for (_, rect) in layout.nodes() {
            brush.clear(rect);
        }
        for progress in &picture.progress {
            brush.progress(progress, layout);
        }
    }

    /// Gives the canvas as many pixels as the screen has under it.
    fn fit(
        &mut self,
        canvas: &HtmlCanvasElement,
        context: &CanvasRenderingContext2d,
        layout: &Layout,
    ) {
        let ratio =
            web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(1.0, 3.0);
        let size = (pixels(layout.size.width * ratio), pixels(layout.size.height * ratio));
        if size != self.size || (canvas.width(), canvas.height()) != size {
            canvas.set_width(size.0);
            canvas.set_height(size.1);
            self.size = size;
        }
        // Setting the size resets the transformation; setting it each time costs nothing.
        drop(context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0));
    }
}

fn context_of(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok().flatten()?.dyn_into().ok()
}

fn pixels(length: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the sizes a canvas can have"
    )]
    let whole = length.round().clamp(1.0, 16_000.0) as u32;
    whole
}

/// A context with the colours to use.
struct Brush<'a> {
    context: &'a CanvasRenderingContext2d,
    palette: &'a Palette,
    scale: f64,
}

impl Brush<'_> {
    fn ribbons(&self, picture: &Picture, drift: f64) {
        if picture.ribbon_share <= 0.0 {
            return;
        }
        self.context.set_line_cap("round");
        for ribbon in &picture.ribbons {
            self.ribbon(ribbon, picture.ribbon_share, drift);
        }
        self.dash(&[]);
        self.context.set_global_alpha(1.0);
    }

    /// A band with a pattern that drifts in the direction of the records.
    fn ribbon(&self, ribbon: &Ribbon, share: f64, drift: f64) {
        let context = self.context;
        let way = &ribbon.path;
        let width = ribbon.width * self.scale;
        context.set_stroke_style_str(self.palette.hue(ribbon.hue));
        context.begin_path();
        context.move_to(way.from.x, way.from.y);
        context.bezier_curve_to(
            way.bend_from.x,
            way.bend_from.y,
            way.bend_to.x,
            way.bend_to.y,
            way.to.x,
            way.to.y,
        );
        self.dash(&[]);
        context.set_line_width(width);
        // Copies are quieter than what clients send and read.
        let strength = if ribbon.kind == MessageKind::Replication { 0.55 } else { 1.0 };
        context.set_global_alpha(0.30 * share * strength);
        context.stroke();
        self.dash(&[1.0, 11.0 * self.scale]);
        context.set_line_dash_offset(-drift);
        context.set_line_width((width * 0.55).max(2.2 * self.scale));
        context.set_global_alpha(0.85 * share * strength);
        context.stroke();
    }

    /// Clears a panel, but for its round corners.
    fn clear(&self, rect: Rect) {
        let corner = 8.0_f64.min(rect.height / 3.0);
        let (width, height) = (rect.width - 2.0 * corner, rect.height - 2.0 * corner);
        self.context.clear_rect(rect.x + corner, rect.y + 0.5, width, rect.height - 1.0);
        self.context.clear_rect(rect.x + 0.5, rect.y + corner, rect.width - 1.0, height);
    }

    fn dash(&self, lengths: &[f64]) {
        let array = js_sys::Array::new();
        for length in lengths {
            array.push(&JsValue::from_f64(*length));
        }
        // Only a list with something else than numbers is refused.
        drop(self.context.set_line_dash(&array));
    }

    fn dots(&self, picture: &Picture) {
        let dots = &picture.dots;
        if dots.is_empty() {
            return;
        }
        let context = self.context;
        context.set_global_alpha(1.0 - picture.ribbon_share);
        if dots.len() > SQUARES_FROM {
            self.squares(dots);
        } else {
            for hue in (0..u32::from(Hue::COUNT)).map(Hue::of) {
                self.discs(dots, hue);
                self.copies(dots, hue);
            }
            self.outlines(dots);
            self.counts(dots);
        }
        context.set_global_alpha(1.0);
    }

    fn squares(&self, dots: &[Dot]) {
        for hue in (0..u32::from(Hue::COUNT)).map(Hue::of) {
            self.context.set_fill_style_str(self.palette.hue(hue));
            for dot in dots.iter().filter(|dot| dot.hue == Some(hue)) {
                let side = dot.radius * 1.5;
                self.context.fill_rect(dot.at.x - side / 2.0, dot.at.y - side / 2.0, side, side);
            }
        }
    }

    fn circle(&self, dot: &Dot, radius: f64) {
        self.context.move_to(dot.at.x + radius, dot.at.y);
        // The radius is positive: nothing is refused.
        drop(self.context.arc(dot.at.x, dot.at.y, radius, 0.0, TAU));
    }

    fn discs(&self, dots: &[Dot], hue: Hue) {
        let mut discs =
            dots.iter().filter(|dot| dot.mark == Mark::Disc && dot.hue == Some(hue)).peekable();
        if discs.peek().is_none() {
            return;
        }
        self.context.begin_path();
        for dot in discs {
            self.circle(dot, dot.radius * self.scale.max(1.0) / self.scale);
        }
        self.context.set_fill_style_str(self.palette.hue(hue));
        self.context.fill();
        self.context.set_stroke_style_str(&self.palette.stage);
        self.context.set_line_width(1.4);
        self.context.stroke();
    }

    /// Records copied to a follower: a ring with a dot in it.
    fn copies(&self, dots: &[Dot], hue: Hue) {
        let mut copies =
            dots.iter().filter(|dot| dot.mark == Mark::Copy && dot.hue == Some(hue)).peekable();
        if copies.peek().is_none() {
            return;
        }
        let copies: Vec<_> = copies.collect();
        self.context.begin_path();
        for dot in &copies {
            self.circle(dot, dot.radius);
        }
        self.context.set_fill_style_str(&self.palette.panel);
        self.context.fill();
        self.context.set_stroke_style_str(self.palette.hue(hue));
        self.context.set_line_width(2.2 * self.scale);
        self.context.stroke();
        self.context.begin_path();
        for dot in &copies {
            self.circle(dot, dot.radius * 0.36);
        }
        self.context.set_fill_style_str(self.palette.hue(hue));
        self.context.fill();
    }

    /// What carries no records: answers, requests, heartbeats.
    fn outlines(&self, dots: &[Dot]) {
        let context = self.context;
        context.begin_path();
        for dot in dots.iter().filter(|dot| dot.hue.is_none()) {
            let (x, y, r) = (dot.at.x, dot.at.y, dot.radius);
            match dot.mark {
                Mark::Cross => {
                    context.move_to(x - r, y);
                    context.line_to(x + r, y);
                    context.move_to(x, y - r);
                    context.line_to(x, y + r);
                }
                Mark::Triangle => {
                    context.move_to(x, y - r);
                    context.line_to(x + r, y + r * 0.8);
                    context.line_to(x - r, y + r * 0.8);
                    context.close_path();
                }
                Mark::Disc | Mark::Copy | Mark::Hollow => self.circle(dot, r),
            }
        }
        context.set_stroke_style_str(&self.palette.soft);
        context.set_line_width(1.7 * self.scale);
        context.stroke();
    }

    fn counts(&self, dots: &[Dot]) {
        let context = self.context;
        context.set_text_align("center");
        context.set_text_baseline("middle");
        for dot in dots {
            let Some(count) = dot.count else { continue };
            if dot.mark != Mark::Disc {
                continue;
            }
            let size = (dot.radius * 1.05).max(8.0);
            context.set_font(&format!("600 {size:.0}px {}", self.palette.font));
            context.set_fill_style_str(&self.palette.on_hue);
            // Only a missing font could fail, and then there is nothing to write with.
            drop(context.fill_text(&count.to_string(), dot.at.x, dot.at.y + 0.5));
        }
    }

    fn progress(&self, progress: &Progress, layout: &Layout) {
        let Some(ring) = ring(layout, progress.consumer) else { return };
        let context = self.context;
        context.set_stroke_style_str(self.palette.hue(progress.hue));
        context.set_line_width(ring.stroke);
        context.set_line_cap("round");
        context.begin_path();
        let start = -TAU / 4.0;
        let end = start + TAU * progress.share.unwrap_or(1.0).max(0.02);
        drop(context.arc(ring.center.x, ring.center.y, ring.radius, start, end));
        context.set_global_alpha(if progress.share.is_some() { 1.0 } else { 0.55 });
        context.stroke();
        context.set_global_alpha(1.0);
    }
}
