//! A session: a cluster that somebody plays, its journal, and playback.

pub mod playback;
pub mod speed;

pub use playback::{Playback, PlaybackCommand, PlaybackResponse, Stop};
pub use speed::Speed;
