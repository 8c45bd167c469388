//! Quotas of clients (`ClientQuotaControlManager`, KIP-546).

use super::state::{ControllerResult, ControllerState};
use crate::kafka::metadata::MetadataRecord;
use crate::kafka::protocol::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, ApiError, ErrorCode,
};
use crate::kafka::quota::{ClientQuotaEntity, ClientQuotaType};

/// Keys that Kafka takes here and the model has nothing of.
const NOT_MODELLED: [&str; 2] = ["request_percentage", "controller_mutation_rate"];

fn kind(key: &str) -> Result<ClientQuotaType, ApiError> {
    let known = ClientQuotaType::ALL.into_iter().find(|kind| kind.key() == key);
    known.ok_or_else(|| {
        let message = if NOT_MODELLED.contains(&key) {
            format!("Kafka has the quota {key}; this simulator does not model it")
        } else {
            format!("Invalid configuration key {key}")
        };
        ApiError::new(ErrorCode::InvalidRequest, message)
    })
}

fn records(
    entity: &ClientQuotaEntity,
    changes: &[(std::rc::Rc<str>, Option<u64>)],
) -> Result<Vec<MetadataRecord>, ApiError> {
    if entity.user.is_none() && entity.client_id.is_none() {
        let message = "Invalid empty client quota entity";
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    }
    let record = |(key, value): &(std::rc::Rc<str>, Option<u64>)| {
        let kind = kind(key)?;
        if *value == Some(0) {
            let message = format!("Quota {key} must be greater than 0");
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
        Ok(MetadataRecord::ClientQuota { entity: entity.clone(), kind, value: *value })
    };
    changes.iter().map(record).collect()
}

impl ControllerState {
    /// Changes quotas: for each entity all of its changes or none.
    pub fn alter_client_quotas(
        request: &AlterClientQuotasRequest,
    ) -> ControllerResult<AlterClientQuotasResponse> {
        let (mut all, mut entries) = (Vec::new(), Vec::new());
        for (entity, changes) in &request.entries {
            let altered = records(entity, changes).map(|records| all.extend(records));
            entries.push((entity.clone(), altered));
        }
        ControllerResult { records: all, response: AlterClientQuotasResponse { entries } }
    }
}
