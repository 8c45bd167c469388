//! Keyboard shortcuts of the whole page.

use crate::ui::command::{Drawer, Nudge, UiCommand};

/// What a key means where nothing else wants it. Without the stage in sight only the looks and the help are left.
pub(super) fn command(key: &str, stage: bool) -> Option<UiCommand> {
    let command = named(key)?;
    let always = matches!(
        command,
        UiCommand::CycleTheme | UiCommand::TogglePresenter | UiCommand::ToggleHelp
    );
    (stage || always).then_some(command)
}

fn named(key: &str) -> Option<UiCommand> {
    Some(match key {
        " " => UiCommand::TogglePlay,
        "." => UiCommand::Step,
        "+" | "=" => UiCommand::Nudge(Nudge::Faster),
        "-" => UiCommand::Nudge(Nudge::Slower),
        "1" => UiCommand::ToggleDrawer(Drawer::Charts),
        "2" => UiCommand::ToggleDrawer(Drawer::Records),
        "3" => UiCommand::ToggleDrawer(Drawer::Events),
        "4" => UiCommand::ToggleDrawer(Drawer::Table),
        "5" => UiCommand::ToggleDrawer(Drawer::Terminal),
        "t" => UiCommand::CycleTheme,
        "p" => UiCommand::TogglePresenter,
        "?" => UiCommand::ToggleHelp,
        "Escape" => UiCommand::Select(None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::text;

    #[test]
    fn every_single_key_of_the_help_does_something() {
        let named = [("Space", " "), ("Escape", "Escape")];
        for (keys, _) in text::SHORTCUTS {
            let key = named.iter().find(|(name, _)| name == keys).map_or(*keys, |(_, key)| key);
            if key.chars().count() == 1 || key == "Escape" {
                assert!(command(key, true).is_some(), "{keys}");
            }
        }
    }

    #[test]
    fn where_the_stage_is_out_of_sight_no_key_drives_it() {
        let left = [" ", ".", "+", "-", "1", "2", "3", "4", "5", "Escape", "t", "p", "?"]
            .map(|key| command(key, false))
            .into_iter()
            .flatten();
        let expected = [UiCommand::CycleTheme, UiCommand::TogglePresenter, UiCommand::ToggleHelp];
        assert!(left.eq(expected));
    }
}
