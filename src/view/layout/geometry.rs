//! Points, sizes and rectangles in CSS pixels; y grows downwards.

/// A point.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// A width and a height.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Size {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// A rectangle.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// Right edge.
    pub fn right(self) -> f64 {
        self.x + self.width
    }

    /// Bottom edge.
    pub fn bottom(self) -> f64 {
        self.y + self.height
    }

    /// The middle.
    pub fn center(self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// The same rectangle, `dy` further down.
    #[must_use]
    pub fn lowered(self, dy: f64) -> Self {
        Self { y: self.y + dy, ..self }
    }

    /// Whether it shares area with `other`.
    pub fn overlaps(self, other: Self) -> bool {
        let apart = self.right() <= other.x + 1e-6
            || other.right() <= self.x + 1e-6
            || self.bottom() <= other.y + 1e-6
            || other.bottom() <= self.y + 1e-6;
        !apart
    }

    /// Whether `other` lies inside.
    pub fn contains(self, other: Self) -> bool {
        self.x <= other.x + 1e-6
            && self.y <= other.y + 1e-6
            && other.right() <= self.right() + 1e-6
            && other.bottom() <= self.bottom() + 1e-6
    }
}

/// How many whole steps of `step` fit into `room`; 0 for nonsense.
pub(super) fn whole_steps(room: f64, step: f64) -> usize {
    let count = (room / step).floor().clamp(0.0, 1e6);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a small non-negative whole number"
    )]
    let steps = if count.is_finite() { count as usize } else { 0 };
    steps
}
