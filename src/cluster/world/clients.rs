//! What a person does to clients: start, stop, kill, type a line, change a setting.

use std::rc::Rc;

use super::{Cluster, Process};
use crate::base::NodeId;
use crate::cluster::action::{Action, ActionError};
use crate::cluster::scenario::{ConsumerDef, ProducerDef, ScenarioError, Setting, Settings};
use crate::kafka::consumer::Consumer;
use crate::kafka::effect::Command;
use crate::kafka::producer::Producer;

/// Most nodes of a cluster, clients that ended included.
const MAX_NODES: usize = 1_000;

impl Cluster {
    pub(super) fn perform_client(&mut self, action: &Action) -> Result<(), ActionError> {
        match action {
            Action::AddProducer(definition) => {
                self.names_are_free(&definition.name, definition.count)?;
                Ok(self.start_producers(definition)?)
            }
            Action::AddConsumer(definition) => {
                self.names_are_free(&definition.name, definition.count)?;
                Ok(self.start_consumers(definition)?)
            }
            Action::RemoveProducer { name } | Action::RemoveConsumer { name } => {
                self.remove_client(name)
            }
            Action::KillConsumer { name } => {
                let node = self.client(name)?;
                self.restarting.remove(&node);
                self.end_process(node, false);
                Ok(())
            }
            Action::Send { name, key, value } => {
                let node = self.client(name)?;
                let key = key.as_deref().map(Into::into);
                self.command(node, Command::Send { key, value: value.as_str().into() });
                Ok(())
            }
            Action::Transaction { name, step } => {
                let (node, definition) = self.producer_definition(name)?;
                if !definition.config.contains_key("transactional.id") {
                    return Err(ActionError::new(format!("{name} has no transactional.id.")));
                }
                self.command(node, Command::Transaction(step.step()));
                Ok(())
            }
            Action::PauseClient { name, for_ms } => {
                let node = self.client(name)?;
                self.pause(node, *for_ms);
                Ok(())
            }
            Action::SetService { name, service } => {
                let (node, mut definition) = self.consumer_definition(name)?;
                definition.service = *service;
                self.command(node, Command::SetService(*service));
                self.redefine_consumer(node, definition);
                Ok(())
            }
            Action::SetRate { name, rate } => {
                self.change_workload(name, |definition| definition.rate = *rate)
            }
            Action::SetKeys { name, keys } => {
                self.change_workload(name, |definition| definition.keys = *keys)
            }
            Action::SetProducerConfig { name, key, value } => {
                let (node, mut definition) = self.producer_definition(name)?;
                set(&mut definition.config, key, value.as_ref());
                self.restart_producer(node, definition)
            }
            Action::SetConsumerConfig { name, key, value } => {
                let (node, mut definition) = self.consumer_definition(name)?;
                set(&mut definition.config, key, value.as_ref());
                self.restart_consumer(node, definition)
            }
            Action::SetGroup { name, group } => {
                let (node, mut definition) = self.consumer_definition(name)?;
                definition.group.clone_from(group);
                self.restart_consumer(node, definition)
            }
            _ => unreachable!("perform() sends only clients' actions here"),
        }
    }

    fn remove_client(&mut self, name: &str) -> Result<(), ActionError> {
        let node = self.client(name)?;
        // One that is restarting closes already; now nobody comes after it.
        if self.restarting.remove(&node).is_none() {
            self.command(node, Command::Shutdown);
        }
        Ok(())
    }

    pub(super) fn start_producers(
        &mut self,
        definition: &ProducerDef,
    ) -> Result<(), ScenarioError> {
        for spec in definition.specs_for("producer", self.scenario.clock)? {
            let single =
                ProducerDef { name: spec.client_id.to_string(), count: 1, ..definition.clone() };
            let (id, name) = (self.next_client_id(), spec.client_id.clone());
            let producer = Producer::new(id, spec, self.bootstrap());
            self.add_node(id, name, Process::Producer(producer, single));
        }
        Ok(())
    }

    pub(super) fn start_consumers(
        &mut self,
        definition: &ConsumerDef,
    ) -> Result<(), ScenarioError> {
        for spec in definition.specs_for("consumer", self.scenario.clock)? {
            let single =
                ConsumerDef { name: spec.client_id.to_string(), count: 1, ..definition.clone() };
            let (id, name) = (self.next_client_id(), spec.client_id.clone());
            let consumer = Consumer::new(id, spec, self.bootstrap());
            self.add_node(id, name, Process::Consumer(consumer, single));
        }
        Ok(())
    }

