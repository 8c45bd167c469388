//! Voters with the others played by hand.

use super::*;
use crate::base::{Rng, TopicPartition};
use crate::kafka::effect::{Counters, Effect};
use crate::kafka::protocol::{
    BeginQuorumEpochRequest, FetchPartition, FetchRequest, FetchResponse, FetchedPartition,
    ReplicaState, VoteRequest, VoteResponse,
};

const ME: NodeId = NodeId(100);
const VOTERS: [NodeId; 3] = [ME, NodeId(101), NodeId(102)];

struct Harness {
    raft: RaftClient,
    now: Time,
    rng: Rng,
    counters: Counters,
    sent: Vec<(NodeId, CorrelationId, Request)>,
    timers: Vec<Time>,
    answers: Vec<(NodeId, Response)>,
}

impl Harness {
    fn new() -> Self {
        Self::with(BrokerConfig::default())
    }

    fn with(config: BrokerConfig) -> Self {
        let config = Rc::new(config);
        let mut harness = Self {
            raft: RaftClient::new(ME, VOTERS.into(), config),
            now: Time::ZERO,
            rng: Rng::stream(1, "raft"),
            counters: Counters::default(),
            sent: Vec::new(),
            timers: Vec::new(),
            answers: Vec::new(),
        };
        harness.run(RaftClient::start);
        harness
    }

