//! What a person does, carried out. An action either happens as a whole or leaves everything as it was.

use super::{ADMIN, Cluster};
use crate::base::{Duration, NodeId};
use crate::cluster::action::{Action, ActionError};
use crate::cluster::event_log::{Actor, StepKind};
use crate::cluster::scenario::{MAX_BROKERS, ScenarioError, TopicDef};
use crate::kafka::effect::Command;
use crate::kafka::protocol::{
    AlterPartitionReassignmentsRequest, ApiKey, CreatableTopic, CreatePartitionsRequest,
    CreateTopicsRequest, DeleteTopicsRequest, DescribeGroupsRequest, ElectLeadersRequest,
    ElectionType, ErrorCode, GrownTopic, IncrementalAlterConfigsRequest, MetadataRequest, Request,
};

impl From<ScenarioError> for ActionError {
    fn from(error: ScenarioError) -> Self {
        Self::new(error.to_string())
    }
}

impl Cluster {
    /// Does what a person asks, now. What goes through the administrator's client is only sent: its
    /// answer comes later, see [`Self::admin_answer`]. On error nothing has changed.
    pub fn apply(&mut self, action: &Action) -> Result<(), ActionError> {
        self.apply_for(action, Actor::Learner)
    }

    /// The same on behalf of somebody else than the learner.
    pub fn apply_for(&mut self, action: &Action, by: Actor) -> Result<(), ActionError> {
        self.current = self.queue.allocate();
        let admin = self.index[&ADMIN];
        self.trace(self.current, None, admin, StepKind::Action(by));
        self.perform(action)
    }

    /// Number of the next call of the administrator's client, with which its answer can be found.
    pub fn next_admin_call(&self) -> u64 {
        self.next_call
    }

    pub(super) fn perform(&mut self, action: &Action) -> Result<(), ActionError> {
        match action {
            Action::CreateTopic(_)
            | Action::AddPartitions { .. }
            | Action::DeleteTopic { .. }
            | Action::SetReplicationFactor { .. }
            | Action::SetTopicConfig { .. }
            | Action::ElectLeaders { .. }
            | Action::DescribeTopics
            | Action::DescribeGroup { .. } => self.perform_admin(action),
            Action::AddBroker
            | Action::CrashBroker { .. }
            | Action::StopBroker { .. }
            | Action::StartBroker { .. }
            | Action::PauseBroker { .. }
            | Action::SlowDisk { .. } => self.perform_broker(action),
            Action::CutLink { a, b } => self.set_cut(*a, *b, true),
            Action::HealLink { a, b } => self.set_cut(*a, *b, false),
            Action::AddFault(rule) => {
                if let Some(api) = &rule.api
                    && !ApiKey::ALL.iter().any(|key| key.name() == api)
                {
                    return Err(ActionError::new(format!("Kafka has no request called {api}")));
                }
                self.faults.push(rule.clone());
                Ok(())
            }
            Action::ClearFaults => {
                self.faults.clear();
                for a in 0..self.slots.len() {
                    for b in 0..a {
                        if self.network.link(a, b).cut {
                            self.set_link(a, b, false);
                        }
                    }
                }
                Ok(())
            }
            _ => self.perform_client(action),
        }
    }

    fn perform_admin(&mut self, action: &Action) -> Result<(), ActionError> {
        let mut to = None;
        let request: Request = match action {
            Action::CreateTopic(topic) => create_topics(topic).into(),
            Action::AddPartitions { topic, partitions } => {
                let grown = GrownTopic {
                    name: topic.as_str().into(),
                    count: *partitions,
                    assignment: None,
                };
                CreatePartitionsRequest { topics: vec![grown], validate_only: false }.into()
            }
            Action::DeleteTopic { topic } => {
                DeleteTopicsRequest { topics: vec![topic.as_str().into()] }.into()
            }
            Action::SetReplicationFactor { topic, replication_factor } => {
                self.reassignment(topic, *replication_factor)?.into()
            }
            Action::SetTopicConfig { topic, key, value } => {
                let value = value.as_ref().map(|value| value.0.as_str().into());
                let change = (key.as_str().into(), value);
                let topics = vec![(topic.as_str().into(), vec![change])];
                IncrementalAlterConfigsRequest { topics }.into()
            }
            Action::ElectLeaders { unclean } => {
                let election_type =
                    if *unclean { ElectionType::Unclean } else { ElectionType::Preferred };
                ElectLeadersRequest { election_type, partitions: None }.into()
            }
            Action::DescribeTopics => {
                MetadataRequest { topics: None, allow_auto_topic_creation: false }.into()
            }
            Action::DescribeGroup { group } => {
                to = self.coordinator_of(group);
                DescribeGroupsRequest { groups: vec![group.as_str().into()] }.into()
            }
            _ => unreachable!("perform() sends only the administrator's actions here"),
        };
        let call = self.next_call;
        self.next_call += 1;
        let admin = self.index[&ADMIN];
        self.command(admin, Command::Admin { call, to, request: Box::new(request) });
        Ok(())
    }

