//! `classic_group_traces`: requests of a few clients to one group on a virtual clock, with every answer and the
//! group's state after each step. Timers fire in steps of 500 ms. Which member a group without its leader elects
//! is up to a Java hash map: the trace's choice is taken over when it is a joined member.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::base::{Duration, NodeId, Rng, Time};
use crate::kafka::config::BrokerConfig;
use crate::kafka::coordinator::{CoordinatorAppend, CoordinatorTimer, Group, GroupCoordinator};
use crate::kafka::effect::{Counters, Effect, Out};
use crate::kafka::protocol::{
    CorrelationId, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, NamedPartition, Request,
    Response, SyncGroupRequest,
};

#[derive(Deserialize)]
struct Vector {
    group_initial_rebalance_delay_ms: u64,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(flatten)]
    op: Op,
    #[serde(default)]
    responses: Vec<Answer>,
    state_after: GroupAfter,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Op {
    Sleep {
        ms: u64,
    },
    Join {
        client: String,
        member_id: String,
        instance_id: Option<Rc<str>>,
        protocols: Vec<Rc<str>>,
        session_timeout_ms: u64,
        rebalance_timeout_ms: u64,
    },
    Sync {
        client: String,
        member_id: String,
        instance_id: Option<Rc<str>>,
        generation: i32,
        #[serde(default)]
        assignments: BTreeMap<String, Rc<str>>,
    },
    Heartbeat {
        client: String,
        member_id: String,
        instance_id: Option<Rc<str>>,
        generation: i32,
        error: String,
    },
    Leave {
        client: String,
        member_id: String,
        instance_id: Option<Rc<str>>,
        member_error: String,
    },
    ClientProcessRestart {},
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Answer {
    client: String,
    response: String,
    error: String,
    member_id: Option<String>,
    generation: Option<i32>,
    protocol: Option<String>,
    is_leader: Option<bool>,
    leader: Option<String>,
    members: Option<Vec<String>>,
    assignment: Option<String>,
}

#[derive(Deserialize, PartialEq, Debug, Default)]
#[serde(default)]
struct GroupAfter {
    state: String,
    generation: i32,
    members: Vec<String>,
    leader: Option<String>,
    pending_join_members: usize,
    awaiting_join: usize,
}

const GROUP: &str = "group";

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    let mut trace = Trace::new(vector.group_initial_rebalance_delay_ms);
    for (number, step) in vector.steps.into_iter().enumerate() {
        trace.prefer(&step.state_after);
        let error = trace.run(&step.op)?;
        if let Op::Heartbeat { error: expected, .. } | Op::Leave { member_error: expected, .. } =
            &step.op
        {
            same(&format!("step {number}: error"), expected, &error)?;
        }
        let mut expected = step.responses;
        expected.sort();
        trace.answers.sort();
        let answers = std::mem::take(&mut trace.answers);
        same(&format!("step {number}: responses"), &expected, &answers)?;
        same(&format!("step {number}: state"), &step.state_after, &trace.state())?;
    }
    Ok(())
}

struct Trace {
    coordinator: GroupCoordinator,
    now: Time,
    rng: Rng,
    counters: Counters,
    /// Clients by the number of the node that plays them.
    clients: Vec<String>,
    /// Member ids in the order in which they appeared: the first is `M1`.
    ids: Vec<Rc<str>>,
    answers: Vec<Answer>,
    /// The error of the last Heartbeat or LeaveGroup.
    error: String,
}

impl Trace {
    fn new(delay: u64) -> Self {
        let config = BrokerConfig {
            group_initial_rebalance_delay: Duration::from_millis(delay),
            ..BrokerConfig::default()
        };
        let mut trace = Self {
            coordinator: GroupCoordinator::new(Rc::new(config)),
            now: Time::ZERO,
            rng: Rng::stream(0, "classic_group_traces"),
            counters: Counters::default(),
            clients: Vec::new(),
            ids: Vec::new(),
            answers: Vec::new(),
            error: String::new(),
        };
        trace.drive(|coordinator, out, _| coordinator.on_elected(0, 1, Vec::new(), out));
        trace
    }

