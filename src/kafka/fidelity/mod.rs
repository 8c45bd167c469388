//! How true the model is to Kafka, said by the code itself: what is modelled and which proof holds it
//! against Kafka, what is simplified and how, what is absent and why. The page "How true?" shows
//! these declarations; a test looks for every proof that they name.

mod clients;
mod cluster;
mod elsewhere;
mod groups;
mod storage;

/// How a part of Kafka stands in the model.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fidelity {
    /// As in Kafka, as far as anybody can tell who watches the cluster.
    Modelled,
    /// There, but with less detail than in Kafka.
    Simplified,
    /// Not there.
    Absent,
}

/// What shows that a part is as in Kafka.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Proof {
    /// Answers that Kafka's own classes gave: a file of `tests/data/vectors`, by its name.
    Vectors(&'static str),
    /// What a real cluster of three brokers did: a file of `tests/data/live`.
    Live(&'static str),
    /// A test of `tests/it`, by its name.
    Test(&'static str),
}

/// One part of Kafka.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declaration {
    /// Its name, as Kafka's documentation has it.
    pub name: &'static str,
    /// Kafka's classes, KIPs or settings that say how it works.
    pub kafka: &'static str,
    /// How it stands.
    pub fidelity: Fidelity,
    /// What the model does, leaves out, or why it has nothing of the kind.
    pub says: &'static str,
    /// What shows it; empty where there is nothing to show.
    pub proofs: &'static [Proof],
}

/// Parts that belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area {
    /// What they are about.
    pub name: &'static str,
    /// The parts.
    pub declarations: &'static [Declaration],
}

/// Everything that is declared, in the order in which one reads it.
pub const AREAS: &[Area] = &[
    Area { name: "Logs and storage", declarations: storage::LOGS },
    Area { name: "Replication", declarations: storage::REPLICATION },
    Area { name: "Controller and metadata", declarations: cluster::CONTROLLER },
    Area { name: "Producer", declarations: clients::PRODUCER },
    Area { name: "Transactions", declarations: clients::TRANSACTIONS },
    Area { name: "Consumer", declarations: clients::CONSUMER },
    Area { name: "Groups and offsets", declarations: groups::GROUPS },
    Area { name: "Network and requests", declarations: cluster::NETWORK },
    Area { name: "Around Kafka", declarations: elsewhere::AROUND },
];

const fn modelled(
    name: &'static str,
    kafka: &'static str,
    says: &'static str,
    proofs: &'static [Proof],
) -> Declaration {
    Declaration { name, kafka, fidelity: Fidelity::Modelled, says, proofs }
}

const fn simplified(
    name: &'static str,
    kafka: &'static str,
    says: &'static str,
    proofs: &'static [Proof],
) -> Declaration {
    Declaration { name, kafka, fidelity: Fidelity::Simplified, says, proofs }
}

const fn absent(name: &'static str, kafka: &'static str, says: &'static str) -> Declaration {
    Declaration { name, kafka, fidelity: Fidelity::Absent, says, proofs: &[] }
}
