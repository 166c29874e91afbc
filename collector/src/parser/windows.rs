//! Windows events as JSON: winlogbeat (`winlog`), NXLog (flat) and the event itself (`Event.System`,
//! `Event.EventData`); the last also as XML.
//!
//! One walk over the document: what a value means depends on the event's number and channel, which are therefore
//! looked up beforehand. Everything the event says is also kept under its own name in `winlog.event_data`.

mod action;
mod sysmon;
mod xml;

use super::mark::after;
use super::{Line, ParseError, Parser, mark, stamp};
use event::{Draft, Field, Raw, Value, json};

pub(super) const PARSER: Parser = Parser { name: "windows", product: None, prose: false, sniff, parse };

const DATA: &str = "winlog.event_data";

fn sniff(line: &Line<'_>) -> bool {
    let has = |key: &str| mark::find(line.message, key).is_some();
    xml::is(line.message) && has("<EventID")
        || line.message.starts_with('{')
            && (has("\"winlog\":") || has("\"EventID\":") && (has("\"Channel\":") || has("\"SourceName\":")))
}

/// Which mapping applies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Security,
    Sysmon,
    PowerShell,
    Defender,
    Other,
}

struct Reading<'d, 'r> {
    draft: &'d mut Draft<'r>,
    raw: &'d Raw<'r>,
    class: Class,
    code: u32,
    /// The name of the `<Data Name="…">` whose text comes next.
    data_name: String,
    /// Whether the event's own time is known, so that the log's and the shipper's no longer matter.
    own_time: bool,
    log_time: bool,
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let text = line.message;
    let is_xml = xml::is(text);
    let code = if is_xml { xml::element(text, "EventID") } else { code(text) };
    let code = code.ok_or(ParseError::Missing("EventID"))?;
    let class = if is_xml { xml_class(text) } else { class(text) };
    line.header.put_process(draft);
    super::origin(draft, "windows", "windows.forwarded");
    draft.put(Field::EVENT_CODE, code);
    let number = code.parse().unwrap_or(0);
    match class {
        Class::Security => action::security(number, draft),
        Class::Sysmon => sysmon::categories(number, draft),
        Class::PowerShell => action::power_shell(number, draft),
        Class::Defender => action::defender(number, draft),
        Class::Other => action::other(number, draft),
    }
    let raw = line.raw;
    let data_name = String::new();
    let mut reading =
        Reading { draft, raw, class, code: number, data_name, own_time: false, log_time: false };
    if is_xml {
        xml::walk(text, &mut |path, key, value| reading.leaf(path, key, Value::Text(value)));
        return Ok(());
    }
    json::walk(text, &mut |path, key, value| reading.leaf(path, key, value))
        .map_err(|error| ParseError::Malformed { at: error.column() })
}

/// The value of the first of the keys: a number, its text, or an object that holds it (`{"#text": 4624}`).
fn code(text: &str) -> Option<&str> {
    let at = ["\"event_id\":", "\"EventID\":", "\"code\":"].iter().find_map(|key| after(text, key))?;
    // `{"Qualifiers": 16384, "#text": 7045}`: the number beside the attributes.
    let at = match at.trim_start().strip_prefix('{') {
        Some(object) => after(object, "\"#text\":").or_else(|| after(object, "\"Value\":")).unwrap_or(object),
        None => at,
    };
    let digits_at = at.bytes().take(40).position(|byte| byte.is_ascii_digit())?;
    let digits = at.get(digits_at..)?;
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    digits.get(..len).filter(|digits| digits.len() <= 9)
}

fn class(text: &str) -> Class {
    let named = |key: &str| {
        let rest = after(text, key)?.trim_start().strip_prefix('"')?;
        rest.split('"').next()
    };
    let channel = named("\"channel\":").or_else(|| named("\"Channel\":")).unwrap_or_default();
    let provider =
        || ["\"provider_name\":", "\"SourceName\":", "\"Name\":"].iter().find_map(|key| named(key));
    let of = class_of;
    // A forwarded event's channel is `ForwardedEvents`: then its provider tells.
    match of(channel) {
        Class::Other => provider().map_or(Class::Other, of),
        class => class,
    }
}

fn class_of(name: &str) -> Class {
    match name {
        "Security" | "Microsoft-Windows-Security-Auditing" | "Microsoft-Windows-Eventlog" => Class::Security,
        name if name.starts_with("Microsoft-Windows-Sysmon") => Class::Sysmon,
        name if name.contains("PowerShell") => Class::PowerShell,
        name if name.starts_with("Microsoft-Windows-Windows Defender") => Class::Defender,
        _ => Class::Other,
    }
}