    fn run<T>(&mut self, act: impl FnOnce(&mut RaftClient, &mut Out<'_>) -> T) -> T {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        let value = act(&mut self.raft, &mut out);
        for effect in effects {
            match effect {
                Effect::Request { to, correlation, body } => {
                    self.sent.push((to, correlation, body));
                }
                Effect::Response { to, body, .. } => self.answers.push((to, body)),
                Effect::Timer { at, timer: Timer::Controller(ControllerTimer::AnswerFetches) } => {
                    self.timers.push(at);
                }
                _ => {}
            }
        }
        value
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.run(RaftClient::on_timer);
    }

    fn ask(&mut self, from: NodeId, body: impl Into<Request>) -> Response {
        self.answers.clear();
        let (correlation, body) = (CorrelationId(9_999), body.into());
        self.run(|raft, out| raft.on_request(from, correlation, body, out));
        self.answers.pop().expect("an answer at once").1
    }

    fn vote(&mut self, from: NodeId, epoch: LeaderEpoch, last: (LeaderEpoch, Offset)) -> bool {
        self.ask_for_vote(from, epoch, last, false)
    }

    fn ask_for_vote(
        &mut self,
        from: NodeId,
        replica_epoch: LeaderEpoch,
        (last_offset_epoch, last_offset): (LeaderEpoch, Offset),
        pre_vote: bool,
    ) -> bool {
        let request =
            VoteRequest { replica_epoch, replica: from, last_offset_epoch, last_offset, pre_vote };
        match self.ask(from, request) {
            Response::Vote(answer) => answer.vote_granted,
            other => panic!("{other:?}"),
        }
    }

    /// Both others give their votes whenever they are asked, until this voter leads.
    fn win(&mut self) {
        self.pass(2_500);
        self.grant_votes();
        self.grant_votes();
        assert_eq!(self.raft.role(), QuorumRole::Leader);
    }

    /// Both others give the votes that they were asked for.
    fn grant_votes(&mut self) {
        for (to, correlation, body) in std::mem::take(&mut self.sent) {
            if let Request::Vote(request) = body {
                let answer = VoteResponse {
                    error: ErrorCode::None,
                    leader: None,
                    leader_epoch: request.replica_epoch,
                    vote_granted: true,
                };
                self.run(|raft, out| raft.on_response(to, correlation, answer.into(), out));
            }
        }
    }

    /// A voter fetches from `offset`.
    fn fetch(&mut self, from: NodeId, offset: Offset, last_fetched_epoch: LeaderEpoch) {
        let request = self.fetch_request(from, offset, last_fetched_epoch);
        self.ask(from, request);
    }

    fn fetch_request(
        &self,
        from: NodeId,
        offset: Offset,
        last_fetched_epoch: LeaderEpoch,
    ) -> FetchRequest {
        let partition = FetchPartition {
            tp: TopicPartition::CLUSTER_METADATA,
            current_leader_epoch: self.raft.epoch(),
            fetch_offset: offset,
            last_fetched_epoch,
            log_start_offset: 0,
            max_bytes: 1_000_000,
        };
        FetchRequest {
            replica: Some(ReplicaState { id: from, epoch: -1 }),
            max_wait: Duration::ZERO,
            min_bytes: 0,
            max_bytes: 1_000_000,
            isolation_level: crate::kafka::config::IsolationLevel::ReadUncommitted,
            session_epoch: -1,
            partitions: vec![partition],
            forgotten: Vec::new(),
            rack: None,
            client_id: None,
        }
    }

    /// The leader that it follows answers its last fetch.
    fn answer_fetch(&mut self, leader: NodeId, fetched: FetchedPartition) {
        let is_fetch = |(_, _, body): &&(_, _, Request)| matches!(body, Request::Fetch(_));
        let (to, correlation, _) = self.sent.iter().rev().find(is_fetch).unwrap().clone();
        assert_eq!(to, leader);
        let answer = FetchResponse {
            throttle_time: Duration::ZERO,
            error: ErrorCode::None,
            partitions: vec![fetched],
        };
        self.run(|raft, out| raft.on_response(to, correlation, answer.into(), out));
    }

    fn follow(&mut self, leader: NodeId, leader_epoch: LeaderEpoch) {
        self.ask(leader, BeginQuorumEpochRequest { leader, leader_epoch });
        assert_eq!(self.raft.role(), QuorumRole::Follower);
    }
}

#[test]
fn a_voter_votes_once_in_an_epoch_also_after_a_restart() {
    let mut h = Harness::new();
    assert!(h.vote(VOTERS[1], 1, (-1, 0)));
    assert!(h.vote(VOTERS[1], 1, (-1, 0)), "the same again, as when the answer was lost");
    assert!(!h.vote(VOTERS[2], 1, (-1, 0)));
    h.raft.crash();
    h.run(RaftClient::start);
    assert!(!h.vote(VOTERS[2], 1, (-1, 0)));
    assert!(h.vote(VOTERS[2], 2, (-1, 0)));
    assert!(!h.vote(VOTERS[1], 1, (-1, 0)), "that epoch is over");
}

#[test]
fn nobody_with_a_shorter_log_gets_a_vote() {
    let mut h = Harness::new();
    h.win();
    let (epoch, end) = (h.raft.log().last_epoch(), h.raft.log().end());
    assert_eq!(end, 1, "the first record of a leader is its LeaderChange");
    assert!(!h.vote(VOTERS[1], epoch + 1, (-1, 0)));
    assert_eq!(h.raft.role(), QuorumRole::Unattached, "yet the leader gives way to the new epoch");
    assert!(
        !h.vote(VOTERS[2], epoch + 2, (epoch - 1, 99)),
        "an older epoch is shorter however long"
    );
    assert!(h.vote(VOTERS[2], epoch + 3, (epoch, end)));
}

#[test]
fn whoever_hears_from_its_leader_refuses_a_pre_vote_and_keeps_its_epoch() {
    let mut h = Harness::new();
    h.follow(VOTERS[1], 3);
    assert!(h.ask_for_vote(VOTERS[2], 3, (3, 99), true), "it has not heard from it yet");
    h.answer_fetch(VOTERS[1], nothing_new(LeaderIdAndEpoch { leader: VOTERS[1], epoch: 3 }));
    assert!(!h.ask_for_vote(VOTERS[2], 3, (3, 99), true));
    assert_eq!((h.raft.epoch(), h.raft.role()), (3, QuorumRole::Follower));
}

/// A leader's answer to a fetch of all that it has.
fn nothing_new(leader: LeaderIdAndEpoch) -> FetchedPartition {
    FetchedPartition {
        tp: TopicPartition::CLUSTER_METADATA,
        error: ErrorCode::None,
        high_watermark: -1,
        last_stable_offset: -1,
        log_start_offset: 0,
        aborted_transactions: Vec::new(),
        diverging_epoch: None,
        current_leader: Some(leader),
        preferred_read_replica: None,
        records: Vec::new(),
    }
}

fn written(epochs: &[LeaderEpoch]) -> MetadataLog {
    let mut log = MetadataLog::default();
    for &epoch in epochs {
        log.append(&[MetadataRecord::NoOp], epoch, Time::ZERO);
    }
    log
}

#[test]
fn a_follower_knows_of_nothing_committed_before_its_log_agrees_with_the_leaders() {
    let mut h = Harness::new();
    let leaders = written(&[1, 3, 3, 5, 5, 5]);
    h.raft.log = written(&[1, 2, 2, 4]);
    h.follow(VOTERS[1], 5);
    let answer = || FetchedPartition {
        high_watermark: leaders.end(),
        ..nothing_new(LeaderIdAndEpoch { leader: VOTERS[1], epoch: 5 })
    };
    let mut ends = Vec::new();
    while let Some(diverging) = leaders.divergence(h.raft.log().end(), h.raft.log().last_epoch()) {
        let answer = FetchedPartition { diverging_epoch: Some(diverging), ..answer() };
        h.answer_fetch(VOTERS[1], answer);
        assert_eq!(h.raft.high_watermark(), 0, "what is left may differ still");
        ends.push(h.raft.log().end());
    }
    assert_eq!(ends, [3, 1], "it takes two rounds");
    let records = leaders.read(1, 9);
    h.answer_fetch(VOTERS[1], FetchedPartition { records, ..answer() });
    assert_eq!(h.raft.log().between(0, 6), leaders.between(0, 6));
    assert_eq!(h.raft.high_watermark(), 6);
}

#[test]
fn a_replica_whose_log_differs_has_not_heard_the_high_watermark() {
    let mut h = Harness::new();
    h.win();
    let (epoch, end) = (h.raft.epoch(), h.raft.log().end());
    h.fetch(VOTERS[1], end, epoch);
    assert_eq!(h.raft.high_watermark(), end);
    let told = |h: &Harness| match &h.raft.state {
        EpochState::Leader(state) => state.told(VOTERS[2]),
        state => panic!("{state:?}"),
    };
    h.fetch(VOTERS[2], end + 1, epoch);
    assert_eq!(told(&h), 0);
    h.fetch(VOTERS[2], end, epoch);
    assert_eq!(told(&h), end);
}

#[test]
fn elections_without_a_timeout_take_time_all_the_same() {
    let config =
        BrokerConfig { quorum_election_timeout: Duration::ZERO, ..BrokerConfig::default() };
    let mut h = Harness::with(config);
    // Each of these would go on for ever if a time-out were over as it begins.
    for _ in 0..20 {
        h.pass(2);
    }
    assert!(matches!(h.raft.role(), QuorumRole::Unattached | QuorumRole::Prospective));
}

#[test]
fn a_candidate_that_is_to_stop_stands_no_second_time() {
    let mut h = Harness::new();
    h.pass(2_500);
    assert_eq!(h.raft.role(), QuorumRole::Prospective);
    h.run(RaftClient::shut_down);
    for _ in 0..3 {
        h.pass(2_500);
        assert_eq!(h.raft.role(), QuorumRole::Prospective);
    }
    h.follow(VOTERS[1], 3);
    assert!(h.raft.may_stop());
}

#[test]
fn a_leader_that_is_to_stop_does_not_look_for_another_election() {
    let mut h = Harness::new();
    h.win();
    let epoch = h.raft.epoch();
    h.run(RaftClient::shut_down);
    for _ in 0..3 {
        h.pass(2_500);
        assert_eq!((h.raft.role(), h.raft.epoch()), (QuorumRole::Resigned, epoch));
    }
    // Nor does it once an epoch without a leader has begun.
    h.vote(VOTERS[1], epoch + 1, (epoch, 99));
    h.pass(2_500);
    assert_eq!((h.raft.role(), h.raft.epoch()), (QuorumRole::Unattached, epoch + 1));
    assert!(!h.raft.may_stop());
}

#[test]
fn who_is_elected_while_it_stops_resigns_at_once() {
    let mut h = Harness::new();
    h.pass(2_500);
    h.run(RaftClient::shut_down);
    h.grant_votes();
    h.grant_votes();
    assert_eq!(h.raft.role(), QuorumRole::Resigned);
}

#[test]
fn a_leader_commits_older_records_only_together_with_one_of_its_own() {
    let mut h = Harness::new();
    h.win();
    let first = h.raft.epoch();
    h.run(|raft, out| raft.append(&[MetadataRecord::NoOp, MetadataRecord::NoOp], out));
    // Deposed before anybody fetched, and elected again.
    h.vote(VOTERS[1], first + 1, (first, 99));
    h.win();
    assert_eq!((h.raft.log().end(), h.raft.high_watermark()), (4, 0));
    h.fetch(VOTERS[1], 3, first);
    assert_eq!(h.raft.high_watermark(), 0, "a majority has them, but none of this epoch");
    assert!(!h.raft.has_committed_as_leader());
    h.fetch(VOTERS[1], 4, h.raft.epoch());
    assert_eq!(h.raft.high_watermark(), 4);
    assert!(h.raft.has_committed_as_leader());
}

#[test]
fn a_leader_without_a_majority_resigns_after_one_and_a_half_fetch_timeouts() {
    let mut h = Harness::new();
    h.win();
    h.pass(2_000);
    h.fetch(VOTERS[2], 1, h.raft.epoch());
    h.pass(2_999);
    assert_eq!(h.raft.role(), QuorumRole::Leader);
    h.pass(1);
    assert_eq!(h.raft.role(), QuorumRole::Resigned);
    let epoch = h.raft.epoch();
    h.pass(2_000);
    assert_eq!(h.raft.epoch(), epoch + 1, "it never leads again in the epoch that it gave up");
}

#[test]
fn a_restarted_broker_hears_the_high_watermark_once_and_then_waits_for_news() {
    let mut h = Harness::new();
    h.win();
    h.fetch(VOTERS[1], 1, h.raft.epoch());
    let broker = NodeId(1);
    // What it has applied it knows from its disk, without the epoch.
    h.fetch(broker, 1, -1);
    h.answers.clear();
    let waiting =
        FetchRequest { max_wait: MAX_FETCH_WAIT, min_bytes: 1, ..h.fetch_request(broker, 1, -1) };
    for correlation in [1, 2] {
        let body = waiting.clone().into();
        h.run(|raft, out| raft.on_request(broker, CorrelationId(correlation), body, out));
    }
    assert!(h.answers.is_empty(), "it has heard all that there is");
    assert_eq!(h.timers, [h.now + MAX_FETCH_WAIT], "one alarm for all that wait");
    h.now += MAX_FETCH_WAIT;
    h.run(RaftClient::on_fetch_timer);
    assert_eq!(h.answers.len(), 2);
}
