//! Where Wazuh's decoders and fields are in Sigma: a table of log sources and, for each, of field names.
//!
//! Fields are given in ECS names, which every pipeline of `rules/pipelines` passes on; only Windows' event data keep
//! Sigma's own names, because there the pipeline knows several places for one.

/// A log source of the table and what Wazuh's static fields are called there.
#[derive(Debug)]
pub(super) struct Row {
    /// Decoders, by the beginning of their name.
    decoders: &'static [&'static str],
    /// Rule categories (`<category>`).
    categories: &'static [&'static str],
    product: &'static str,
    category: &'static str,
    service: &'static str,
    /// Programs that stand for the decoder, where the log source holds others too.
    programs: &'static [&'static str],
    /// Names that differ from [`FIELDS`].
    fields: &'static [(&'static str, &'static str)],
    /// What tells agents apart: Wazuh counts each agent's events by themselves. Empty where the manager itself receives.
    agent: &'static str,
}

/// Where a rule looks: a row of the table, or a decoder that the table does not know.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Known(&'static Row),
    Unknown(String),
}

const LINUX: Row = Row {
    decoders: &[],
    categories: &["syslog"],
    product: "linux",
    category: "",
    service: "",
    programs: &[],
    fields: &[],
    agent: "host.name",
};

/// A decoder whose log our pipelines know by the program alone.
const fn program(decoders: &'static [&'static str], programs: &'static [&'static str]) -> Row {
    Row { decoders, categories: &[], programs, ..LINUX }
}

const WEB: &[(&str, &str)] =
    &[("id", "http.response.status_code"), ("protocol", "http.request.method"), ("match", ""), ("regex", "")];

/// Logs that are data: our events keep the line, but no message.
const DATA: &[(&str, &str)] = &[("match", ""), ("regex", "")];

/// The first row that names the decoder (category) is taken; a longer beginning stands before a shorter.
const ROWS: &[Row] = &[
    Row { decoders: &["sshd"], categories: &[], service: "sshd", ..LINUX },
    Row { decoders: &["sudo"], categories: &[], service: "sudo", ..LINUX },
    Row { decoders: &["cron", "crond"], categories: &[], service: "cron", ..LINUX },
    Row { decoders: &["vsftpd"], categories: &[], service: "vsftpd", ..LINUX },
    Row { decoders: &["clamd"], categories: &[], service: "clamav", ..LINUX },
    Row {
        decoders: &["auditd"],
        categories: &[],
        service: "auditd",
        programs: &[],
        fields: &[("id", "auditd.log.sequence")],
        ..LINUX
    },
    Row {
        decoders: &["web-accesslog"],
        categories: &["web-log"],
        product: "",
        category: "webserver",
        service: "",
        programs: &[],
        fields: WEB,
        agent: "",
    },
    Row {
        decoders: &["apache-errorlog"],
        categories: &[],
        product: "apache",
        category: "",
        service: "error",
        programs: &[],
        fields: &[],
        agent: "",
    },
    Row {
        decoders: &["nginx-errorlog"],
        categories: &[],
        product: "nginx",
        category: "",
        service: "error",
        programs: &[],
        fields: &[],
        agent: "",
    },
    Row {
        decoders: &["squid-accesslog"],
        categories: &["squid"],
        product: "squid",
        category: "proxy",
        service: "",
        programs: &[],
        fields: WEB,
        agent: "",
    },
    Row {
        decoders: &["windows_eventchannel", "windows"],
        categories: &["windows"],
        product: "windows",
        category: "",
        service: "",
        programs: &[],
        fields: &[("match", ""), ("regex", ""), ("data", "event.provider"), ("system_name", "host.name")],
        agent: "host.name",
    },
    Row {
        decoders: &["fortigate-firewall", "fortigate"],
        categories: &[],
        product: "fortigate",
        category: "",
        service: "",
        programs: &[],
        fields: &[("match", ""), ("regex", ""), ("action", "fortinet.firewall.action")],
        agent: "",
    },
    Row {
        decoders: &["cisco-asa", "pix"],
        categories: &[],
        product: "cisco",
        category: "",
        service: "asa",
        programs: &[],
        fields: &[],
        agent: "",
    },
    Row {
        decoders: &["cisco-ios"],
        categories: &[],
        product: "cisco",
        category: "",
        service: "aaa",
        programs: &[],
        fields: &[],
        agent: "",
    },
    Row {
        decoders: &["paloalto", "panos"],
        categories: &[],
        product: "paloalto",
        category: "",
        service: "",
        programs: &[],
        fields: DATA,
        agent: "",
    },
    Row {
        decoders: &["pfsense", "pf"],
        categories: &[],
        product: "pfsense",
        category: "firewall",
        service: "",
        programs: &[],
        fields: DATA,
        agent: "",
    },
    Row {
        decoders: &[],
        categories: &["firewall"],
        product: "",
        category: "firewall",
        service: "",
        programs: &[],
        fields: DATA,
        agent: "",
    },
    LINUX,
    program(&["su"], &["su"]),
    program(&["systemd"], &["systemd", "systemd-logind"]),
    program(&["unix_chkpwd"], &["unix_chkpwd"]),
    program(&["kernel", "iptables"], &["kernel"]),
    program(&["useradd", "adduser"], &["useradd", "adduser"]),
    program(&["userdel"], &["userdel"]),
    program(&["groupadd"], &["groupadd"]),
    program(&["groupdel"], &["groupdel"]),
    program(&["dropbear"], &["dropbear"]),
    program(&["named"], &["named"]),
    program(&["dovecot"], &["dovecot"]),
    program(&["proftpd"], &["proftpd"]),
    program(&["pure-ftpd"], &["pure-ftpd"]),
    program(&["smbd"], &["smbd"]),
    program(&["openvpn"], &["openvpn"]),
    program(&["ntpd"], &["ntpd"]),
    program(&["dhcpd"], &["dhcpd"]),
    program(&["telnetd"], &["telnetd", "in.telnetd"]),
    program(&["firewalld"], &["firewalld"]),
    program(&["dockerd"], &["dockerd"]),
    program(
        &["postfix"],
        &[
            "postfix/anvil",
            "postfix/bounce",
            "postfix/cleanup",
            "postfix/local",
            "postfix/master",
            "postfix/pickup",
            "postfix/postscreen",
            "postfix/qmgr",
            "postfix/smtp",
            "postfix/smtpd",
        ],
    ),
];