fn xml_class(text: &str) -> Class {
    match xml::element(text, "Channel").map_or(Class::Other, class_of) {
        Class::Other => xml::attribute(text, "Provider", "Name").map_or(Class::Other, class_of),
        class => class,
    }
}

impl Reading<'_, '_> {
    fn leaf(&mut self, path: &str, key: &str, value: Value<'_>) {
        let text = value.to_text();
        let text = text.as_ref();
        match path {
            "winlog.event_data" | "winlog.user_data" | "Event.EventData" | "EventData" => {
                self.data(key, text);
            }
            "winlog" => self.winlog(key, text),
            "winlog.process" if key == "pid" => self.extra("process.pid", text),
            "winlog.process.thread" if key == "id" => self.extra("process.thread.id", text),
            "winlog.user" => self.system_user(key, text),
            "" => self.flat(key, text),
            "host" if key == "name" => self.host(text),
            "event" if key == "outcome" => self.outcome(text),
            "event" if key == "provider" => self.draft.put(Field::EVENT_PROVIDER, text),
            "log" if key == "level" => self.level(text),
            _ => self.raw_event(path, key, text),
        }
    }

    /// `Event.System.…` and the less usual shapes of the data.
    fn raw_event(&mut self, path: &str, key: &str, text: &str) {
        let path = path.strip_prefix("Event.").unwrap_or(path);
        if let Some(path) = path.strip_prefix("System") {
            match (path, key) {
                ("", "Computer") => self.host(text),
                ("", "Level") => self.level(text),
                ("", "Keywords") => self.outcome(text),
                ("", "Channel") => self.extra("channel", text),
                ("", "EventRecordID") => self.extra("record_id", text),
                ("", "Task") => self.extra("task", text),
                (".Execution" | ".Execution.#attributes", "ProcessID") => self.extra("process.pid", text),
                (".Execution" | ".Execution.#attributes", "ThreadID") => {
                    self.extra("process.thread.id", text);
                }
                (".Security" | ".Security.#attributes", "UserID") => self.system_user("identifier", text),
                (_, "SystemTime") => self.time(text),
                (_, "Name") if path.starts_with(".Provider") => self.draft.put(Field::EVENT_PROVIDER, text),
                _ => {}
            }
        } else if path == "EventData.Data" {
            match key {
                "Name" | "@Name" | "-Name" => {
                    self.data_name.clear();
                    self.data_name.push_str(text);
                }
                _ => {
                    let name = std::mem::take(&mut self.data_name);
                    self.data(if name.is_empty() { "Data" } else { &name }, text);
                    self.data_name = name;
                    self.data_name.clear();
                }
            }
        } else if path.starts_with("UserData") || path.starts_with("winlog.user_data") {
            self.data(key, text);
        } else if let Some(path) = path.strip_prefix("winlog.") {
            self.draft.extra("winlog", &[path, ".", key].concat(), text);
        }
    }

    fn winlog(&mut self, key: &str, text: &str) {
        match key {
            "computer_name" => self.host(text),
            "time_created" => self.time(text),
            "provider_name" => {
                self.draft.put(Field::EVENT_PROVIDER, text);
                self.extra(key, text);
            }
            "level" => self.level(text),
            "outcome" => self.outcome(text),
            "keywords" => {
                self.outcome(text);
                self.extra(key, text);
            }
            "task" => {
                if self.class != Class::Security
                    && !text.is_empty()
                    && !text.bytes().all(|byte| byte.is_ascii_digit())
                {
                    self.draft.put(Field::EVENT_ACTION, text);
                }
                self.extra(key, text);
            }
            _ => self.extra(key, text),
        }
    }

    /// NXLog puts the system's and the event's own fields side by side.
    fn flat(&mut self, key: &str, text: &str) {
        match key {
            "@timestamp" => self.shipper_time(text),
            "EventTime" | "TimeCreated" => self.time(text),
            "Hostname" | "Computer" | "hostname" => self.host(text),
            "SourceName" | "ProviderName" => self.draft.put(Field::EVENT_PROVIDER, text),
            "Channel" => self.extra("channel", text),
            "RecordNumber" => self.extra("record_id", text),
            "Severity" => self.level(&text.to_ascii_lowercase()),
            "EventType" if text.starts_with("AUDIT_") || self.class != Class::Sysmon => self.outcome(text),
            "Keywords" => self.outcome(text),
            "message" | "Message" => self.draft.put(Field::MESSAGE, text),
            "UserID" => self.system_user("identifier", text),
            "AccountName" => self.system_user("name", text),
            "Domain" => self.system_user("domain", text),
            "ExecutionProcessID" => self.extra("process.pid", text),
            "EventID" | "EventReceivedTime" | "SeverityValue" | "SourceModuleName" | "SourceModuleType"
            | "EventTypeValue" | "OpcodeValue" | "ThreadID" | "Version" | "AccountType" => {
                self.extra(key, text);
            }
            // NXLog's ProcessID is the logging service's; the event's own is ProcessId.
            "ProcessID" => self.extra("process.pid", text),
            _ => self.data(key, text),
        }
    }

