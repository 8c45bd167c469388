//! One case tried, panics caught.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use brokerscope::base::Time;
use brokerscope::session::{Failure, Saved};
use brokerscope::swarm::{Case, Demo, Run, Summary};

thread_local! {
    /// Text of the last panic of this thread.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What came of a case.
#[derive(Debug)]
pub(super) enum Attempt {
    /// Nothing was wrong.
    Passed(Summary),
    /// Something was; the save tells what.
    Failed(Box<Saved>),
}

/// From now on a panic is not printed but kept for its report.
pub(super) fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|info| {
        PANIC.with(|kept| kept.replace(info.to_string()));
    }));
}

/// Does something that may panic; then the text of the panic is the error.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What `work` leaves half done is only looked at, never used again.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        // The hook has kept its text, with the place.
        drop(payload);
        PANIC.with(RefCell::take)
    })
}

/// Tries a case, twice if both runs are to be compared.
pub(super) fn attempt(case: &Case, demo: Option<Demo>, twice: bool) -> Attempt {
    let (first, run) = try_once(case, demo, twice, None);
    let (true, Attempt::Passed(summary), Some(run)) = (twice, &first, run) else { return first };
    let (second, again) = try_once(case, demo, false, Some(run));
    match (second, again) {
        (Attempt::Passed(other), Some(again)) if other.hash != summary.hash => {
            let event = again.difference().unwrap_or("the end").to_owned();
            let cluster = again.session().cluster();
            let failure = Failure {
                invariant: Failure::DIFFERS.to_owned(),
                sentence: "two runs of one seed are the same, event for event".to_owned(),
                detail: format!("{} and {}; first difference: {event}", summary.hash, other.hash),
                steps: cluster.steps(),
                at_us: cluster.now().0,
                event,
                mended_at_us: None,
            };
            Attempt::Failed(Box::new(again.saved(failure)))
        }
        (Attempt::Failed(saved), _) => Attempt::Failed(saved),
        _ => first,
    }
}

fn try_once(
    case: &Case,
    demo: Option<Demo>,
    keep: bool,
    compare: Option<Run>,
) -> (Attempt, Option<Run>) {
    let mut run = match caught(|| Run::new(case, demo)) {
        Ok(Ok(run)) => run,
        Ok(Err(error)) => {
            return (Attempt::Failed(unborn(case, "scenario", error.to_string())), None);
        }
        Err(panic) => return (Attempt::Failed(unborn(case, Failure::PANIC, panic)), None),
    };
    if keep {
        run = run.keeping_trace();
    }
    if let Some(other) = compare {
        run = run.compared_with(other);
    }
    let failure = match caught(|| run.finish()) {
        Ok(Ok(summary)) => return (Attempt::Passed(summary), Some(run)),
        Ok(Err(failure)) => *failure,
        Err(panic) => run.panicked(&panic),
    };
    (Attempt::Failed(Box::new(run.saved(failure))), None)
}

/// The save of a case that did not come to its first moment.
fn unborn(case: &Case, invariant: &str, detail: String) -> Box<Saved> {
    let failure = Failure {
        invariant: invariant.to_owned(),
        sentence: "every case begins".to_owned(),
        detail,
        steps: 0,
        at_us: 0,
        event: "while the cluster started".to_owned(),
        mended_at_us: None,
    };
    Box::new(Saved {
        seed: case.seed,
        scenario: case.scenario.clone(),
        journal: Vec::new(),
        steps: 0,
        at: Time::ZERO,
        failure: Some(failure),
    })
}