/// How long a field's name may be; a YAML key ends at 1,024.
const NAME_BYTES_MAX: usize = 200;

/// Wazuh's static fields in ECS. A field that is not here has no one place.
const FIELDS: &[(&str, &str)] = &[
    ("match", "message"),
    ("regex", "message"),
    ("srcip", "source.ip"),
    ("dstip", "destination.ip"),
    ("srcport", "source.port"),
    ("dstport", "destination.port"),
    ("srcuser", "user.name"),
    ("dstuser", "user.name"),
    ("user", "user.name"),
    ("protocol", "network.transport"),
    ("action", "event.action"),
    ("url", "url.original"),
    ("id", "event.code"),
    ("hostname", "host.name"),
    ("program_name", "process.name"),
];

/// Fields of Windows' event channel that are not event data.
const WINDOWS: &[(&str, &str)] = &[
    ("eventid", "event.code"),
    ("providername", "event.provider"),
    ("channel", "winlog.channel"),
    ("computer", "host.name"),
    ("message", "message"),
    ("eventrecordid", "winlog.record_id"),
];

impl Source {
    /// The source of a decoder, by its name or the name it begins with.
    pub(super) fn of_decoder(name: &str) -> Source {
        let fits = |begin: &&str| {
            let rest = name.strip_prefix(*begin);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        };
        let row = ROWS.iter().find(|row| row.decoders.iter().any(fits));
        row.map_or_else(|| Source::Unknown(name.to_owned()), Source::Known)
    }

    pub(super) fn of_category(name: &str) -> Source {
        let row = ROWS.iter().find(|row| row.categories.contains(&name));
        row.map_or_else(|| Source::Unknown(name.to_owned()), Source::Known)
    }

