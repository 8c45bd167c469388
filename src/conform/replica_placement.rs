//! `replica_placement`: brokers and scripted random draws in, replicas of new partitions out.

use std::rc::Rc;

use serde::Deserialize;

use super::{Failure, demand, parse, same};
use crate::base::NodeId;
use crate::kafka::controller::placement::{UsableBroker, place_replicas};

#[derive(Deserialize)]
struct Vector {
    brokers_in_iteration_order: Vec<Broker>,
    partitions: usize,
    replication_factor: i16,
    /// Pairs of a bound and the value drawn below it, in the order of the draws.
    random_draws_bound_value: Vec<(usize, usize)>,
    assignment: Option<Vec<Vec<NodeId>>>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Broker {
    id: NodeId,
    rack: Option<Rc<str>>,
    fenced: bool,
}

/// More partitions than any vector has; keeps a wrong number from filling the memory.
const MAX_PARTITIONS: usize = 100_000;

pub(super) fn check(vector: &str) -> Result<(), Failure> {
    let vector: Vector = parse(vector)?;
    demand(vector.partitions <= MAX_PARTITIONS, "partitions: too many")?;
    let brokers: Vec<UsableBroker> = vector
        .brokers_in_iteration_order
        .into_iter()
        .map(|Broker { id, rack, fenced }| UsableBroker { id, rack, fenced })
        .collect();

    let mut script = vector.random_draws_bound_value.iter();
    let mut bounds_drawn = Vec::new();
    let placed =
        place_replicas(&brokers, vector.partitions, vector.replication_factor, &mut |bound| {
            bounds_drawn.push(bound);
            script.next().map_or(0, |&(_, value)| value.min(bound.saturating_sub(1)))
        });

    match placed {
        Ok(assignment) => same("assignment", &vector.assignment, &Some(assignment))?,
        Err(error) => same("message", &vector.message, &Some(error.to_string()))?,
    }
    let bounds: Vec<usize> =
        vector.random_draws_bound_value.iter().map(|&(bound, _)| bound).collect();
    same("bounds of the random draws", &bounds, &bounds_drawn)
}
