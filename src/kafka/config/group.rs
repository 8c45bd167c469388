//! Settings of single groups (`GroupConfig`, `kafka-configs --entity-type groups`).

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{AutoOffsetReset, ConfigError, PostProcess, config_table};

config_table! {
    /// Settings of one group, under Kafka's names and defaults.
    GroupConfig, "group";
    /// Where a share group begins with a partition.
    "share.auto.offset.reset" share_auto_offset_reset: AutoOffsetReset ["STRING"] = AutoOffsetReset::Latest;
}

impl PostProcess for GroupConfig {
    fn post_process(self, _is_set: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

/// Settings of groups by their names.
pub type GroupConfigs = BTreeMap<Rc<str>, GroupConfig>;
