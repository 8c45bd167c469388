//! One step: the earliest event goes to one node, and what the node leaves is carried out.

use std::rc::Rc;

use super::{ADMIN, Cluster, Message, Pending, Process};
use crate::base::{NodeId, Time};
use crate::cluster::event_log::{Actor, Step, StepKind};
use crate::kafka::effect::{Effect, Input, Out};
use crate::kafka::event::Event;
use crate::sim::{EventId, Queued};

impl Cluster {
    /// Takes the earliest event. False when nothing waits any more.
    pub fn step(&mut self) -> bool {
        let Some(queued) = self.queue.pop() else { return false };
        self.sample_until(queued.at);
        self.now = queued.at;
        self.steps += 1;
        self.hash.word(queued.at.0);
        if let Some(resume) = self.frozen_until(&queued.event) {
            // A process that thaws reads what has come before it looks at the clock
            // (`NetworkClient.poll`).
            let is_news =
                matches!(queued.event, Pending::Deliver { .. } | Pending::Disconnected { .. });
            self.queue.put_off(resume, u8::from(!is_news), queued);
            return true;
        }
        let Queued { id, cause, event, .. } = queued;
        self.current = id;
        match event {
            Pending::Deliver { from, to, sent_at, message } => {
                self.deliver(cause, (from, to), sent_at, message);
            }
            Pending::Retransmit { from, to } => self.retransmit((from, to)),
            Pending::Timer { node, life, timer } => {
                if self.is_alive(node, life) {
                    self.trace(cause, None, node, StepKind::Timer);
                    self.handle(node, Input::Timer(timer));
                }
            }
            Pending::Disconnected { node, life, peer } => {
                if self.is_alive(node, life) {
                    self.trace(cause, Some(peer), node, StepKind::Disconnected);
                    self.handle(node, Input::Disconnected { peer });
                }
            }
            Pending::Command { node, life, command } => {
                if self.is_alive(node, life) {
                    self.trace(cause, None, node, StepKind::Command);
                    self.handle(node, Input::Command(*command));
                }
            }
            Pending::Action(action) => {
                let admin = self.index[&ADMIN];
                self.trace(id, None, admin, StepKind::Action(Actor::Scenario));
                if let Err(error) = self.perform(&action) {
                    let message = error.message.into();
                    self.observe(admin, Event::ClientWarning { message });
                }
            }
        }
        true
    }

    /// When the process that the event is for takes inputs again, if it is frozen.
    fn frozen_until(&self, event: &Pending) -> Option<Time> {
        let node = match *event {
            Pending::Deliver { to, .. } => to,
            Pending::Timer { node, life, .. }
            | Pending::Disconnected { node, life, .. }
            | Pending::Command { node, life, .. } => self.is_alive(node, life).then_some(node)?,
            Pending::Retransmit { .. } | Pending::Action(_) => return None,
        };
        let slot = &self.slots[node];
        (slot.running && slot.paused_until > self.now).then_some(slot.paused_until)
    }

    fn is_alive(&self, node: usize, life: u32) -> bool {
        self.slots[node].running && self.slots[node].life == life
    }

    /// Notes the step for the trace hash and the chain of causes.
    pub(super) fn trace(
        &mut self,
        cause: EventId,
        from: Option<NodeId>,
        node: usize,
        kind: StepKind,
    ) {
        let tag = match kind {
            StepKind::Request(api) => 0x100 + u64::from(api.id().unsigned_abs()),
            StepKind::Response(api) => 0x200 + u64::from(api.id().unsigned_abs()),
            StepKind::Timer => 1,
            StepKind::Disconnected => 2,
            StepKind::Action(_) => 3,
            StepKind::Command => 4,
        };
        self.hash.word(tag << 32 | node as u64);
        let node = self.slots[node].id;
        self.log.push_step(Step { id: self.current, cause, at: self.now, from, node, kind });
    }

    /// Hands an input to a running process and carries out what it leaves.
    pub(super) fn handle(&mut self, node: usize, input: Input) {
        self.with_process(node, |process, out| process.on(input, out));
    }

    pub(super) fn with_process(
        &mut self,
        node: usize,
        run: impl FnOnce(&mut Process, &mut Out<'_>),
    ) {
        let mut effects = std::mem::take(&mut self.effects);
        let slot = &mut self.slots[node];
        let mut out = Out::new(self.now, &mut effects, &mut slot.rng, &mut self.counters);
        run(Rc::make_mut(&mut slot.process), &mut out);
        for effect in effects.drain(..) {
            self.carry_out(node, effect);
        }
        self.effects = effects;
    }

    fn carry_out(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Request { to, correlation, body } => {
                self.transmit(node, to, Message::Request(correlation, body));
            }
            Effect::Response { to, correlation, body } => {
                self.transmit(node, to, Message::Response(correlation, body));
            }
            Effect::Disconnect { peer } => {
                let id = self.slots[node].id;
                if let Some(&peer) = self.index.get(&peer) {
                    self.close_connection(peer, id);
                }
            }
            Effect::GiveUp { peer, correlation } => self.give_up(node, peer, correlation),
            Effect::Timer { at, timer } => {
                let life = self.slots[node].life;
                self.queue.push(at, Some(self.current), Pending::Timer { node, life, timer });
            }
            Effect::Event(event) => self.observe(node, event),
            Effect::Halt => self.halt(node),
        }
    }
}
