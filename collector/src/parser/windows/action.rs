//! What an event of a number is, in ECS's words. The numbers are Microsoft's; the actions are those that Elastic's
//! integration made common.

use event::{Draft, Field};

type Meaning = (&'static str, &'static [&'static str], &'static str);

/// Sets category, type and action of a Security event.
pub(super) fn security(code: u32, draft: &mut Draft<'_>) {
    let Some((category, kinds, action)) = account(code).or_else(|| system(code)) else { return };
    set(category, kinds, action, draft);
    // What belongs to two categories.
    match code {
        4670 | 4718 | 4719 | 4817 | 4902 | 4907 => draft.word(Field::EVENT_CATEGORY, "configuration"),
        4697..=4702 => draft.word(Field::EVENT_CATEGORY, "iam"),
        4778 | 4779 => draft.word(Field::EVENT_CATEGORY, "session"),
        5140 | 5145 => draft.word(Field::EVENT_CATEGORY, "file"),
        _ => {}
    }
}

/// What happened to the system, its objects and its sessions.
fn system(code: u32) -> Option<Meaning> {
    Some(match code {
        1100 => ("process", &["end"], "logging-service-shutdown"),
        1102 => ("iam", &["admin", "change"], "audit-log-cleared"),
        1104 => ("iam", &["admin"], "logging-full"),
        4624 => ("authentication", &["start"], "logged-in"),
        4625 => ("authentication", &["start"], "logon-failed"),
        4634 | 4647 => ("authentication", &["end"], "logged-out"),
        4648 => ("authentication", &["start"], "logged-in-explicit"),
        4649 => ("authentication", &["info"], "replay-attack-detected"),
        4656 => ("file", &["access"], "object-handle-requested"),
        4663 => ("file", &["access"], "object-accessed"),
        4670 => ("iam", &["admin", "change"], "permissions-changed"),
        4672 => ("iam", &["admin"], "logged-in-special"),
        4673 => ("iam", &["admin"], "privileged-service-called"),
        4674 => ("iam", &["admin"], "privileged-operation"),
        4688 => ("process", &["start"], "created-process"),
        4689 => ("process", &["end"], "exited-process"),
        4697 => ("configuration", &["change", "admin"], "service-installed"),
        4698 => ("configuration", &["creation", "admin"], "scheduled-task-created"),
        4699 => ("configuration", &["deletion", "admin"], "scheduled-task-deleted"),
        4700 => ("configuration", &["change", "admin"], "scheduled-task-enabled"),
        4701 => ("configuration", &["change", "admin"], "scheduled-task-disabled"),
        4702 => ("configuration", &["change", "admin"], "scheduled-task-updated"),
        4706 => ("configuration", &["creation"], "domain-trust-added"),
        4707 => ("configuration", &["deletion"], "domain-trust-removed"),
        4713 => ("configuration", &["change"], "kerberos-policy-changed"),
        4718 => ("iam", &["admin", "deletion"], "system-security-access-removed"),
        4719 => ("iam", &["admin", "change"], "changed-audit-config"),
        4739 => ("configuration", &["change"], "domain-policy-changed"),
        4768 => ("authentication", &["start"], "kerberos-authentication-ticket-requested"),
        4769 => ("authentication", &["start"], "kerberos-service-ticket-requested"),
        4770 => ("authentication", &["start"], "kerberos-service-ticket-renewed"),
        4771 => ("authentication", &["start"], "kerberos-preauth-failed"),
        4776 => ("authentication", &["start"], "credential-validated"),
        4778 => ("authentication", &["start"], "session-reconnected"),
        4779 => ("authentication", &["end"], "session-disconnected"),
        4817 => ("iam", &["admin", "change"], "object-audit-changed"),
        4902 => ("iam", &["admin", "creation"], "user-audit-policy-created"),
        4907 => ("iam", &["admin", "change"], "audit-setting-changed"),
        5140 => ("network", &["info", "access"], "network-share-object-accessed"),
        5145 => ("network", &["info", "access"], "network-share-object-access-checked"),
        5379 => ("iam", &["user", "info"], "credential-manager-credentials-were-read"),
        5380 => ("iam", &["user", "info"], "vault-credentials-find"),
        5381 | 5382 => ("iam", &["user", "info"], "vault-credentials-were-read"),
        _ => return None,
    })
}

/// What happened to users, groups and computers.
fn account(code: u32) -> Option<Meaning> {
    Some(match code {
        4720 => ("iam", &["user", "creation"], "added-user-account"),
        4722 => ("iam", &["user", "change"], "enabled-user-account"),
        4723 => ("iam", &["user", "change"], "changed-password"),
        4724 => ("iam", &["user", "change"], "reset-password"),
        4725 => ("iam", &["user", "deletion"], "disabled-user-account"),
        4726 => ("iam", &["user", "deletion"], "deleted-user-account"),
        4727 | 4731 | 4754 => ("iam", &["group", "creation"], "added-group-account"),
        4728 | 4732 | 4756 => ("iam", &["group", "change"], "added-member-to-group"),
        4729 | 4733 | 4757 => ("iam", &["group", "change"], "removed-member-from-group"),
        4730 | 4734 | 4758 => ("iam", &["group", "deletion"], "deleted-group-account"),
        4735 | 4737 | 4755 => ("iam", &["group", "change"], "modified-group-account"),
        4738 => ("iam", &["user", "change"], "modified-user-account"),
        4740 => ("iam", &["user", "change"], "locked-out-user-account"),
        4741 => ("iam", &["creation", "admin"], "added-computer-account"),
        4742 => ("iam", &["change", "admin"], "changed-computer-account"),
        4743 => ("iam", &["deletion", "admin"], "deleted-computer-account"),
        4744 | 4749 | 4759 => ("iam", &["group", "creation"], "added-distribution-group-account"),
        4745 | 4750 | 4760 => ("iam", &["group", "change"], "changed-distribution-group-account"),
        4746 | 4751 | 4761 => ("iam", &["group", "change"], "added-member-to-distribution-group"),
        4747 | 4752 | 4762 => ("iam", &["group", "change"], "removed-member-from-distribution-group"),
        4748 | 4753 | 4763 => ("iam", &["group", "deletion"], "deleted-distribution-group-account"),
        4764 => ("iam", &["group", "change"], "type-changed-group-account"),
        4767 => ("iam", &["user", "change"], "unlocked-user-account"),
        4781 => ("iam", &["user", "change"], "renamed-user-account"),
        4797 => ("iam", &["user", "info"], "query-existence-of-blank-password"),
        _ => return None,
    })
}

/// The events whose `Target…` is the acting user: logons and Kerberos.
pub(super) fn target_is_user(code: u32) -> bool {
    matches!(code, 4624 | 4625 | 4634 | 4647 | 4768..=4771 | 4776 | 4778 | 4779)
}

/// The events whose `Target…` is a group.
pub(super) fn is_group(code: u32) -> bool {
    matches!(code, 4727..=4735 | 4737 | 4744..=4764)
}

/// Sets category, type and action of a PowerShell event.
pub(super) fn power_shell(code: u32, draft: &mut Draft<'_>) {
    draft.word(Field::EVENT_CATEGORY, "process");
    let kind = match code {
        400 | 4105 => "start",
        403 | 4106 => "end",
        _ => "info",
    };
    draft.word(Field::EVENT_TYPE, kind);
}

/// Sets category, type and action of a Microsoft Defender event.
pub(super) fn defender(code: u32, draft: &mut Draft<'_>) {
    draft.word(Field::OBSERVER_VENDOR, "Microsoft");
    draft.word(Field::OBSERVER_PRODUCT, "Defender");
    match code {
        1006 | 1015 | 1116 => set("malware", &["info"], "threat-detected", draft),
        1007 | 1117 => set("malware", &["info"], "threat-handled", draft),
        1008 | 1118 | 1119 => set("malware", &["info"], "threat-not-handled", draft),
        5001 | 5010 | 5012 => return set("configuration", &["change"], "protection-disabled", draft),
        5007 => return set("configuration", &["change"], "protection-changed", draft),
        _ => return,
    }
    draft.word(Field::EVENT_KIND, "alert");
}

/// Sets category, type and action of an event of the System log or any other.
pub(super) fn other(code: u32, draft: &mut Draft<'_>) {
    match code {
        7045 => set("configuration", &["creation"], "service-installed", draft),
        104 => set("iam", &["admin", "change"], "event-log-cleared", draft),
        _ => {}
    }
}

fn set(category: &'static str, kinds: &[&'static str], action: &'static str, draft: &mut Draft<'_>) {
    draft.word(Field::EVENT_CATEGORY, category);
    for kind in kinds {
        draft.word(Field::EVENT_TYPE, kind);
    }
    draft.word(Field::EVENT_ACTION, action);
}
