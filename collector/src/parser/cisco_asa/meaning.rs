//! What a message number means in ECS: action, category, type, outcome.

use super::Product;
use super::text::Found;
use event::{Draft, Field};

/// Sets the categorisation of a firewall's message.
pub(super) fn put(code: u32, product: Product, found: &Found, draft: &mut Draft<'_>) {
    let denied = (if product == Product::Ftd { "info" } else { "connection" }, "denied");
    let allowed = (denied.0, "allowed");
    match code {
        106_100..=106_103 if found.permitted == Some(true) => rule(allowed, "success", draft),
        // Elastic's ASA pipeline calls a denial the firewall's success; its FTD pipeline calls it a failure.
        106_007 | 304_002 => rule(("info", "denied"), "failure", draft),
        106_001..=106_103 | 313_001..=313_009 | 710_003 | 322_001 => {
            rule(denied, if product == Product::Ftd { "failure" } else { "success" }, draft);
        }
        110_002 | 338_005..=338_008 | 338_203 | 338_204 | 710_005 => {
            rule(if code < 700_000 { denied } else { ("connection", "denied") }, "failure", draft);
        }
        304_001 | 605_005 => rule(allowed, "success", draft),
        113_019 => flow("client-vpn-disconnected", "end", draft),
        113_029..=113_038 | 113_040 => {
            flow("client-vpn-error", "error", draft);
            draft.word(Field::EVENT_TYPE, "denied");
        }
        113_039 => {
            flow("client-vpn-connected", "start", draft);
            draft.word(Field::EVENT_CATEGORY, "session");
        }
        302_014 | 302_016 | 302_018 | 302_021 | 302_304 | 302_306 | 305_012 | 609_001 | 609_002 => {
            flow("flow-expiration", "end", draft);
        }
        302_020 => flow("flow-creation", "start", draft),
        434_002 => {
            draft.word(Field::EVENT_ACTION, "drop");
            draft.word(Field::EVENT_CATEGORY, "network");
        }
        602_303 => security_association("created", "creation", draft),
        602_304 => security_association("deleted", "deletion", draft),
        713_901..=713_906 => {
            draft.word(Field::EVENT_ACTION, "error");
            draft.word(Field::EVENT_CATEGORY, "network");
            draft.word(Field::EVENT_TYPE, "error");
            draft.word(Field::EVENT_OUTCOME, "failure");
        }
        113_004 | 113_008 | 113_009 | 113_012 | 611_101 | 734_001 | 716_001 | 716_038 => {
            authentication(true, draft);
        }
        113_005 | 113_015..=113_017 | 113_021 | 605_004 | 611_102 | 716_039 | 109_006 | 308_001 => {
            authentication(false, draft);
        }
        _ => {
            draft.word(Field::EVENT_ACTION, "firewall-rule");
            draft.word(Field::EVENT_CATEGORY, "network");
            draft.word(Field::EVENT_TYPE, "info");
        }
    }
}

fn rule(types: (&'static str, &'static str), outcome: &'static str, draft: &mut Draft<'_>) {
    draft.word(Field::EVENT_ACTION, "firewall-rule");
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, types.0);
    draft.word(Field::EVENT_TYPE, types.1);
    draft.word(Field::EVENT_OUTCOME, outcome);
}

fn flow(action: &'static str, kind: &'static str, draft: &mut Draft<'_>) {
    draft.word(Field::EVENT_ACTION, action);
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, "connection");
    draft.word(Field::EVENT_TYPE, kind);
}

fn security_association(action: &'static str, kind: &'static str, draft: &mut Draft<'_>) {
    draft.word(Field::EVENT_ACTION, action);
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, "info");
    draft.word(Field::EVENT_TYPE, kind);
    draft.word(Field::EVENT_OUTCOME, "success");
    draft.word(Field::NETWORK_TYPE, "ipsec");
}

fn authentication(succeeded: bool, draft: &mut Draft<'_>) {
    draft.word(Field::EVENT_ACTION, if succeeded { "logged-in" } else { "logon-failed" });
    draft.word(Field::EVENT_CATEGORY, "authentication");
    draft.word(Field::EVENT_CATEGORY, "network");
    draft.word(Field::EVENT_TYPE, if succeeded { "allowed" } else { "denied" });
    draft.word(Field::EVENT_TYPE, "info");
    draft.word(Field::EVENT_OUTCOME, if succeeded { "success" } else { "failure" });
}