    fn next_client_id(&mut self) -> NodeId {
        let id = NodeId(self.next_client);
        self.next_client += 1;
        id
    }

    /// Those that wait for their predecessor's end have their place, too.
    fn has_room_for(&self, more: usize) -> Result<(), ActionError> {
        if self.slots.len() + self.restarting.len() + more > MAX_NODES {
            return Err(ActionError::new("This session has started too many clients."));
        }
        Ok(())
    }

    fn names_are_free(&self, name: &str, count: u32) -> Result<(), ActionError> {
        self.has_room_for(count as usize)?;
        let numbered = |n: u32| if count == 1 { name.to_owned() } else { format!("{name}-{n}") };
        match (1..=count).map(numbered).find(|name| self.client(name).is_ok()) {
            Some(taken) => Err(ActionError::new(format!("A client called {taken} is running."))),
            None => Ok(()),
        }
    }

    /// The running client of that name.
    fn client(&self, name: &str) -> Result<usize, ActionError> {
        let node = self
            .slots
            .iter()
            .rposition(|slot| slot.running && slot.id.is_client() && &*slot.name == name);
        node.ok_or_else(|| ActionError::new(format!("No client called {name} is running.")))
    }

    fn producer_definition(&self, name: &str) -> Result<(usize, ProducerDef), ActionError> {
        let node = self.client(name)?;
        match &*self.slots[node].process {
            Process::Producer(_, definition) => Ok((node, definition.clone())),
            _ => Err(ActionError::new(format!("{name} is not a producer."))),
        }
    }

    fn consumer_definition(&self, name: &str) -> Result<(usize, ConsumerDef), ActionError> {
        let node = self.client(name)?;
        // What is changed again before the new process runs is changed in the new process.
        if let Some(definition) = self.restarting.get(&node) {
            return Ok((node, definition.clone()));
        }
        match &*self.slots[node].process {
            Process::Consumer(_, definition) => Ok((node, definition.clone())),
            _ => Err(ActionError::new(format!("{name} is not a consumer."))),
        }
    }

    fn change_workload(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut ProducerDef),
    ) -> Result<(), ActionError> {
        let (node, mut definition) = self.producer_definition(name)?;
        change(&mut definition);
        let workload = definition.workload("producer")?;
        self.command(node, Command::SetWorkload(Box::new(workload)));
        if let Process::Producer(_, kept) = Rc::make_mut(&mut self.slots[node].process) {
            *kept = definition;
        }
        Ok(())
    }

    fn redefine_consumer(&mut self, node: usize, definition: ConsumerDef) {
        if let Some(next) = self.restarting.get_mut(&node) {
            *next = definition;
            return;
        }
        if let Process::Consumer(_, kept) = Rc::make_mut(&mut self.slots[node].process) {
            *kept = definition;
        }
    }

    /// Stops a producer in order and starts its successor under the same name.
    fn restart_producer(
        &mut self,
        node: usize,
        definition: ProducerDef,
    ) -> Result<(), ActionError> {
        definition.specs_for("producer", self.scenario.clock)?;
        self.has_room_for(1)?;
        self.command(node, Command::Shutdown);
        Ok(self.start_producers(&definition)?)
    }

    /// Stops a consumer in order and starts its successor under the same name. A static member's waits until
    /// the instance is free.
    fn restart_consumer(
        &mut self,
        node: usize,
        definition: ConsumerDef,
    ) -> Result<(), ActionError> {
        definition.specs_for("consumer", self.scenario.clock)?;
        if let Some(next) = self.restarting.get_mut(&node) {
            *next = definition;
            return Ok(());
        }
        self.has_room_for(1)?;
        self.command(node, Command::Shutdown);
        if definition.config.contains_key("group.instance.id") {
            self.restarting.insert(node, definition);
            return Ok(());
        }
        Ok(self.start_consumers(&definition)?)
    }
}

/// Kafka asks of some settings whether they were set at all, so the default is the absence of a value.
fn set(config: &mut Settings, key: &str, value: Option<&Setting>) {
    match value {
        Some(value) => drop(config.insert(key.to_owned(), value.clone())),
        None => drop(config.remove(key)),
    }
}
