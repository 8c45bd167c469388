//! What stands around the stage: the header, the numbers above the stage, the drawer's buttons, the
//! list of shortcuts.

mod header;
mod headline;
mod help;
mod show;

pub use header::{Header, HeaderProps};
pub use headline::{HeadlineStrip, HeadlineStripProps};
pub use help::{Help, HelpProps};
pub use show::{ShowMenu, ShowMenuProps};