    /// A reassignment that gives every partition of `topic` that many replicas: those stay that it can
    /// least do without, the active brokers with the fewest replicas join.
    fn reassignment(
        &self,
        topic: &str,
        replication_factor: i16,
    ) -> Result<AlterPartitionReassignmentsRequest, ActionError> {
        let image = self.metadata();
        let Some(topic) = image.topic_by_name(topic) else {
            let exception = ErrorCode::UnknownTopicOrPartition.exception();
            return Err(ActionError::new(format!(
                "{exception}: Topic '{topic}' does not exist as expected"
            )));
        };
        let exception = ErrorCode::InvalidReplicationFactor.exception();
        let wanted = usize::try_from(replication_factor).unwrap_or(0);
        if wanted == 0 {
            return Err(ActionError::new(format!(
                "{exception}: Invalid replication factor {replication_factor}: the replication factor \
                 must be positive."
            )));
        }
        let registered = image.brokers.len();
        if wanted > registered {
            return Err(ActionError::new(format!(
                "{exception}: Unable to replicate the partition {replication_factor} time(s): The target \
                 replication factor of {replication_factor} cannot be reached because only \
                 {registered} broker(s) are registered or some brokers have all their log \
                 directories cordoned."
            )));
        }
        // Kafka too puts replicas on brokers that are down only when there are no others.
        let mut load: Vec<(bool, usize, NodeId)> =
            image.brokers.iter().map(|(id, broker)| (!broker.is_active(), 0, *id)).collect();
        for partition in &topic.partitions {
            for (_, replicas, id) in &mut load {
                *replicas += usize::from(partition.replicas.contains(id));
            }
        }
        let mut partitions = Vec::new();
        for (index, partition) in (0_u32..).zip(&topic.partitions) {
            let mut needed = partition.replicas.clone();
            needed.sort_by_key(|id| {
                (*id != partition.leader, !partition.isr.contains(id), !image.is_active(*id))
            });
            needed.truncate(wanted);
            let mut replicas = partition.replicas.clone();
            replicas.retain(|id| needed.contains(id));
            while replicas.len() < wanted {
                load.sort_unstable();
                let next = load.iter_mut().find(|(.., id)| !replicas.contains(id));
                let (_, count, id) =
                    next.expect("more brokers are registered than replicas wanted");
                *count += 1;
                replicas.push(*id);
            }
            let tp = crate::base::TopicPartition::new(topic.id, index);
            partitions.push((tp, Some(replicas)));
        }
        Ok(AlterPartitionReassignmentsRequest { partitions })
    }

    fn perform_broker(&mut self, action: &Action) -> Result<(), ActionError> {
        match *action {
            Action::AddBroker => {
                let next = self.broker_ids().max().map_or(1, |id| id.0 + 1);
                if next.unsigned_abs() > MAX_BROKERS {
                    return Err(ActionError::new(format!(
                        "There are {MAX_BROKERS} brokers at most."
                    )));
                }
                self.add_broker(NodeId(next));
            }
            Action::CrashBroker { broker, lose_disk } => self.crash_broker(broker, lose_disk)?,
            Action::StopBroker { broker } => {
                let node = self.running_broker(broker)?;
                self.command(node, Command::Shutdown);
            }
            Action::StartBroker { broker } => {
                let node = self.broker_node(broker)?;
                if self.slots[node].running {
                    return Err(ActionError::new(format!("Broker {broker} is running.")));
                }
                self.start_process(node);
            }
            Action::PauseBroker { broker, for_ms } => {
                let node = self.running_broker(broker)?;
                self.pause(node, for_ms);
            }
            Action::SlowDisk { broker, factor } => {
                let node = self.running_broker(broker)?;
                self.command(node, Command::SlowDisk { factor: factor.max(1) });
            }
            _ => unreachable!("perform() sends only brokers' actions here"),
        }
        Ok(())
    }

    /// Suspends a process.
    pub(super) fn pause(&mut self, node: usize, for_ms: u64) {
        let asked = self.now + Duration::from_millis(for_ms);
        let until = asked.max(self.slots[node].paused_until);
        self.slots[node].paused_until = until;
        let span = until.since(self.now);
        self.observe(node, crate::kafka::event::Event::ProcessPaused { span });
    }

    fn crash_broker(&mut self, broker: i32, lose_disk: bool) -> Result<(), ActionError> {
        let node = self.broker_node(broker)?;
        let was_running = self.slots[node].running;
        if !was_running && !lose_disk {
            return Err(ActionError::new(format!("Broker {broker} is not running.")));
        }
        self.lose_broker(node, lose_disk);
        if was_running {
            self.end_process(node, false);
        }
        Ok(())
    }

    fn broker_node(&self, broker: i32) -> Result<usize, ActionError> {
        let node = self.index.get(&NodeId(broker)).filter(|_| NodeId(broker).is_broker());
        node.copied().ok_or_else(|| ActionError::new(format!("There is no broker {broker}.")))
    }

    fn running_broker(&self, broker: i32) -> Result<usize, ActionError> {
        let node = self.broker_node(broker)?;
        if self.slots[node].running {
            return Ok(node);
        }
        Err(ActionError::new(format!("Broker {broker} is not running.")))
    }

    fn set_cut(&mut self, a: i32, b: i32, cut: bool) -> Result<(), ActionError> {
        let find = |id: i32| {
            let node = self.index.get(&NodeId(id)).copied();
            node.ok_or_else(|| ActionError::new(format!("There is no node {id}.")))
        };
        let (a, b) = (find(a)?, find(b)?);
        self.set_link(a, b, cut);
        Ok(())
    }
}

fn create_topics(topic: &TopicDef) -> CreateTopicsRequest {
    let assignment = topic.assignment.as_ref().map(|partitions| {
        partitions.iter().map(|replicas| replicas.iter().copied().map(NodeId).collect()).collect()
    });
    let topic = CreatableTopic {
        name: topic.name.as_str().into(),
        partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        assignment,
        configs: topic
            .config
            .iter()
            .map(|(key, value)| (key.as_str().into(), value.0.as_str().into()))
            .collect(),
    };
    CreateTopicsRequest { topics: vec![topic], validate_only: false }
}
