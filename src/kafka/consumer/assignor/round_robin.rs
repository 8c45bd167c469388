//! `RoundRobinAssignor`: all partitions in order of topic and index, dealt to the members in turn.

use std::rc::Rc;

use super::{Assignment, Members, Topics, sort_as_member_info};

pub(super) fn assign(topics: &Topics, members: &Members) -> Assignment {
    let mut assignment: Assignment =
        members.iter().map(|(id, _)| (Rc::clone(id), Vec::new())).collect();
    let mut dealt: Vec<_> = members.iter().collect();
    sort_as_member_info(&mut dealt);

    let mut turn = 0;
    for (topic, metadata) in topics {
        for partition in 0..metadata.partitions {
            let Some(steps) = (0..dealt.len())
                .find(|step| dealt[(turn + step) % dealt.len()].1.topics.contains(topic))
            else {
                break;
            };
            let at = (turn + steps) % dealt.len();
            let list = assignment.get_mut(&dealt[at].0).expect("every member has a list");
            list.push((Rc::clone(topic), partition));
            turn = at + 1;
        }
    }
    assignment
}
