//! Demands that are false of Kafka, so that anybody can see how a failure is told, played again and made
//! smaller.

use crate::cluster::invariant::{Checker, Invariant, Look};
use crate::kafka::event::Event;

/// A demand that some run is bound to break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Demo {
    /// Leaders never change.
    LeadersStay,
    /// Leaders never change, and the program panics when one does.
    Panic,
}

/// Text of the panic of [`Demo::Panic`].
const PANIC: &str = "demo: a leader changed";

impl Demo {
    /// Every demand.
    pub const ALL: [Self; 2] = [Self::LeadersStay, Self::Panic];

    /// Its name: of the invariant, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeadersStay => "demo-leaders-stay",
            Self::Panic => "demo-panic",
        }
    }

    /// The demand that a report tells of, if it tells of one.
    pub fn of_failure(failure: &crate::session::Failure) -> Option<Self> {
        if failure.invariant == crate::session::Failure::PANIC {
            return failure.detail.contains(PANIC).then_some(Self::Panic);
        }
        Self::ALL.into_iter().find(|demo| demo.name() == failure.invariant)
    }
}

/// All invariants, with a false one where somebody asks for it.
pub(super) fn checker(demo: Option<Demo>) -> Checker {
    let mut checker = Checker::default();
    if let Some(demo) = demo {
        checker.demand(Box::new(LeadersStay(demo)));
    }
    checker
}

#[derive(Debug)]
struct LeadersStay(Demo);

impl Invariant for LeadersStay {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn sentence(&self) -> &'static str {
        "leaders never change (which is false: this is a demonstration)"
    }

    fn check(&mut self, look: &Look<'_>) -> Result<(), String> {
        for (node, event) in look.news() {
            if let Event::LeaderElected { tp, from: Some(from), leader, .. } = event {
                assert!(self.0 != Demo::Panic, "{PANIC}");
                return Err(format!("{tp:?}: {from} -> {leader:?}, says node {node}"));
            }
        }
        Ok(())
    }
}
