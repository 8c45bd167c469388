//! Processes and their lives: nodes are added, started, stopped, killed; a broker loses its memory or
//! its disk.

use std::rc::Rc;

use super::{Cluster, Pending, Process, Slot};
use crate::base::{NodeId, Rng, Time};
use crate::kafka::broker::Broker;
use crate::kafka::controller::Controller;
use crate::kafka::effect::{Command, Input};
use crate::kafka::event::Event;

impl Cluster {
    /// Brokers that clients are told of at first.
    pub(super) fn bootstrap(&self) -> Rc<[NodeId]> {
        self.slots.iter().map(|slot| slot.id).filter(|id| id.is_broker()).collect()
    }

    /// Ids of the controllers that vote in the metadata quorum, running or not.
    pub(super) fn voters(&self) -> Rc<[NodeId]> {
        let first = NodeId::CONTROLLER.0;
        let count = i32::try_from(self.scenario.controllers).expect("few controllers");
        (first..first + count).map(NodeId).collect()
    }

    /// The other half of a process that is broker and controller.
    pub(super) fn other_half(&self, node: usize) -> Option<usize> {
        let (id, first) = (self.slots[node].id, NodeId::CONTROLLER.0);
        let other = match id {
            _ if !self.scenario.combined => return None,
            id if id.is_broker() => id.0 - 1 + first,
            id if id.is_controller() => id.0 - first + 1,
            _ => return None,
        };
        self.index.get(&NodeId(other)).copied()
    }

    pub(super) fn add_controllers(&mut self) {
        let voters = self.voters();
        for &id in &*voters {
            let name = if voters.len() == 1 {
                "controller".into()
            } else {
                format!("controller-{id}").into()
            };
            let controller = Controller::with_voters(id, voters.clone(), self.config.clone());
            self.add_node(id, name, Process::Controller(controller));
        }
    }

    pub(super) fn add_broker(&mut self, id: NodeId) {
        let rack = usize::try_from(id.0 - 1).ok().and_then(|i| self.scenario.racks.get(i));
        let rack = rack.map(|rack| rack.as_str().into());
        let mut broker = Broker::new(id, rack, self.config.clone(), self.voters());
        let groups = self.scenario.group_configs().expect("the scenario was checked");
        broker.set_group_configs(Rc::new(groups));
        self.add_node(id, format!("broker-{id}").into(), Process::Broker(broker));
    }

    pub(super) fn add_node(&mut self, id: NodeId, name: Rc<str>, process: Process) -> usize {
        let node = self.slots.len();
        self.index.insert(id, node);
        if matches!(process, Process::Controller(_)) {
            self.controllers.push(node);
        }
        self.network.grow(node + 1);
        self.slots.push(Slot {
            id,
            name,
            process: Rc::new(process),
            life: 0,
            running: false,
            started_at: self.now,
            paused_until: Time::ZERO,
            lost_disk: false,
            rng: Rng::stream(self.seed, &format!("node {id}")),
        });
        self.start_process(node);
        node
    }

    pub(super) fn start_process(&mut self, node: usize) {
        let slot = &mut self.slots[node];
        debug_assert!(!slot.running, "a process has one life at a time");
        slot.life += 1;
        slot.running = true;
        slot.started_at = self.now;
        slot.paused_until = Time::ZERO;
        self.observe(node, Event::ProcessStarted);
        self.with_process(node, Process::start);
    }

    /// A process ended in order. A broker or controller keeps what is on its disk and forgets the rest.
    pub(super) fn halt(&mut self, node: usize) {
        if matches!(*self.slots[node].process, Process::Broker(_) | Process::Controller(_)) {
            self.lose_memory(node, false);
        }
        self.end_process(node, true);
        // A process with both roles stops its broker first (`KafkaRaftServer.shutdown`).
        if self.slots[node].id.is_broker()
            && let Some(controller) = self.other_half(node)
            && self.slots[controller].running
        {
            self.command(controller, Command::Shutdown);
        }
    }

    /// Takes its memory from a broker or controller, and with `lose_disk` from a broker its disk.
    pub(super) fn lose_memory(&mut self, node: usize, lose_disk: bool) {
        self.slots[node].lost_disk |= lose_disk;
        self.with_process(node, |process, out| match process {
            Process::Broker(broker) => broker.crash(lose_disk, out),
            Process::Controller(controller) => controller.crash(),
            _ => {}
        });
    }

    /// Ends a process: its timers die and its peers learn that their connections are gone.
    pub(super) fn end_process(&mut self, node: usize, clean: bool) {
        self.slots[node].running = false;
        self.slots[node].life += 1;
        self.observe(node, Event::ProcessEnded { clean });
        let id = self.slots[node].id;
        for peer in 0..self.slots.len() {
            if peer != node {
                self.close_connection(peer, id);
            }
        }
    }

    /// A command from outside the network to a running process. A frozen one takes it when it thaws.
    pub(super) fn command(&mut self, node: usize, command: Command) {
        let Slot { life, paused_until, .. } = self.slots[node];
        if paused_until > self.now {
            let pending = Pending::Command { node, life, command: Box::new(command) };
            self.queue.push(paused_until, Some(self.current), pending);
        } else {
            self.handle(node, Input::Command(command));
        }
    }
}