    fn extra(&mut self, key: &str, text: &str) {
        self.draft.extra("winlog", key, text);
    }

    fn host(&mut self, text: &str) {
        self.draft.put(Field::HOST_NAME, text);
    }

    /// When the log took it.
    fn time(&mut self, text: &str) {
        self.extra("time_created", text);
        if let Some(time) = stamp::whole(text, self.raw) {
            self.log_time = true;
            if !self.own_time {
                self.draft.date(Field::TIMESTAMP, time);
            }
        }
    }

    /// When the shipper took it: better than nothing.
    fn shipper_time(&mut self, text: &str) {
        if !self.own_time
            && !self.log_time
            && let Some(time) = stamp::whole(text, self.raw)
        {
            self.draft.date(Field::TIMESTAMP, time);
        }
    }

    /// Sysmon's own time, always UTC: `2026-07-01 00:00:00.123`.
    fn sysmon_time(&mut self, text: &str) {
        let time = text.split_once(' ').and_then(|(date, time)| stamp::date_and_time(date, time, 0));
        if let Some(time) = time {
            self.own_time = true;
            self.draft.date(Field::TIMESTAMP, time);
        }
    }

    fn level(&mut self, text: &str) {
        let word = match text {
            "1" => "critical",
            "2" => "error",
            "3" => "warning",
            "0" | "4" => "information",
            "5" => "verbose",
            other => return self.draft.put(Field::LOG_LEVEL, other),
        };
        self.draft.word(Field::LOG_LEVEL, word);
    }

    /// In words, or as the two bits of `Keywords` that stand for an audit's outcome.
    fn outcome(&mut self, text: &str) {
        let word = match text {
            "success" | "Audit Success" | "AUDIT_SUCCESS" | "0x8020000000000000" | "-9214364837600034816" => {
                "success"
            }
            "failure" | "Audit Failure" | "AUDIT_FAILURE" | "0x8010000000000000" | "-9218868437227405312" => {
                "failure"
            }
            _ => return,
        };
        self.draft.word(Field::EVENT_OUTCOME, word);
    }

    /// On whose behalf the event was logged. Only Sysmon and PowerShell have nothing better.
    fn system_user(&mut self, key: &str, text: &str) {
        let field = match key {
            "identifier" => Field::USER_ID,
            "name" => Field::USER_NAME,
            "domain" => Field::USER_DOMAIN,
            _ => return,
        };
        if self.class == Class::Security || self.draft.so_far().get(field).is_some() {
            return;
        }
        // Sysmon names the process's user itself; its own account would only mislead.
        if self.class != Class::Sysmon || field == Field::USER_ID {
            self.draft.put(field, text);
        }
    }

    fn data(&mut self, key: &str, text: &str) {
        if text.is_empty() || text == "-" {
            return;
        }
        self.draft.extra(DATA, key, text);
        match self.class {
            Class::Security => self.security(key, text),
            Class::Sysmon if key == "UtcTime" => self.sysmon_time(text),
            Class::Sysmon => sysmon::data(self.code, key, text, self.draft),
            Class::Defender => self.defender(key, text),
            Class::PowerShell => self.power_shell(key, text),
            Class::Other => {
                if key == "ServiceName" {
                    self.draft.put(Field::SERVICE_NAME, text);
                } else if key == "ImagePath" {
                    self.draft.put(Field::PROCESS_COMMAND_LINE, text);
                }
            }
        }
    }

