//! The picture of a session as plain data: what the page draws, where it stands, and the same facts in
//! words. Pure: no browser, no clock. `ui` renders it, tests read it.

pub mod describe;
pub mod layout;
pub mod motion;
pub mod part;
pub mod path;
pub mod playback;
pub mod project;
pub mod sandbox;
pub mod scene;
pub mod terminal;
pub mod words;

pub use part::Part;
pub use playback::PlaybackView;
pub use scene::Scene;
pub use terminal::TerminalView;