    /// Sigma's `logsource`. A decoder without a row is a service of the product `wazuh`, which a pipeline may map.
    pub(super) fn logsource(&self) -> Vec<(&'static str, &str)> {
        let all = match self {
            Source::Known(row) => {
                [("product", row.product), ("category", row.category), ("service", row.service)]
            }
            Source::Unknown(decoder) => {
                [("product", "wazuh"), ("category", ""), ("service", decoder.as_str())]
            }
        };
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The log source in words.
    pub(super) fn name(&self) -> String {
        let parts = self.logsource().into_iter().chain(self.programs().iter().map(|name| ("program", *name)));
        parts.map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
    }

    /// Programs of which one must have written the event.
    pub(super) fn programs(&self) -> &'static [&'static str] {
        if let Source::Known(row) = self { row.programs } else { &[] }
    }

    /// Whether `match` and `regex` look everywhere, because the log is data and has no message.
    pub(super) fn is_data(&self) -> bool {
        self.field("match").is_some_and(|field| field.is_empty())
    }

    /// The field that tells agents apart, if each writes its own log.
    pub(super) fn agent(&self) -> Option<&'static str> {
        match self {
            Source::Known(row) if !row.agent.is_empty() => Some(row.agent),
            _ => None,
        }
    }

    /// What a static or dynamic field is called here.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let own: &[(&str, &str)] = if let Source::Known(row) = self { row.fields } else { &[] };
        if let Some((_, field)) = own.iter().chain(FIELDS).find(|(known, _)| *known == name) {
            return Some((*field).to_owned());
        }
        let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if matches!(self, Source::Unknown(_)) && name.contains('.') && name.chars().all(simple) {
            return Some(name.to_owned());
        }
        if let Some(name) = name.strip_prefix("win.system.") {
            let known = WINDOWS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
            return known.map(|(_, field)| (*field).to_owned());
        }
        let name = name.strip_prefix("win.eventdata.")?;
        let mut chars = name.chars();
        let first = chars.next().filter(|_| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))?;
        // Wazuh writes the first letter small, Windows and Sigma do not.
        Some(first.to_ascii_uppercase().to_string() + chars.as_str())
    }
}

impl Default for Source {
    /// Where a rule looks that names neither decoder nor category: the logs of Linux.
    fn default() -> Source {
        Source::of_category("syslog")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RuleFile, RuleSet};

    #[test]
    fn every_source_is_one_that_our_pipelines_give() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
        let mut files = crate::corpus::files(&folder.join("pipelines"));
        assert!(files.len() >= 8, "the pipelines are found");
        for (number, row) in ROWS.iter().enumerate() {
            let source = Source::Known(row);
            let about: String =
                source.logsource().iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
            let text = format!(
                "title: t{number}\nlogsource:\n{about}detection:\n  s: {{source.ip|exists: true}}\n  condition: s\n"
            );
            files.push(RuleFile { path: source.name(), text });
        }
        let set = RuleSet::compile(&files).unwrap();
        assert_eq!(set.unmapped(), []);
    }

    #[test]
    fn ecs_names_are_those_of_the_dictionary() {
        let rows = ROWS.iter().flat_map(|row| row.fields);
        let ours =
            |name: &str| !["winlog.", "auditd.", "fortinet."].iter().any(|space| name.starts_with(space));
        for (_, name) in
            FIELDS.iter().chain(WINDOWS).chain(rows).filter(|(_, name)| ours(name) && !name.is_empty())
        {
            assert!(event::Field::by_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn decoders_and_fields_are_found() {
        let name = |decoder: &str| Source::of_decoder(decoder).name();
        assert_eq!(name("sshd"), "product linux, service sshd");
        assert_eq!(name("windows_eventchannel"), "product windows");
        assert_eq!(name("fortigate-firewall-v5"), "product fortigate");
        assert_eq!(name("sshdx"), "product wazuh, service sshdx");
        assert_eq!(name("su"), "product linux, program su");
        assert_eq!(Source::default().name(), "product linux");
        assert_eq!(Source::of_decoder("json").field("aws.eventName").as_deref(), Some("aws.eventName"));
        let windows = Source::of_category("windows");
        assert_eq!(windows.field("win.eventdata.targetUserName").as_deref(), Some("TargetUserName"));
        assert_eq!(windows.field("win.system.eventID").as_deref(), Some("event.code"));
        assert_eq!(windows.field("win.system.severityValue"), None);
        assert_eq!(Source::of_category("web-log").field("id").as_deref(), Some("http.response.status_code"));
    }
}