    fn run(&mut self, op: &Op) -> Result<String, Failure> {
        let (client, request) = match op {
            Op::Sleep { ms } => {
                demand(ms % 500 == 0, "a sleep is not a multiple of 500 ms")?;
                for _ in 0..ms / 500 {
                    self.now += Duration::from_millis(500);
                    self.drive(|coordinator, out, appends| {
                        coordinator.on_timer(CoordinatorTimer::Wake, out, appends);
                    });
                }
                return Ok(String::new());
            }
            Op::ClientProcessRestart {} => return Ok(String::new()),
            Op::Join { client, .. }
            | Op::Sync { client, .. }
            | Op::Heartbeat { client, .. }
            | Op::Leave { client, .. } => (client, self.request(op)?),
        };
        let node = self.node(client);
        self.drive(|coordinator, out, appends| {
            coordinator.on_request(node, CorrelationId(0), request, out, appends);
        });
        Ok(self.error.clone())
    }

    fn request(&self, op: &Op) -> Result<Request, Failure> {
        let group: Rc<str> = GROUP.into();
        Ok(match op {
            Op::Join {
                client,
                member_id,
                instance_id,
                protocols,
                session_timeout_ms,
                rebalance_timeout_ms,
            } => {
                let protocols = protocols.iter().map(|name| (name.clone(), Rc::default()));
                JoinGroupRequest {
                    group,
                    session_timeout: Duration::from_millis(*session_timeout_ms),
                    rebalance_timeout: Duration::from_millis(*rebalance_timeout_ms),
                    member_id: self.id(member_id)?,
                    group_instance_id: instance_id.clone(),
                    client_id: client.as_str().into(),
                    protocol_type: "consumer".into(),
                    protocols: protocols.collect(),
                }
                .into()
            }
            Op::Sync { member_id, instance_id, generation, assignments, .. } => {
                let group_instance_id = instance_id.clone();
                let given = assignments.iter().map(|(member, text)| {
                    let partitions: Rc<[NamedPartition]> = Rc::from([(text.clone(), 0)]);
                    Ok((self.id(member)?, partitions))
                });
                let assignments = given.collect::<Result<_, _>>()?;
                let (member_id, generation) = (self.id(member_id)?, *generation);
                SyncGroupRequest { group, generation, member_id, group_instance_id, assignments }
                    .into()
            }
            Op::Heartbeat { member_id, instance_id, generation, .. } => {
                let group_instance_id = instance_id.clone();
                let (member_id, generation) = (self.id(member_id)?, *generation);
                HeartbeatRequest { group, generation, member_id, group_instance_id }.into()
            }
            Op::Leave { member_id, instance_id, .. } => {
                let group_instance_id = instance_id.clone();
                let member_id = self.id(member_id)?;
                LeaveGroupRequest { group, member_id, group_instance_id, reason: Rc::default() }
                    .into()
            }
            Op::Sleep { .. } | Op::ClientProcessRestart {} => {
                return Err(Failure::Malformed("not a request".to_owned()));
            }
        })
    }

