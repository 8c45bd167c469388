//! `controller_traces`: operations on a whole controller in, brokers and partitions after each out.
//!
//! Brokers are played as in the trace: they register, send one heartbeat that shows them caught up, and all
//! that are not fenced give signs of life while another one's session times out.

mod vector;

use std::collections::BTreeMap;
use std::rc::Rc;

use self::vector::{Op, Partition, Reply, Vector};
use super::{Failure, demand, parse, same};
use crate::base::{Duration, NodeId, Offset, Time, TopicPartition};
use crate::kafka::config::BrokerConfig;
use crate::kafka::controller::{BrokerControlState, ControllerResult, ControllerState};
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::{
    AlterPartitionData, AlterPartitionRequest, BrokerHeartbeatRequest, BrokerRegistrationRequest,
    CreatableTopic, CreateTopicsRequest, ElectLeadersRequest, ElectionType, ErrorCode,
};

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let config = Rc::new(BrokerConfig::default());
    let mut run = Run {
        state: ControllerState::new(config, vector.elr_enabled),
        now: Time(1),
        incarnation: 0,
    };
    for (index, step) in vector.steps.into_iter().enumerate() {
        let at = format!("step {index}");
        run.step(&at, step.op)?;
        if let Some(brokers) = step.brokers_after {
            same(&format!("{at}: brokers"), &brokers, &run.brokers())?;
        }
        if let Some(partitions) = step.partitions_after {
            run.same_partitions(&at, partitions)?;
        }
    }
    Ok(())
}

/// A controller on a virtual clock.
struct Run {
    state: ControllerState,
    now: Time,
    incarnation: u64,
}

/// One tick past the default `broker.session.timeout.ms`.
const SESSION_OVER: Duration = Duration::from_millis(9_001);

impl Run {
    fn write<T>(&mut self, result: ControllerResult<T>) -> T {
        self.apply(&result.records);
        result.response
    }

    fn apply(&mut self, records: &[MetadataRecord]) {
        for record in records {
            self.state.replay(record);
        }
    }

