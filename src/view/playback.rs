//! Playing, paused, how fast: what the playback bar shows.

use std::rc::Rc;

/// State of the playback bar.
#[derive(Clone, PartialEq, Debug)]
pub struct PlaybackView {
    /// Whether time runs.
    pub playing: bool,
    /// Place on the logarithmic scale, 0 (slowest) to [`Self::FASTEST`].
    pub notch: u8,
    /// Simulated seconds per second.
    pub speed: f64,
    /// The same as text: `×1`, `1/400`.
    pub label: Rc<str>,
    /// Whether the machine cannot keep up with that speed.
    pub behind: bool,
    /// Why time stopped by itself, in a few words.
    pub stopped: Option<Rc<str>>,
}

impl PlaybackView {
    /// The fastest place on the scale.
    pub const FASTEST: u8 = 50;

    /// How fast things change on screen: 0 while paused.
    pub fn tempo(&self) -> f64 {
        if self.playing { self.speed } else { 0.0 }
    }
}