    fn security(&mut self, key: &str, text: &str) {
        let group = action::is_group(self.code);
        let target_is_user = action::target_is_user(self.code);
        let field = match key {
            "SubjectUserName" if !target_is_user => Field::USER_NAME,
            "SubjectDomainName" if !target_is_user => Field::USER_DOMAIN,
            "SubjectUserSid" if !target_is_user => Field::USER_ID,
            "TargetUserName" | "AccountName" if target_is_user => {
                self.draft.put(Field::USER_NAME, text.split_once('@').map_or(text, |(name, _)| name));
                return;
            }
            "TargetDomainName" | "AccountDomain" if target_is_user => Field::USER_DOMAIN,
            "TargetUserSid" | "TargetSid" if target_is_user => Field::USER_ID,
            "TargetUserName" if group => Field::GROUP_NAME,
            "TargetDomainName" if group => Field::GROUP_DOMAIN,
            "TargetSid" if group => Field::GROUP_ID,
            "TargetUserName" if matches!(self.code, 4648 | 4688) => Field::USER_EFFECTIVE_NAME,
            "TargetUserName" | "OldTargetUserName" => Field::USER_TARGET_NAME,
            "TargetDomainName" => Field::USER_TARGET_DOMAIN,
            "TargetSid" | "TargetUserSid" => Field::USER_TARGET_ID,
            "NewTargetUserName" => Field::USER_CHANGES_NAME,
            "MemberName" => {
                let name =
                    text.split_once("CN=").map_or(text, |(_, rest)| rest.split(',').next().unwrap_or(rest));
                self.draft.put(Field::USER_TARGET_NAME, name);
                return;
            }
            "ServiceName" => Field::SERVICE_NAME,
            "WorkstationName" | "Workstation" | "ClientName" => Field::SOURCE_DOMAIN,
            "IpAddress" | "ClientAddress" => {
                if let Ok(ip) = text.parse() {
                    self.draft.ip(Field::SOURCE_IP, ip);
                }
                return;
            }
            "IpPort" => Field::SOURCE_PORT,
            "ProcessName" | "NewProcessName" => {
                return path(text, Field::PROCESS_EXECUTABLE, Field::PROCESS_NAME, self.draft);
            }
            "ParentProcessName" => {
                return path(text, Field::PROCESS_PARENT_EXECUTABLE, Field::PROCESS_PARENT_NAME, self.draft);
            }
            "NewProcessId" => return pid(text, Field::PROCESS_PID, self.draft),
            "ProcessId" if self.code == 4688 => return pid(text, Field::PROCESS_PARENT_PID, self.draft),
            "ProcessId" => return pid(text, Field::PROCESS_PID, self.draft),
            "CommandLine" => Field::PROCESS_COMMAND_LINE,
            "ShareLocalPath" => Field::FILE_DIRECTORY,
            "RelativeTargetName" => Field::FILE_NAME,
            "ObjectName" if matches!(self.code, 4656 | 4663) => {
                return path(text, Field::FILE_PATH, Field::FILE_NAME, self.draft);
            }
            _ => return,
        };
        self.draft.put(field, text);
    }

    fn defender(&mut self, key: &str, text: &str) {
        match key {
            "Threat Name" => self.draft.put(Field::RULE_NAME, text),
            "Severity Name" => self.draft.put(Field::LOG_LEVEL, text),
            "Action Name" => self.draft.put(Field::EVENT_REASON, text),
            // `file:_C:\a.exe; containerfile:_C:\b.zip`: the first.
            "Path" => {
                let first = text.split("; ").next().unwrap_or(text);
                path(
                    first.split_once(":_").map_or(first, |(_, path)| path),
                    Field::FILE_PATH,
                    Field::FILE_NAME,
                    self.draft,
                );
            }
            "Process Name" => path(text, Field::PROCESS_EXECUTABLE, Field::PROCESS_NAME, self.draft),
            "Detection User" => account(text, self.draft),
            _ => {}
        }
    }

    fn power_shell(&mut self, key: &str, text: &str) {
        match key {
            "Path" => path(text, Field::FILE_PATH, Field::FILE_NAME, self.draft),
            // Lines of `name=value`, or `name = value`.
            "ContextInfo" | "param2" | "param3" | "Data" => {
                for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
                    match name.trim() {
                        "HostApplication" | "Host Application" => {
                            self.draft.put(Field::PROCESS_COMMAND_LINE, value.trim());
                        }
                        "UserId" | "User" => account(value.trim(), self.draft),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// A path and the name at its end.
fn path(text: &str, whole: Field, name: Field, draft: &mut Draft<'_>) {
    draft.put(whole, text);
    draft.put(name, text.rsplit_once(['\\', '/']).map_or(text, |(_, name)| name));
}

/// `DOMAIN\name`
fn account(text: &str, draft: &mut Draft<'_>) {
    let (domain, name) = text.split_once('\\').unwrap_or(("", text));
    draft.put(Field::USER_DOMAIN, domain);
    draft.put(Field::USER_NAME, name);
}

/// Decimal, or hexadecimal after `0x`.
fn pid(text: &str, field: Field, draft: &mut Draft<'_>) {
    let number = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    if let Some(number) = number {
        draft.long(field, number);
    }
}