    /// Runs the coordinator and its appends, which succeed at once, and takes the answers down.
    fn drive(
        &mut self,
        act: impl FnOnce(&mut GroupCoordinator, &mut Out<'_>, &mut Vec<CoordinatorAppend>),
    ) {
        let mut effects = Vec::new();
        let mut out = Out::new(self.now, &mut effects, &mut self.rng, &mut self.counters);
        let mut appends = Vec::new();
        act(&mut self.coordinator, &mut out, &mut appends);
        while !appends.is_empty() {
            for append in std::mem::take(&mut appends) {
                self.coordinator.on_append_done(append.token, Ok(()), &mut out, &mut appends);
            }
        }
        for effect in effects {
            if let Effect::Response { to, body, .. } = effect {
                self.take_down(to, body);
            }
        }
        let group = self.coordinator.group(GROUP).and_then(Group::classic);
        let present = group.into_iter().flat_map(|group| &group.members);
        let unseen: Vec<_> = present.map(|member| member.id.clone()).collect();
        for id in unseen {
            self.alias(&id);
        }
    }

    fn take_down(&mut self, to: NodeId, body: Response) {
        let index = usize::try_from(to.0 - NodeId::FIRST_CLIENT).unwrap_or_default();
        let client = self.clients.get(index).cloned().unwrap_or_default();
        let response = body.api().name().to_owned();
        match body {
            Response::JoinGroup(body) => {
                let error = body.error.name().to_owned();
                let member_id = (!body.member_id.is_empty()).then(|| self.alias(&body.member_id));
                let mut answer = Answer { client, response, error, member_id, ..Answer::default() };
                if body.error.is_none() {
                    let mut members: Vec<_> =
                        body.members.iter().map(|member| self.alias(&member.member_id)).collect();
                    members.sort();
                    answer.generation = Some(body.generation);
                    answer.protocol = body.protocol.map(|name| name.to_string());
                    answer.is_leader = Some(body.leader == body.member_id);
                    answer.leader = Some(self.alias(&body.leader));
                    answer.members = Some(members);
                }
                self.answers.push(answer);
            }
            Response::SyncGroup(body) => {
                let error = body.error.name().to_owned();
                let text = body.assignment.first().map(|(text, _)| text.to_string());
                let assignment = Some(text.unwrap_or_default());
                self.answers.push(Answer {
                    client,
                    response,
                    error,
                    assignment,
                    ..Answer::default()
                });
            }
            Response::Heartbeat(body) => body.error.name().clone_into(&mut self.error),
            Response::LeaveGroup(body) => body.error.name().clone_into(&mut self.error),
            _ => {}
        }
    }

    fn node(&mut self, client: &str) -> NodeId {
        let index = self.clients.iter().position(|known| known == client).unwrap_or_else(|| {
            self.clients.push(client.to_owned());
            self.clients.len() - 1
        });
        NodeId(NodeId::FIRST_CLIENT + i32::try_from(index).expect("a trace has few clients"))
    }

    fn alias(&mut self, id: &Rc<str>) -> String {
        let index = self.ids.iter().position(|known| known == id).unwrap_or_else(|| {
            self.ids.push(id.clone());
            self.ids.len() - 1
        });
        format!("M{}", index + 1)
    }

    fn id(&self, alias: &str) -> Result<Rc<str>, Failure> {
        if alias.is_empty() {
            return Ok(Rc::default());
        }
        let number = alias.strip_prefix('M').and_then(|number| number.parse::<usize>().ok());
        let number =
            number.ok_or_else(|| Failure::Malformed(format!("not a member alias: {alias}")))?;
        // Kafka may have given out an id that we did not; it is unknown to our group.
        Ok(self.ids.get(number.wrapping_sub(1)).cloned().unwrap_or_else(|| alias.into()))
    }

    fn prefer(&mut self, after: &GroupAfter) {
        if let Some(Ok(id)) = after.leader.as_ref().map(|leader| self.id(leader)) {
            self.coordinator.prefer_leader(GROUP, &id);
        }
    }

    fn state(&mut self) -> GroupAfter {
        let Some(group) = self.coordinator.group(GROUP).and_then(Group::classic).cloned() else {
            return GroupAfter { state: "none".to_owned(), ..GroupAfter::default() };
        };
        let mut members: Vec<_> =
            group.members.iter().map(|member| self.alias(&member.id)).collect();
        members.sort();
        GroupAfter {
            state: group.state.name().to_owned(),
            generation: group.generation,
            members,
            leader: group.leader.as_ref().map(|leader| self.alias(leader)),
            pending_join_members: group.pending_join_count(),
            awaiting_join: group.awaiting_join_count(),
        }
    }
}
