//! What the terminal has besides Kafka's tools.

use super::TOOLS;
use super::tool::{Job, Screen, Status, Tool};

/// A job that was done when it began.
#[derive(Debug)]
struct Done;

impl Job for Done {
    fn poll(&mut self, _screen: &mut Screen<'_>) -> Status {
        Status::Done(0)
    }

    fn interrupt(&mut self, _screen: &mut Screen<'_>) {}
}

/// `help`.
#[derive(Debug)]
pub(super) struct Help;

impl Tool for Help {
    fn name(&self) -> &'static str {
        "help"
    }

    fn summary(&self) -> &'static str {
        "this list"
    }

    fn example(&self) -> &'static str {
        "help"
    }

    fn start(&self, _arguments: &[String], screen: &mut Screen<'_>) -> Result<Box<dyn Job>, i32> {
        screen.hint("Kafka's own commands, against the cluster on this page:");
        for tool in TOOLS {
            screen.hint(format!("  {:<24} {}", tool.name(), tool.summary()));
        }
        screen.hint("Try these, one after the other:");
        for tool in TOOLS.iter().filter(|tool| tool.name().starts_with("kafka-")) {
            screen.hint(format!("  {}", tool.example()));
        }
        screen.hint("Ctrl+C ends a running command, Ctrl+D ends its input.");
        Ok(Box::new(Done))
    }
}

/// `clear`.
#[derive(Debug)]
pub(super) struct Clear;

/// Empties the screen when it is polled, after the line that was typed.
#[derive(Debug)]
struct Clearing;

impl Job for Clearing {
    fn poll(&mut self, screen: &mut Screen<'_>) -> Status {
        screen.clear();
        Status::Done(0)
    }

    fn interrupt(&mut self, _screen: &mut Screen<'_>) {}
}

impl Tool for Clear {
    fn name(&self) -> &'static str {
        "clear"
    }

    fn summary(&self) -> &'static str {
        "empty the terminal"
    }

    fn example(&self) -> &'static str {
        "clear"
    }

    fn start(&self, _arguments: &[String], _screen: &mut Screen<'_>) -> Result<Box<dyn Job>, i32> {
        Ok(Box::new(Clearing))
    }
}
