//! Transactions in a whole cluster: what is committed is read, what is aborted is not, whatever fails.

use brokerscope::cluster::Action;
use brokerscope::cluster::action::{FaultRule, Verdict};
use brokerscope::cluster::ledger::{Fate, Reader};
use brokerscope::kafka::event::Event;
use brokerscope::kafka::producer::Rate;
use brokerscope::kafka::transaction::{TransactionMetadata, TransactionState};

use crate::support::Watched;

const SCENARIO: &str = include_str!("../data/scenarios/transactions.toml");

/// Stops the producers, waits until every transaction has ended, and holds what was read against what was committed.
fn come_to_rest(run: &mut Watched, seed: u64) {
    run.apply(&Action::ClearFaults);
    for broker in 1..=3 {
        // A broker that runs stays as it is.
        drop(run.try_apply(&Action::StartBroker { broker }));
    }
    run.run(20.0);
    for name in ["bank-1", "bank-2"] {
        drop(run.try_apply(&Action::RemoveProducer { name: name.into() }));
    }
    run.run(60.0);
    for txn in run.cluster.transactions() {
        let ended = matches!(
            txn.state(),
            TransactionState::Empty
                | TransactionState::CompleteCommit
                | TransactionState::CompleteAbort
        );
        assert!(ended && txn.pending_state.is_none(), "seed {seed}: {txn:?}");
    }
    let ledger = run.cluster.ledger();
    let (careful, careless) = (Reader::Group("careful".into()), Reader::Group("careless".into()));
    for (record, entry) in ledger.entries() {
        let read = ledger.deliveries(&careful, record);
        match entry.fate() {
            Fate::Acked => assert!(read > 0, "seed {seed}: {record:?} {entry:?} was not read"),
            Fate::Aborted | Fate::Failed | Fate::Lost => {
                assert_eq!(read, 0, "seed {seed}: {record:?} {entry:?}");
            }
            fate => panic!("seed {seed}: {record:?} is {fate:?}: {entry:?}"),
        }
    }
    let aborted = ledger.entries().filter(|(_, entry)| entry.aborted);
    let visible = aborted.filter(|(record, _)| ledger.deliveries(&careless, *record) > 0).count();
    assert!(visible > 0, "seed {seed}: read_uncommitted sees aborted records");
    assert!(ledger.count(Fate::Acked) > 200, "seed {seed}: {}", ledger.count(Fate::Acked));
}

#[test]
fn what_is_committed_is_read_once_and_what_is_aborted_never_whatever_fails() {
    for seed in 1..=8 {
        let mut run = Watched::new(SCENARIO, seed);
        run.run(15.0);
        for (percent, verdict) in [(1, Verdict::Drop), (5, Verdict::Delay { ms: 60 })] {
            run.apply(&Action::AddFault(FaultRule {
                from: None,
                to: Some(2),
                api: None,
                percent,
                verdict,
            }));
        }
        run.run(10.0);
        let crashed = i32::try_from(seed % 3 + 1).unwrap();
        run.apply(&Action::CrashBroker { broker: crashed, lose_disk: false });
        run.run(20.0);
        run.apply(&Action::StartBroker { broker: crashed });
        run.run(15.0);
        come_to_rest(&mut run, seed);
    }
}

#[test]
fn a_zombie_that_comes_back_is_fenced_off_and_changes_nothing() {
    let text = SCENARIO.replace("count = 2", "count = 1");
    let mut run = Watched::new(&text, 1);
    run.run(12.0);
    run.apply(&Action::PauseClient { name: "bank".into(), for_ms: 15_000 });
    let mut second = run.cluster.scenario().producers[0].clone();
    second.name = "second".into();
    run.apply(&Action::AddProducer(second));
    run.run(40.0);
    let zombie = run.cluster.nodes().find(|node| &**node.name == "bank").unwrap();
    assert!(!zombie.running, "it can do no more than close");
    let told = run.cluster.log_book().notable_since(0).filter(|logged| logged.node == zombie.id);
    let fatal = told.filter(|it| matches!(it.event, Event::TransactionFailed { fatal: true, .. }));
    assert_eq!(fatal.count(), 1);
    let before = run.cluster.ledger().count(Fate::Acked);
    run.run(10.0);
    assert!(run.cluster.ledger().count(Fate::Acked) > before + 50, "the second goes on");
}

#[test]
fn a_transaction_that_is_left_open_holds_readers_of_committed_records_back_until_it_times_out() {
    let text = SCENARIO.replace("count = 2", "count = 1");
    let mut run = Watched::new(&text, 3);
    run.run(12.0);
    run.apply(&Action::KillConsumer { name: "bank".into() });
    run.run(5.0);
    let open = |run: &Watched| {
        let txns: Vec<_> = run.cluster.transactions().map(TransactionMetadata::state).collect();
        txns
    };
    assert_eq!(open(&run), [TransactionState::Ongoing]);
    run.run(25.0);
    assert_eq!(open(&run), [TransactionState::CompleteAbort]);
}

#[test]
fn a_stopped_producer_aborts_what_is_open() {
    let text = SCENARIO.replace("count = 2", "count = 1");
    let mut run = Watched::new(&text, 5);
    run.run(12.3);
    run.apply(&Action::SetRate { name: "bank".into(), rate: Rate::Off });
    run.apply(&Action::RemoveProducer { name: "bank".into() });
    run.run(5.0);
    let states: Vec<_> = run.cluster.transactions().map(TransactionMetadata::state).collect();
    assert!(
        matches!(states[..], [TransactionState::CompleteAbort | TransactionState::CompleteCommit]),
        "{states:?}"
    );
    assert!(run.cluster.producers().next().is_none());
}

#[test]
fn a_producer_that_is_stopped_before_it_has_sent_anything_ends_at_once() {
    let text =
        SCENARIO.replace("count = 2", "count = 1").replace("per_second = 40", "per_second = 0.01");
    let mut run = Watched::new(&text, 5);
    run.run(1.0);
    run.apply(&Action::RemoveProducer { name: "bank".into() });
    run.run(1.0);
    assert_eq!(run.cluster.producers().count(), 0);
}
