//! What a person does, carried out. An action either happens as a whole or leaves everything as it was.

use super::{ADMIN, Cluster};
use crate::base::{Duration, NodeId, TopicPartition};
use crate::cluster::action::{Action, ActionError};
use crate::cluster::event_log::{Actor, StepKind};
use crate::cluster::scenario::{MAX_BROKERS, ScenarioError, Setting, TopicDef};
use crate::kafka::effect::Command;
use crate::kafka::protocol::{
    AlterClientQuotasRequest, AlterPartitionReassignmentsRequest, ApiKey, ConfigResource,
    CreatableTopic, CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, DescribeClientQuotasRequest, DescribeGroupsRequest, DescribeQuorumRequest,
    ElectLeadersRequest, ElectionType, ErrorCode, GrownTopic, IncrementalAlterConfigsRequest,
    ListPartitionReassignmentsRequest, MetadataRequest, Request,
};

/// `default.api.timeout.ms` of the administrator's client, which waits that long for DeleteRecords.
const DELETE_RECORDS_TIMEOUT: Duration = Duration::from_secs(60);

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
            | Action::SetBrokerConfig { .. }
            | Action::DeleteRecords { .. }
            | Action::AlterClientQuotas(_)
            | Action::DescribeClientQuotas
            | Action::ElectLeaders { .. }
            | Action::ElectLeader { .. }
            | Action::ReassignPartition { .. }
            | Action::ListReassignments
            | Action::DescribeTopics
            | Action::DescribeQuorum
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
                alter_config(ConfigResource::Topic(topic.as_str().into()), key, value.as_ref())
            }
            Action::SetBrokerConfig { broker, key, value } => {
                to = self.broker_to_ask(*broker)?;
                alter_config(ConfigResource::Broker(broker.map(NodeId)), key, value.as_ref())
            }
            Action::DeleteRecords { topic, partition, offset } => {
                let (tp, leader) = self.led_partition(topic, *partition)?;
                to = Some(leader);
                let timeout = DELETE_RECORDS_TIMEOUT;
                DeleteRecordsRequest { timeout, partitions: vec![(tp, *offset)] }.into()
            }
            Action::AlterClientQuotas(quota) => {
                AlterClientQuotasRequest { entries: vec![quota.entry("quota")?] }.into()
            }
            Action::DescribeClientQuotas => DescribeClientQuotasRequest.into(),
            Action::ElectLeaders { unclean } => {
                let election_type =
                    if *unclean { ElectionType::Unclean } else { ElectionType::Preferred };
                ElectLeadersRequest { election_type, partitions: None }.into()
            }
            Action::ElectLeader { topic, partition, unclean } => {
                let election_type =
                    if *unclean { ElectionType::Unclean } else { ElectionType::Preferred };
                let partitions = Some(vec![self.partition_named(topic, *partition)?]);
                ElectLeadersRequest { election_type, partitions }.into()
            }
            Action::ReassignPartition { topic, partition, replicas } => {
                let tp = self.partition_named(topic, *partition)?;
                let replicas = replicas.as_ref();
                let target = replicas.map(|ids| ids.iter().copied().map(NodeId).collect());
                AlterPartitionReassignmentsRequest { partitions: vec![(tp, target)] }.into()
            }
            Action::ListReassignments => {
                ListPartitionReassignmentsRequest { partitions: None }.into()
            }
            Action::DescribeTopics => {
                MetadataRequest { topics: None, allow_auto_topic_creation: false }.into()
            }
            Action::DescribeQuorum => DescribeQuorumRequest.into(),
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

    /// Only the broker itself takes what is for it; any other will do for what is for all. Kafka's client looks for one
    /// that is down until it gives up.
    fn broker_to_ask(&self, broker: Option<i32>) -> Result<Option<NodeId>, ActionError> {
        let Some(broker) = broker else { return Ok(None) };
        self.broker_node(broker)?;
        self.running_server(broker)?;
        Ok(Some(NodeId(broker)))
    }

    /// The partition of that name. Kafka's tools name partitions too, and refuse in these words.
    fn partition_named(&self, topic: &str, partition: u32) -> Result<TopicPartition, ActionError> {
        let image = self.metadata().topic_by_name(topic);
        let unknown = |what: String| {
            let exception = ErrorCode::UnknownTopicOrPartition.exception();
            ActionError::new(format!("{exception}: {what}"))
        };
        let image = image.ok_or_else(|| unknown(format!("No such topic as {topic}")))?;
        if (partition as usize) < image.partitions.len() {
            return Ok(TopicPartition::new(image.id, partition));
        }
        Err(unknown(format!("No such partition as {topic}-{partition}")))
    }

    /// The partition with its leader.
    fn led_partition(
        &self,
        topic: &str,
        partition: u32,
    ) -> Result<(TopicPartition, NodeId), ActionError> {
        let image = self.metadata();
        let id = image.topic_by_name(topic).map(|topic| topic.id);
        let tp = id.map(|id| TopicPartition::new(id, partition));
        let state = tp.and_then(|tp| Some((tp, image.partition(tp)?)));
        let Some((tp, state)) = state else {
            let exception = ErrorCode::UnknownTopicOrPartition.exception();
            return Err(ActionError::new(format!(
                "{exception}: There is no partition {topic}-{partition}."
            )));
        };
        if !state.has_leader() {
            let exception = ErrorCode::LeaderNotAvailable.exception();
            return Err(ActionError::new(format!(
                "{exception}: Nobody leads {topic}-{partition} now."
            )));
        }
        Ok((tp, state.leader))
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
            let tp = TopicPartition::new(topic.id, index);
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
                let node = self.running_server(broker)?;
                self.command(node, Command::Shutdown);
            }
            Action::StartBroker { broker } => {
                let node = self.server_node(broker)?;
                if self.slots[node].running {
                    let name = self.server_name(node);
                    return Err(ActionError::new(format!("{name} is running.")));
                }
                if let Some(controller) = self.other_half(node) {
                    // Its broker stops first: the process is gone when both have.
                    if self.slots[controller].running {
                        let name = self.server_name(node);
                        return Err(ActionError::new(format!("{name} is still stopping.")));
                    }
                    self.start_process(controller);
                }
                self.start_process(node);
            }
            Action::PauseBroker { broker, for_ms } => {
                let node = self.running_server(broker)?;
                self.pause(node, for_ms);
            }
            Action::SlowDisk { broker, factor } => {
                self.broker_node(broker)?;
                let node = self.running_server(broker)?;
                self.command(node, Command::SlowDisk { factor: factor.max(1) });
            }
            _ => unreachable!("perform() sends only brokers' actions here"),
        }
        Ok(())
    }

    /// Suspends a process: both halves of one that is broker and controller.
    pub(super) fn pause(&mut self, node: usize, for_ms: u64) {
        let asked = self.now + Duration::from_millis(for_ms);
        let until = asked.max(self.slots[node].paused_until);
        self.slots[node].paused_until = until;
        if let Some(controller) = self.other_half(node) {
            self.slots[controller].paused_until = until;
        }
        let span = until.since(self.now);
        self.observe(node, crate::kafka::event::Event::ProcessPaused { span });
    }

    fn crash_broker(&mut self, broker: i32, lose_disk: bool) -> Result<(), ActionError> {
        let node = self.server_node(broker)?;
        let is_voter = !self.slots[node].id.is_broker() || self.other_half(node).is_some();
        if lose_disk && is_voter {
            // Simplified: a voter with a new disk would need an id of its own (KIP-853).
            let name = self.server_name(node);
            return Err(ActionError::new(format!(
                "{name} cannot lose its disk: the quorum knows it by what it wrote there."
            )));
        }
        let was_running = self.slots[node].running;
        // One that is stopping may have a controller left without its broker.
        let controller = self.other_half(node).filter(|&half| self.slots[half].running);
        if !was_running && controller.is_none() && !lose_disk {
            return Err(ActionError::new(format!("{} is not running.", self.server_name(node))));
        }
        if was_running || lose_disk {
            self.lose_memory(node, lose_disk);
        }
        if was_running {
            self.end_process(node, false);
        }
        if let Some(controller) = controller {
            self.lose_memory(controller, false);
            self.end_process(controller, false);
        }
        Ok(())
    }

    /// A broker or a controller as errors call it.
    fn server_name(&self, node: usize) -> String {
        let id = self.slots[node].id;
        if id.is_broker() { format!("Broker {id}") } else { format!("Controller {id}") }
    }

    fn broker_node(&self, broker: i32) -> Result<usize, ActionError> {
        let node = self.index.get(&NodeId(broker)).filter(|_| NodeId(broker).is_broker());
        node.copied().ok_or_else(|| ActionError::new(format!("There is no broker {broker}.")))
    }

    /// The node of a broker or a controller.
    fn server_node(&self, id: i32) -> Result<usize, ActionError> {
        if !NodeId(id).is_controller() {
            return self.broker_node(id);
        }
        let node = self.index.get(&NodeId(id)).copied();
        let node = node.ok_or_else(|| ActionError::new(format!("There is no controller {id}.")))?;
        match self.other_half(node) {
            Some(broker) => Err(ActionError::new(format!(
                "Controller {id} is one process with broker {}.",
                self.slots[broker].id
            ))),
            None => Ok(node),
        }
    }

    fn running_server(&self, id: i32) -> Result<usize, ActionError> {
        let node = self.server_node(id)?;
        if self.slots[node].running {
            return Ok(node);
        }
        Err(ActionError::new(format!("{} is not running.", self.server_name(node))))
    }

    fn set_cut(&mut self, a: i32, b: i32, cut: bool) -> Result<(), ActionError> {
        let find = |id: i32| {
            let node = self.index.get(&NodeId(id)).copied();
            node.ok_or_else(|| ActionError::new(format!("There is no node {id}.")))
        };
        let (a, b) = (find(a)?, find(b)?);
        // Both halves of a process with two roles stand on one machine.
        for a in [Some(a), self.other_half(a)].into_iter().flatten() {
            for b in [Some(b), self.other_half(b)].into_iter().flatten() {
                if a != b {
                    self.set_link(a, b, cut);
                }
            }
        }
        Ok(())
    }
}

fn alter_config(resource: ConfigResource, key: &str, value: Option<&Setting>) -> Request {
    let change = (key.into(), value.map(|value| value.0.as_str().into()));
    IncrementalAlterConfigsRequest { resources: vec![(resource, vec![change])] }.into()
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