    fn step(&mut self, at: &str, op: Op) -> Result<(), Failure> {
        match op {
            Op::Init { brokers } => {
                demand((1..100).contains(&brokers), "brokers: out of range")?;
                for broker in (1..=brokers).map(NodeId) {
                    self.restart(broker, false);
                    self.heartbeat(broker, false);
                }
                Ok(())
            }
            Op::CreateTopic { name, assignment, min_insync_replicas, unclean, error } => {
                let got = self.create_topic(&name, assignment, min_insync_replicas, unclean);
                same(&format!("{at}: error"), &error, &got)
            }
            Op::HeartbeatWantShutdown { broker, reply } => {
                same(&format!("{at}: reply"), &reply, &self.heartbeat(broker, true))
            }
            Op::UnfenceSameIncarnation { broker, reply } => {
                same(&format!("{at}: reply"), &reply, &self.heartbeat(broker, false))
            }
            Op::RestartAndUnfence { broker, clean_shutdown, registration, reply } => {
                let got = self.restart(broker, clean_shutdown);
                same(&format!("{at}: registration"), &registration.error, &got)?;
                if let Some(partitions) = registration.partitions_after_registration {
                    self.same_partitions(&format!("{at}: registration"), partitions)?;
                }
                match reply {
                    Some(reply) => {
                        same(&format!("{at}: reply"), &reply, &self.heartbeat(broker, false))
                    }
                    None => Ok(()),
                }
            }
            Op::ElectLeaders { r#type, partition, error } => {
                let got = self.elect(&r#type, &partition)?;
                same(&format!("{at}: error"), &error, &got)
            }
            Op::AlterPartition {
                partition,
                from_broker,
                new_isr,
                leader_epoch,
                partition_epoch,
                recovering,
                error,
            } => {
                let data = AlterPartitionData {
                    tp: self.partition(&partition)?,
                    leader_epoch,
                    partition_epoch,
                    new_isr: new_isr.into_iter().map(|node| (node, self.epoch(node))).collect(),
                    leader_recovered: !recovering,
                };
                same(&format!("{at}: error"), &error, &self.alter(from_broker, data))
            }
            Op::SessionTimeout { broker, fenced_now } => {
                same(&format!("{at}: fenced"), &fenced_now, &self.time_out(&[broker]))
            }
            Op::SessionTimeoutMany { brokers, fenced_now } => {
                same(&format!("{at}: fenced"), &fenced_now, &self.time_out(&brokers))
            }
            Op::AutoLeaderRebalance => {
                self.apply(&self.state.maybe_balance_partition_leaders());
                Ok(())
            }
            Op::PeriodicUncleanElection => {
                self.apply(&self.state.maybe_elect_unclean_leaders());
                Ok(())
            }
            Op::Noop => Ok(()),
        }
    }

    fn epoch(&self, broker: NodeId) -> i64 {
        self.state.image().brokers.get(&broker).map_or(-1, |registration| registration.epoch)
    }

    /// Registers a new process of the broker; Kafka's name of the exception.
    fn restart(&mut self, broker: NodeId, is_clean: bool) -> String {
        self.incarnation += 1;
        let request = BrokerRegistrationRequest {
            broker,
            incarnation: self.incarnation,
            rack: None,
            previous_broker_epoch: if is_clean { self.epoch(broker) } else { -1 },
        };
        match self.state.register_broker(&request, self.now) {
            Ok(result) => {
                self.write(result);
                "NONE".to_owned()
            }
            Err(error) => error.exception().to_owned(),
        }
    }

    /// A heartbeat of a broker that has applied all metadata, past and to come: the brokers of the traces
    /// never hold up a controlled shutdown.
    fn heartbeat(&mut self, broker: NodeId, want_shut_down: bool) -> Reply {
        let request = BrokerHeartbeatRequest {
            broker,
            broker_epoch: self.epoch(broker),
            current_metadata_offset: Offset::MAX,
            want_fence: false,
            want_shut_down,
        };
        let Ok(result) = self.state.process_broker_heartbeat(&request, self.now) else {
            return Reply { fenced: true, in_controlled_shutdown: false, should_shut_down: false };
        };
        let (response, state) = self.write(result);
        self.state.controlled_shutdown_written(broker, state);
        Reply {
            fenced: response.is_fenced,
            in_controlled_shutdown: state == BrokerControlState::ControlledShutdown,
            should_shut_down: response.should_shut_down,
        }
    }

    /// Lets the sessions of `silent` end while the other brokers at work do not fall silent; the brokers
    /// fenced by that, in order.
    fn time_out(&mut self, silent: &[NodeId]) -> Vec<NodeId> {
        self.now += SESSION_OVER;
        let others: Vec<NodeId> = self
            .state
            .image()
            .brokers
            .iter()
            .filter(|(broker, registration)| !registration.fenced && !silent.contains(broker))
            .map(|(&broker, _)| broker)
            .collect();
        for broker in others {
            self.state.track_broker_heartbeat(broker, self.now);
        }
        let mut fenced = Vec::new();
        while let Some(records) = self.state.maybe_fence_stale_broker(self.now) {
            self.apply(&records);
            fenced.extend(records.iter().filter_map(|record| match record {
                MetadataRecord::BrokerRegistrationChange { broker, .. } => Some(*broker),
                _ => None,
            }));
        }
        fenced
    }

    fn create_topic(
        &mut self,
        name: &str,
        assignment: Vec<Vec<NodeId>>,
        min_isr: u32,
        unclean: bool,
    ) -> String {
        let topic = CreatableTopic {
            name: name.into(),
            partitions: -1,
            replication_factor: -1,
            assignment: Some(assignment),
            configs: vec![
                ("min.insync.replicas".into(), min_isr.to_string().into()),
                ("unclean.leader.election.enable".into(), unclean.to_string().into()),
            ],
        };
        let request = CreateTopicsRequest { topics: vec![topic], validate_only: false };
        let result = self.state.create_topics(&request, &mut |_| 0);
        let response = self.write(result);
        let error = response.topics.into_iter().find_map(|(_, outcome)| outcome.err());
        error.map_or(ErrorCode::None, |error| error.error).name().to_owned()
    }

    fn elect(&mut self, election_type: &str, partition: &str) -> Result<String, Failure> {
        let election_type = match election_type {
            "PREFERRED" => ElectionType::Preferred,
            "UNCLEAN" => ElectionType::Unclean,
            other => return Err(Failure::Malformed(format!("no election {other}"))),
        };
        let partitions = Some(vec![self.partition(partition)?]);
        let result = self.state.elect_leaders(&ElectLeadersRequest { election_type, partitions });
        let response = self.write(result);
        let error = response.partitions.into_iter().find_map(|(_, outcome)| outcome.err());
        Ok(error.map_or(ErrorCode::None, |error| error.error).name().to_owned())
    }

    fn alter(&mut self, from: NodeId, data: AlterPartitionData) -> String {
        let request = AlterPartitionRequest {
            broker: from,
            broker_epoch: self.epoch(from),
            partitions: vec![data],
        };
        let result = self.state.alter_partition(&request);
        let response = self.write(result);
        let outcome = response.partitions.first().map_or(response.error, |altered| altered.error);
        outcome.name().to_owned()
    }

    /// The partition called `topic-index`.
    fn partition(&self, name: &str) -> Result<TopicPartition, Failure> {
        let malformed = || Failure::Malformed(format!("no partition {name}"));
        let (topic, index) = name.rsplit_once('-').ok_or_else(malformed)?;
        let topic = self.state.image().topic_ids.get(topic).ok_or_else(malformed)?;
        let index = index.parse().ok().ok_or_else(malformed)?;
        Ok(TopicPartition::new(*topic, index))
    }

    fn brokers(&self) -> BTreeMap<String, String> {
        let word = |broker: &crate::kafka::metadata::BrokerRegistration| match broker {
            broker if broker.fenced => "fenced",
            broker if broker.in_controlled_shutdown => "controlled_shutdown",
            _ => "active",
        };
        let brokers = &self.state.image().brokers;
        brokers.iter().map(|(&id, broker)| (id.to_string(), word(broker).to_owned())).collect()
    }

    /// Demands that the partitions are Kafka's; names the first that is not.
    fn same_partitions(
        &self,
        at: &str,
        expected: BTreeMap<String, Partition>,
    ) -> Result<(), Failure> {
        let mut got = BTreeMap::new();
        for topic in self.state.image().topics.values() {
            for (index, partition) in topic.partitions.iter().enumerate() {
                got.insert(format!("{}-{index}", topic.name), Partition::from(&**partition));
            }
        }
        same(
            &format!("{at}: partitions"),
            &expected.keys().collect::<Vec<_>>(),
            &got.keys().collect::<Vec<_>>(),
        )?;
        for ((name, expected), got) in expected.into_iter().zip(got.values()) {
            same(&format!("{at}: {name}"), &expected.with_sets_sorted(), got)?;
        }
        Ok(())
    }
}
