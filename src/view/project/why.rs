//! The answer to "why?": the chain of steps that led to an event, read from the memory of causes.
//!
//! Some things happen because something did *not* happen: a broker is given up when its heartbeats stay
//! out. No step leads there but a clock, so the last message that did come is told in its place.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{sentences, shown};
use crate::base::NodeId;
use crate::cluster::Cluster;
use crate::cluster::event_log::{Logged, Step, StepKind};
use crate::kafka::event::Event;
use crate::kafka::protocol::ApiKey;
use crate::view::scene::CauseView;
use crate::view::words;

/// Longest chain that is told, in steps.
const LONGEST: usize = 9;

/// What led to the event with that number, nearest cause first; empty once it is forgotten.
pub fn why(cluster: &Cluster, event: u64) -> Vec<CauseView> {
    let log = cluster.log_book();
    let Some(logged) = log.event(event) else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let chain = log.causes(logged.step, LONGEST);
    // A heartbeat follows from the heartbeat before it: one round of a circle tells all of it.
    let told = chain.iter().take_while(|step| seen.insert((step.node, step.kind)));
    let steps = told.map(|step| CauseView {
        at: shown(cluster, step.at),
        words: step_words(cluster, step).into(),
        told: sentences_of(cluster, step, event),
    });
    steps.chain(silence(cluster, logged, &chain)).collect()
}

/// What else became of the step: everything worth a sentence but the event that was asked about.
fn sentences_of(cluster: &Cluster, step: &Step, event: u64) -> Vec<Rc<str>> {
    let logged = cluster.log_book().of_step(step.id).filter(|logged| logged.number != event);
    logged.filter_map(|logged| sentence(cluster, logged)).collect()
}

fn sentence(cluster: &Cluster, logged: &Logged) -> Option<Rc<str>> {
    Some(sentences::tell(cluster, logged)?.sentence.into())
}

/// The last that was heard of whoever kept silent, if that is what the event is about.
fn silence(cluster: &Cluster, logged: &Logged, chain: &[Step]) -> Option<CauseView> {
    let log = cluster.log_book();
    let (who, api, listener) = log.of_step(logged.step).find_map(|event| match &event.event {
        Event::BrokerFenced { broker } => Some((*broker, ApiKey::BrokerHeartbeat, logged.node)),
        // The leader told the controller who stopped fetching.
        Event::IsrChanged { from, to, .. } => {
            let gone = from.iter().find(|id| !to.contains(id))?;
            Some((*gone, ApiKey::Fetch, chain.first()?.from?))
        }
        _ => None,
    })?;
    let last = log.last_request(who, api, listener, logged.at)?;
    let (who_name, listener) = (node(cluster, who), node(cluster, listener));
    let since = words::micros(logged.at.since(last.at).0);
    let news = log.of_node(who).filter(|event| event.at <= logged.at);
    Some(CauseView {
        at: shown(cluster, last.at),
        words: format!(
            "The last {} of {who_name} had reached {listener} {since} before.",
            api.name()
        )
        .into(),
        told: news.last().and_then(|event| sentence(cluster, event)).into_iter().collect(),
    })
}

/// A node in the middle of a sentence.
fn node(cluster: &Cluster, id: NodeId) -> String {
    let name = sentences::node_name(cluster, id);
    name.strip_prefix("The ").map_or_else(|| name.to_string(), |rest| format!("the {rest}"))
}

fn step_words(cluster: &Cluster, step: &Step) -> String {
    let who = sentences::node_name(cluster, step.node);
    let from = step.from.map_or_else(|| "somebody".to_owned(), |from| node(cluster, from));
    match step.kind {
        StepKind::Request(api) => format!("{who} received {} from {from}.", api.name()),
        StepKind::Response(api) => {
            format!("{who} had an answer to its {} from {from}.", api.name())
        }
        StepKind::Disconnected => format!("{who} lost its connection to {from}."),
        StepKind::Command => format!("{who} came to do what it was asked while it was frozen."),
        StepKind::Action(by) => format!("It began here, with what {} did.", words::actor(by)),
        StepKind::Timer => {
            let waited = cluster.log_book().step(step.cause).map(|set| step.at.since(set.at).0);
            let waited = waited.map_or_else(String::new, |micros| {
                format!(" it had set {} before", words::micros(micros))
            });
            format!("{who}: a timer{waited} ran out.")
        }
    }
}
