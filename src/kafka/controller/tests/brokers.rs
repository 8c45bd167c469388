//! Brokers register, live, fail and stop.

use super::*;

const SESSION: Duration = Duration::from_millis(10_200);

#[test]
fn a_new_broker_is_fenced_until_it_has_applied_its_own_registration() {
    let mut h = Harness::new(&[]);
    let epoch = h.register(1, 7, -1).broker_epoch;
    assert_eq!(epoch, h.controller.log_end() - 1);
    let behind = h.heartbeat_at(1, epoch, false);
    assert!(behind.is_fenced && !behind.is_caught_up);
    let caught_up = h.heartbeat_at(1, epoch + 1, false);
    assert!(!caught_up.is_fenced && caught_up.is_caught_up);
    assert_eq!(
        h.events,
        [
            Event::ControllerElected { controller: NodeId::CONTROLLER, epoch: 1 },
            Event::BrokerRegistered { broker: NodeId(1) },
            Event::BrokerUnfenced { broker: NodeId(1) },
        ]
    );
}

#[test]
fn a_silent_broker_is_fenced_after_its_session_and_its_leaders_move() {
    let mut h = Harness::with_brokers(3, &[]);
    h.topic("orders", &[&[1, 2, 3], &[2, 3, 1]], &[]);
    h.kill(1);
    h.pass(Duration::from_millis(8_900));
    assert_eq!(h.partition("orders", 0).leader, NodeId(1));
    h.pass(Duration::from_millis(1_300));
    let moved = h.partition("orders", 0);
    assert_eq!((moved.leader, moved.leader_epoch), (NodeId(2), 1));
    assert_eq!(moved.isr, nodes(&[2, 3]));
    let kept = h.partition("orders", 1);
    assert_eq!((kept.leader, kept.leader_epoch), (NodeId(2), 0));
    assert!(h.events.contains(&Event::BrokerFenced { broker: NodeId(1) }));
    assert!(h.events.contains(&Event::LeaderElected {
        tp: h.tp("orders", 0),
        from: Some(NodeId(1)),
        leader: Some(NodeId(2)),
        leader_epoch: 1,
        unclean: false,
    }));
    let isr_changes = h.events.iter().filter(|e| matches!(e, Event::IsrChanged { .. })).count();
    assert_eq!(isr_changes, 2);
}

#[test]
fn the_last_in_sync_replica_stays_eligible_and_leads_again_when_it_returns() {
    let mut h = Harness::with_brokers(2, &[]);
    h.topic("orders", &[&[1, 2]], &[]);
    h.kill(1);
    h.pass(SESSION);
    h.kill(2);
    h.pass(SESSION);
    let offline = h.partition("orders", 0);
    assert_eq!(offline.leader, partition_change::NO_LEADER);
    assert_eq!((offline.isr, offline.elr), (nodes(&[]), nodes(&[2])));

    // Broker 1 missed records: it may not lead.
    h.boot(1);
    assert_eq!(h.partition("orders", 0).leader, partition_change::NO_LEADER);
    // Broker 2 stopped uncleanly, so it is no longer eligible; it is the last known leader, though.
    h.boot(2);
    let back = h.partition("orders", 0);
    assert_eq!((back.leader, back.isr), (NodeId(2), nodes(&[2])));
}

#[test]
fn a_clean_restart_keeps_the_broker_eligible() {
    let mut h = Harness::with_brokers(1, &[]);
    h.topic("orders", &[&[1]], &[]);
    let old_epoch = h.epoch(1);
    h.kill(1);
    h.pass(SESSION);
    assert_eq!(h.partition("orders", 0).elr, nodes(&[1]));
    assert_eq!(h.register(1, 99, old_epoch).error, ErrorCode::None);
    assert_eq!(h.partition("orders", 0).elr, nodes(&[1]));
    h.heartbeat(1);
    let back = h.partition("orders", 0);
    assert_eq!(back.leader, NodeId(1));
    assert!(h.events.iter().all(|e| !matches!(e, Event::LeaderElected { unclean: true, .. })));
}

#[test]
fn a_second_process_is_refused_while_the_session_of_the_first_is_valid() {
    let mut h = Harness::with_brokers(1, &[]);
    let epoch = h.epoch(1);
    h.kill(1);
    h.pass(Duration::from_secs(5));
    assert_eq!(h.register(1, 99, -1).error, ErrorCode::DuplicateBrokerRegistration);
    h.pass(Duration::from_secs(6));
    let again = h.register(1, 99, -1);
    assert_eq!(again.error, ErrorCode::None);
    assert!(again.broker_epoch > epoch);
    assert_eq!(h.register(1, 99, -1), again, "the same process may ask twice");
}

#[test]
fn a_heartbeat_with_an_old_epoch_is_stale() {
    let mut h = Harness::with_brokers(1, &[]);
    let request = BrokerHeartbeatRequest {
        broker: NodeId(1),
        broker_epoch: h.epoch(1) - 1,
        current_metadata_offset: 0,
        want_fence: false,
        want_shut_down: false,
    };
    let Response::BrokerHeartbeat(response) = h.ask(1, request) else { panic!() };
    assert_eq!(response.error, ErrorCode::StaleBrokerEpoch);
}

