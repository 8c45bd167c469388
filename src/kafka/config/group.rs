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
        if self.share_auto_offset_reset == AutoOffsetReset::None {
            // `ShareGroupAutoOffsetResetStrategy.Validator`
            let key = "share.auto.offset.reset";
            let message = format!(
                "Invalid value `none` for configuration {key}. The value must be either 'earliest', 'latest' or of \
                 the format 'by_duration:<PnDTnHnMn.nS.>'."
            );
            return Err(ConfigError::Inconsistent { key, message });
        }
        Ok(self)
    }
}

/// Settings of groups by their names.
pub type GroupConfigs = BTreeMap<Rc<str>, GroupConfig>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_group_begins_somewhere() {
        let error = GroupConfig::with([("share.auto.offset.reset", "none")]).unwrap_err();
        assert!(error.to_string().contains("either 'earliest', 'latest' or"), "{error}");
        GroupConfig::with([("share.auto.offset.reset", "by_duration:PT1H")]).unwrap();
    }
}
