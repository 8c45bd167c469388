//! What the learner wants, done.

use yew::Context;
use yew_router::scope_ext::RouterScopeExt as _;

use super::{Lab, browser};
use crate::lesson::{LessonCommand, course};
use crate::session::{PlaybackCommand, Speed};
use crate::ui::command::{Drawer, Nudge, UiCommand};
use crate::ui::route::Route;
use crate::view::Part;

impl Lab {
    pub(super) fn on_command(&mut self, ctx: &Context<Self>, command: &UiCommand) {
        let changes = matches!(
            command,
            UiCommand::Act(_)
                | UiCommand::Sandbox(_)
                | UiCommand::Lesson(_)
                | UiCommand::Terminal(_)
                | UiCommand::Step
        );
        if changes {
            // What is about to be done is in no journal yet, and it may be what ends the program.
            self.note();
            browser::note_what_is_done(Some(command));
        }
        self.perform(ctx, command);
        if changes {
            self.note();
            browser::note_what_is_done(None);
        }
    }

    fn perform(&mut self, ctx: &Context<Self>, command: &UiCommand) {
        match command {
            UiCommand::Play => self.host.playback_command(PlaybackCommand::Play),
            UiCommand::Pause => self.host.playback_command(PlaybackCommand::Pause),
            UiCommand::TogglePlay => self.host.playback_command(PlaybackCommand::TogglePlay),
            UiCommand::Step => self.host.playback_command(PlaybackCommand::StepEvent),
            UiCommand::SetSpeed(notch) => {
                self.host.playback_command(PlaybackCommand::SetSpeed(Speed::at(*notch)));
            }
            UiCommand::Nudge(Nudge::Faster) => self.host.playback_command(PlaybackCommand::Faster),
            UiCommand::Nudge(Nudge::Slower) => self.host.playback_command(PlaybackCommand::Slower),
            UiCommand::Restart => self.begin(self.host.restarted()),
            UiCommand::Act(action) => self.host.act(action),
            UiCommand::Sandbox(change) => self.host.change(change),
            UiCommand::Lesson(LessonCommand::Next) if self.host.finished_lesson().is_some() => {
                self.next_lesson(ctx);
            }
            UiCommand::Lesson(command) => {
                self.host.lesson_command(*command);
                if let Some((lesson, record)) = self.host.record() {
                    self.memory.set_record(&lesson, record);
                }
            }
            UiCommand::Terminal(command) => self.host.terminal_command(command),
            looks => self.on_looks(looks),
        }
    }

    /// What changes the page and not the session.
    fn on_looks(&mut self, command: &UiCommand) {
        match command {
            UiCommand::Select(selection) => self.selected.clone_from(selection),
            UiCommand::Why(event) => {
                let open = self.drawer == Some(Drawer::Events);
                let again = open && self.why.as_ref().is_some_and(|(known, _)| known == event);
                self.why = (!again).then(|| (*event, Part::new(self.host.why(*event))));
                self.drawer = Some(Drawer::Events);
                self.attend = Some(Drawer::Events);
            }
            UiCommand::ToggleDrawer(drawer) => {
                self.attend = Some(*drawer);
                self.drawer = (self.drawer != Some(*drawer)).then_some(*drawer);
            }
            UiCommand::ToggleKind(kind) => {
                let was_hidden = self.hidden.remove(kind);
                if !was_hidden {
                    self.hidden.insert(*kind);
                }
            }
            UiCommand::CycleTheme => {
                self.theme = self.theme.next();
                self.memory.set_theme(self.theme);
                self.new_look();
            }
            UiCommand::TogglePresenter => {
                self.presenter = !self.presenter;
                self.memory.set_presenter(self.presenter);
                self.new_look();
                self.lay_out();
            }
            UiCommand::ToggleHelp => self.help = !self.help,
            UiCommand::Understood => {
                self.memory.begin_anew();
                self.unreadable = None;
            }
            _ => {}
        }
    }

    /// Goes to the lesson after the one that is over, or to the list after the last one.
    fn next_lesson(&self, ctx: &Context<Self>) {
        let done = self.host.finished_lesson();
        let next = done.and_then(|id| course().after(&id));
        let route = next.map_or(Route::Lessons, |next| Route::Lesson { slug: next.id.clone() });
        if let Some(navigator) = ctx.link().navigator() {
            navigator.push(&route);
        }
    }
}