#[test]
fn a_controlled_shutdown_moves_leaders_first_and_waits_until_all_know() {
    let mut h = Harness::with_brokers(3, &[]);
    h.topic("orders", &[&[1, 2, 3]], &[]);
    let end = h.controller.log_end();
    let first = h.heartbeat_at(1, end, true);
    assert!(!first.is_fenced && !first.should_shut_down);
    assert!(h.events.contains(&Event::ControlledShutdownStarted { broker: NodeId(1) }));
    let moved = h.partition("orders", 0);
    assert_eq!((moved.leader, moved.isr), (NodeId(2), nodes(&[2, 3])));
    // The others have not applied the move yet.
    assert!(!h.heartbeat_at(1, end, true).should_shut_down);
    h.heartbeat(2);
    assert!(!h.heartbeat_at(1, end, true).should_shut_down);
    h.heartbeat(3);
    let last = h.heartbeat_at(1, end, true);
    assert!(last.is_fenced && last.should_shut_down);
}

#[test]
fn leaders_go_back_to_the_preferred_replica_within_five_minutes() {
    let mut h = Harness::with_brokers(2, &[]);
    h.topic("orders", &[&[1, 2]], &[]);
    h.kill(1);
    h.pass(SESSION);
    h.boot(1);
    assert_eq!(h.alter_isr("orders", &[1, 2]).error, ErrorCode::None);
    assert_eq!(h.partition("orders", 0).leader, NodeId(2));
    h.pass(Duration::from_secs(300));
    assert_eq!(h.partition("orders", 0).leader, NodeId(1));

    let mut h = Harness::with_brokers(2, &[("auto.leader.rebalance.enable", "false")]);
    h.topic("orders", &[&[1, 2]], &[]);
    h.kill(1);
    h.pass(SESSION);
    h.boot(1);
    h.alter_isr("orders", &[1, 2]);
    h.pass(Duration::from_secs(600));
    assert_eq!(h.partition("orders", 0).leader, NodeId(2));
}

#[test]
fn an_unclean_election_takes_a_replica_that_may_miss_records() {
    let mut h = Harness::with_brokers(2, &[]);
    h.topic("orders", &[&[1, 2]], &[("unclean.leader.election.enable", "true")]);
    h.alter_isr("orders", &[1]);
    h.kill(1);
    h.pass(SESSION);
    let taken = h.partition("orders", 0);
    assert_eq!((taken.leader, taken.isr), (NodeId(2), nodes(&[2])));
    assert!(h.events.iter().any(|e| matches!(e, Event::LeaderElected { unclean: true, .. })));
}

#[test]
fn an_idle_controller_writes_a_no_op_every_half_second_and_only_then() {
    let mut h = Harness::new(&[]);
    h.pass(Duration::from_secs(3));
    assert_eq!(h.controller.log_end(), 6);
    h.pass(Duration::from_millis(300));
    h.register(1, 7, -1);
    h.pass(Duration::from_millis(499));
    assert_eq!(h.controller.log_end(), 7);
    h.pass(Duration::from_millis(1));
    assert_eq!(h.controller.log_end(), 8);
}

#[test]
fn a_restarted_controller_knows_what_the_log_says_and_gives_brokers_a_fresh_session() {
    let mut h = Harness::with_brokers(3, &[]);
    h.topic("orders", &[&[1, 2, 3]], &[]);
    let before = h.controller.image().clone();
    h.controller.crash();
    h.timers.clear();
    h.now += Duration::from_secs(60);
    h.run(Controller::start);
    assert_eq!(h.controller.image(), &before);
    h.pass(Duration::from_secs(1));
    assert_eq!(h.register(1, 99, -1).error, ErrorCode::DuplicateBrokerRegistration);
    h.kill(1);
    h.pass(Duration::from_secs(12));
    assert_eq!(h.partition("orders", 0).leader, NodeId(2));
    assert_ne!(h.topic("more", &[&[2]], &[]), h.tp("orders", 0).topic);
}

#[test]
fn a_fetch_of_the_metadata_log_waits_for_news() {
    let mut h = Harness::new(&[("metadata.max.idle.interval.ms", "0")]);
    h.register(1, 7, -1);
    let first = h.fetch(1, 0).expect("there is something to read");
    assert_eq!((first.partitions[0].high_watermark, first.partitions[0].records.len()), (1, 1));
    assert_eq!(h.fetch(1, 1), None);
    h.pass(Duration::from_millis(499));
    assert!(h.answers.is_empty());
    h.pass(Duration::from_millis(1));
    let (_, _, Response::Fetch(empty)) = h.answers.remove(0) else { panic!() };
    assert!(empty.partitions[0].records.is_empty());
    assert_eq!(h.fetch(1, 1), None);
    h.register(2, 8, -1);
    let (to, _, Response::Fetch(news)) = h.answers.remove(0) else { panic!() };
    assert_eq!((to, news.partitions[0].high_watermark), (NodeId(1), 2));
    let beyond = h.fetch(1, 99).expect("a position that the log never had is answered at once");
    assert_eq!(beyond.partitions[0].diverging_epoch.map(|end| end.end_offset), Some(2));
}
