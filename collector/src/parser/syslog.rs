//! The syslog header: RFC 5424, RFC 3164, and what devices send instead of either.

use event::{Draft, Field, Raw, Time};

/// What stands before the message. Text is a stretch of the raw line; absent (or RFC 5424's `-`) is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header<'r> {
    /// `<PRI>`: facility × 8 + severity.
    pub priority: Option<u8>,
    /// RFC 5424's version; absent in all older forms.
    pub version: Option<u16>,
    /// When the device says it was.
    pub time: Option<Time>,
    /// The device's name or address.
    pub hostname: &'r str,
    /// The program: `sshd`, `%ASA-6-302013`'s sender, RFC 5424's APP-NAME.
    pub app_name: &'r str,
    /// The process id, mostly a number.
    pub procid: &'r str,
    /// RFC 5424's MSGID.
    pub msgid: &'r str,
    /// RFC 5424's structured data, brackets included, escapes as sent.
    pub structured_data: &'r str,
}

impl<'r> Header<'r> {
    /// Sets `log.syslog.*` and `@timestamp`.
    pub fn put(&self, draft: &mut Draft<'r>) {
        if let Some(priority) = self.priority {
            draft.long(Field::LOG_SYSLOG_PRIORITY, i64::from(priority));
            draft.long(Field::LOG_SYSLOG_FACILITY_CODE, i64::from(priority >> 3));
            draft.long(Field::LOG_SYSLOG_SEVERITY_CODE, i64::from(priority & 7));
        }
        if let Some(time) = self.time {
            draft.date(Field::TIMESTAMP, time);
        }
        draft.put(Field::LOG_SYSLOG_HOSTNAME, self.hostname);
        draft.put(Field::LOG_SYSLOG_APPNAME, self.app_name);
        draft.put(Field::LOG_SYSLOG_PROCID, self.procid);
        draft.put(Field::LOG_SYSLOG_MSGID, self.msgid);
    }

    /// Sets `host.name`, `process.name` and `process.pid`: for lines that a machine's own program wrote.
    pub fn put_process(&self, draft: &mut Draft<'r>) {
        draft.put(Field::HOST_NAME, self.hostname);
        draft.put(Field::PROCESS_NAME, self.app_name);
        if self.procid.parse::<u32>().is_ok() {
            draft.put(Field::PROCESS_PID, self.procid);
        }
    }
}

/// Splits a line into header and message. What is no header stays message.
#[must_use]
pub fn header<'r>(raw: &Raw<'r>) -> (Header<'r>, &'r str) {
    let mut header = Header::default();
    let rest = priority(raw.line, &mut header);
    (header, rest.trim())
}

fn priority<'r>(line: &'r str, header: &mut Header<'r>) -> &'r str {
    let Some((number, rest)) = line.strip_prefix('<').and_then(|rest| rest.split_once('>')) else {
        return line;
    };
    match number.parse::<u8>() {
        Ok(priority) if priority < 192 => {
            header.priority = Some(priority);
            rest
        }
        _ => line,
    }
}
