//! What Linux says of people and their sessions: sshd, PAM in any program, sudo, su, login, useradd and its family.
//!
//! Names in these lines are the attacker's own words (`Failed password for invalid user root from 192.0.2.1 port 1 from
//! 198.51.100.7 port 40022 ssh2`), so an address is sought from the end of what sshd itself wrote.
use super::{Line, ParseError, Parser};
use event::{Draft, Field};

pub(super) const PARSER: Parser = Parser { name: "linux_auth", product: None, prose: true, sniff, parse };

/// Where what has no ECS field is kept.
const EXTRA: &str = "system.auth";

fn sniff(line: &Line<'_>) -> bool {
    let program = program(line);
    matches!(
        program,
        "sshd"
            | "sshd-session"
            | "sshd-auth"
            | "sudo"
            | "su"
            | "login"
            | "passwd"
            | "chpasswd"
            | "chage"
            | "chfn"
            | "chsh"
            | "useradd"
            | "userdel"
            | "usermod"
            | "adduser"
            | "groupadd"
            | "groupdel"
            | "groupmod"
            | "gpasswd"
            | "systemd-logind"
            | "dropbear"
    ) || !program.is_empty()
        && (line.message.starts_with("pam_") || line.header.app_name.ends_with("(pam_unix)"))
}

/// Old systems write `sshd(pam_unix)`.
fn program<'r>(line: &Line<'r>) -> &'r str {
    let name = line.header.app_name.split('(').next().unwrap_or_default();
    name.rsplit_once('/').map_or(name, |(_path, name)| name)
}

fn parse<'r>(line: &Line<'r>, draft: &mut Draft<'r>) -> Result<(), ParseError> {
    let program = program(line);
    let message = line.message;
    line.header.put_process(draft);
    draft.put(Field::PROCESS_NAME, program);
    super::origin(draft, "system", "system.auth");
    if let Some((module, said)) = pam_module(message) {
        draft.extra(EXTRA, "pam.module", module);
        pam(said, draft);
        return Ok(());
    }
    match program {
        "sshd" | "sshd-session" | "sshd-auth" => sshd(message, draft),
        "sudo" => sudo(message, draft),
        "su" => su(message, draft),
        "login" => login(message, draft),
        "systemd-logind" => logind(message, draft),
        "dropbear" => dropbear(message, draft),
        _ => account(message, draft),
    }
    if line.header.app_name.ends_with("(pam_unix)") {
        pam(message, draft);
    }
    Ok(())
}

fn said(draft: &mut Draft<'_>, category: &'static str, kind: &'static str, action: &'static str) {
    draft.word(Field::EVENT_CATEGORY, category);
    draft.word(Field::EVENT_TYPE, kind);
    draft.word(Field::EVENT_ACTION, action);
}

fn outcome(draft: &mut Draft<'_>, success: bool) {
    draft.word(Field::EVENT_OUTCOME, if success { "success" } else { "failure" });
}

/// An address if it is one, else a name.
fn source<'r>(draft: &mut Draft<'r>, text: &'r str) {
    let text = text.trim_matches(['[', ']', '(', ')', ',', '.', ':', '\'', '"']);
    if text.is_empty() || text == "UNKNOWN" {
        return;
    }
    draft.put(Field::SOURCE_ADDRESS, text);
    match text.split('%').next().unwrap_or(text).parse() {
        Ok(ip) => draft.ip(Field::SOURCE_IP, ip),
        Err(_) => draft.put(Field::SOURCE_DOMAIN, text),
    }
}

/// `192.0.2.1 port 40022: …`; what follows is not looked at.
fn peer<'r>(draft: &mut Draft<'r>, text: &'r str) {
    let mut words = text.split(' ');
    source(draft, words.next().unwrap_or_default());
    if words.next() == Some("port") {
        let port = words.next().unwrap_or_default();
        let digits = port.bytes().take_while(u8::is_ascii_digit).count();
        draft.put(Field::SOURCE_PORT, &port[..digits]);
    }
}

/// `invalid user root 192.0.2.1 port 40022 [preauth]`: the address is the word before the last `port`.
fn user_and_peer<'r>(draft: &mut Draft<'r>, text: &'r str) {
    let text = text.strip_suffix(" [preauth]").unwrap_or(text);
    let (before, after) = text.rsplit_once(" port ").map_or((text, ""), |(before, after)| (before, after));
    let (who, address) = before.rsplit_once(' ').unwrap_or(("", before));
    source(draft, address);
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    draft.put(Field::SOURCE_PORT, &after[..digits]);
    let who = who.strip_prefix("authenticating ").or_else(|| who.strip_prefix("invalid ")).unwrap_or(who);
    draft.put(Field::USER_NAME, who.strip_prefix("user ").unwrap_or(""));
}

fn sshd<'r>(message: &'r str, draft: &mut Draft<'r>) {
    let text = message.trim_start_matches("error: ").trim_start_matches("fatal: ");
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    match first {
        "Accepted" | "Failed" | "Postponed" | "Partial" => ssh_login(first, rest, draft),
        "Invalid" | "Illegal" => {
            if let Some((user, from)) = rest.strip_prefix("user ").and_then(|rest| rest.rsplit_once("from "))
            {
                said(draft, "authentication", "info", "ssh_login");
                outcome(draft, false);
                draft.put(Field::USER_NAME, user.trim_end());
                peer(draft, from);
            }
        }
        "Received" => {
            if let Some(from) = rest.strip_prefix("disconnect from ") {
                said(draft, "session", "end", "ssh_disconnect");
                peer(draft, from);
            }
        }
        "Connection" | "Disconnected" | "Disconnecting" | "Timeout," => ssh_connection(first, rest, draft),
        "User" => {
            if let Some((user, rest)) = rest.split_once(" from ") {
                said(draft, "authentication", "info", "ssh_login");
                outcome(draft, false);
                draft.put(Field::USER_NAME, user);
                let (address, reason) = rest.split_once(" not allowed because ").unwrap_or((rest, ""));
                source(draft, address);
                draft.put(Field::EVENT_REASON, reason);
            } else if let Some((user, reason)) = rest.split_once(" not allowed because ") {
                draft.put(Field::USER_NAME, user);
                draft.put(Field::EVENT_REASON, reason);
            }
        }
        _ => sshd_rest(text, draft),
    }
}

fn ssh_login<'r>(first: &'r str, rest: &'r str, draft: &mut Draft<'r>) {
    let Some((method, rest)) = rest.split_once(" for ") else { return };
    let Some((user, from)) = rest.rsplit_once(" from ") else { return };
    said(draft, "authentication", "info", "ssh_login");
    match first {
        "Accepted" => {
            draft.word(Field::EVENT_CATEGORY, "session");
            outcome(draft, true);
        }
        "Failed" => outcome(draft, false),
        _ => draft.word(Field::EVENT_OUTCOME, "unknown"),
    }
    let invalid = user.strip_prefix("invalid user ").or_else(|| user.strip_prefix("illegal user "));
    draft.put(Field::USER_NAME, invalid.unwrap_or(user).trim());
    draft.extra(EXTRA, "ssh.event", first);
    draft.extra(EXTRA, "ssh.method", method);
    peer(draft, from);
    if let Some((_, key)) = from.split_once(" ssh2: ") {
        draft.extra(EXTRA, "ssh.signature", key);
    }
}

fn ssh_connection<'r>(first: &str, rest: &'r str, draft: &mut Draft<'r>) {
    if first == "Connection" && rest.starts_with("from ") {
        said(draft, "network", "connection", "ssh_connection");
        peer(draft, &rest["from ".len()..]);
        return;
    }
    said(draft, "session", "end", "ssh_disconnect");
    if let Some((_, who)) = rest.split_once("by ").or_else(|| rest.split_once("from ")) {
        user_and_peer(draft, who);
    } else if rest.contains(" port ") {
        // Disconnecting invalid user root 192.0.2.1 port 40022: Too many authentication failures [preauth]
        user_and_peer(draft, rest.split_once(": ").map_or(rest, |(who, _)| who));
    } else if let Some((_, user)) = rest.split_once(" failures for ") {
        draft.put(Field::USER_NAME, user.strip_suffix(" [preauth]").unwrap_or(user));
    }
}

fn sshd_rest<'r>(text: &'r str, draft: &mut Draft<'r>) {
    if let Some(rest) = text.strip_prefix("maximum authentication attempts exceeded for ") {
        said(draft, "authentication", "info", "ssh_login");
        outcome(draft, false);
        if let Some((user, from)) = rest.rsplit_once(" from ") {
            draft.put(Field::USER_NAME, user.strip_prefix("invalid user ").unwrap_or(user));
            peer(draft, from);
        }
    } else if let Some(rest) = text.strip_prefix("PAM: ") {
        if let Some((what, from)) = rest.rsplit_once(" from ") {
            said(draft, "authentication", "info", "ssh_login");
            outcome(draft, false);
            let user = what.rsplit_once(" for ").map_or("", |(_, user)| user);
            let user = user
                .strip_prefix("illegal user ")
                .or_else(|| user.strip_prefix("invalid user "))
                .unwrap_or(user);
            draft.put(Field::USER_NAME, user);
            source(draft, from.split(' ').next().unwrap_or(from));
        }
    } else if text.starts_with("PAM ") {
        pam(text, draft);
    } else if let Some(user) = text.strip_prefix("input_userauth_request: invalid user ") {
        draft.put(Field::USER_NAME, user.strip_suffix(" [preauth]").unwrap_or(user).trim());
    } else if let Some((_, user)) = text.split_once(" by user ") {
        draft.put(Field::USER_NAME, user.split(' ').next().unwrap_or(user)); // subsystem request for sftp by user x
    } else if let Some(rest) = text.strip_prefix("Starting session: ") {
        said(draft, "session", "start", "ssh_session");
        if let Some((what, from)) = rest.rsplit_once(" from ") {
            draft.put(Field::USER_NAME, what.rsplit_once(" for ").map_or("", |(_, user)| user));
            peer(draft, from);
        }
    } else if let Some(rest) = text.strip_prefix("reverse mapping checking getaddrinfo for ") {
        if let Some((_, address)) = rest.split_once('[') {
            source(draft, address.split(']').next().unwrap_or(address));
        }
    } else if let Some(rest) = text.strip_prefix("refused connect from ") {
        said(draft, "network", "denied", "ssh_connection");
        outcome(draft, false);
        source(draft, rest.rsplit_once('(').map_or(rest, |(_, address)| address));
    } else if let Some(rest) =
        text.strip_prefix("Address ").or_else(|| text.strip_prefix("Unable to negotiate with "))
    {
        peer(draft, rest);
    } else if let Some(rest) = text.strip_prefix("Timeout before authentication for ") {
        peer(draft, rest.strip_prefix("connection from ").unwrap_or(rest));
    } else if let Some((_, rest)) = text.rsplit_once("onnection from ").or_else(|| text.rsplit_once(" from "))
    {
        // Did not receive identification string from …, banner exchange: Connection from …, Bad protocol version …
        match rest.strip_prefix("authenticating ").or_else(|| rest.strip_prefix("invalid ")).unwrap_or(rest) {
            who if who.starts_with("user ") => {
                user_and_peer(draft, who.split_once(": ").map_or(who, |(who, _)| who));
            }
            address => peer(draft, address),
        }
    }
}

/// `pam_unix(sshd:session): session …` to the module and what it says.
fn pam_module(message: &str) -> Option<(&str, &str)> {
    if !message.starts_with("pam_") {
        return None;
    }
    let (module, said) = message.split_once(": ")?;
    (module.len() < 64).then_some((module, said.trim_start()))
}

/// The name between marks or up to the next blank: `'root'`, `"root"`, `root(uid=0)`, `[root]`, `root;`.
fn name(text: &str) -> &str {
    let text = text.trim_start();
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"' | '`')) {
        let end = if quote == '`' { '\'' } else { quote };
        return text[1..].split(end).next().unwrap_or_default();
    }
    text.split([' ', '(', ';', ',']).next().unwrap_or_default().trim_matches(['[', ']', '.', ':'])
}

fn pam<'r>(text: &'r str, draft: &mut Draft<'r>) {
    if let Some(rest) = text.strip_prefix("session opened for user ") {
        said(draft, "session", "start", "session-opened");
        let user = name(rest);
        let by = rest.split_once(" by ").map_or("", |(_, by)| by);
        let actor = name(by);
        draft.put(Field::USER_EFFECTIVE_NAME, user);
        if actor.is_empty() {
            draft.put(Field::USER_NAME, user);
        } else {
            draft.put(Field::USER_NAME, actor);
            draft.put(Field::USER_ID, by.split_once("uid=").map_or("", |(_, id)| id.trim_end_matches(')')));
        }
    } else if let Some(rest) = text.strip_prefix("session closed for user ") {
        said(draft, "session", "end", "session-closed");
        draft.put(Field::USER_NAME, name(rest));
    } else if ["uthentication failure", "conversation failed", "check pass;"]
        .iter()
        .any(|mark| text.contains(mark))
    {
        said(draft, "authentication", "info", "pam_authentication");
        outcome(draft, false);
        pam_pairs(text, draft);
    } else if let Some((_, user)) = text.split_once("password changed for ") {
        said(draft, "iam", "change", "password-changed");
        draft.word(Field::EVENT_TYPE, "user");
        outcome(draft, true);
        draft.put(Field::USER_NAME, name(user));
    } else if let Some((_, user)) = text.split_once("user ") {
        // Account locked, tally, requirement not met: the user is all that is common to them.
        draft.put(Field::USER_NAME, name(user));
        if text.contains("locked") || text.contains("deny") || text.contains("not met") {
            said(draft, "authentication", "info", "pam_authentication");
            outcome(draft, false);
        }
    }
}

/// `logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=root`
fn pam_pairs<'r>(text: &'r str, draft: &mut Draft<'r>) {
    for pair in text.split([' ', ';']) {
        let Some((key, value)) = pair.split_once('=') else { continue };
        match key {
            "user" => draft.put(Field::USER_NAME, value),
            "rhost" => source(draft, value),
            "logname" | "ruser" | "tty" | "uid" | "euid" => draft.extra(EXTRA, key, value),
            _ => {}
        }
    }
}

/// `tuan : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/tuan ; USER=root ; COMMAND=/bin/cat /etc/shadow`
fn sudo<'r>(message: &'r str, draft: &mut Draft<'r>) {
    let Some((user, mut rest)) = message.split_once(" : ").filter(|(_, rest)| rest.contains('=')) else {
        return;
    };
    said(draft, "process", "start", "sudo");
    draft.put(Field::USER_NAME, user.trim());
    let mut success = true;
    while !rest.is_empty() {
        // The command is last and may hold anything.
        if let Some(command) = rest.strip_prefix("COMMAND=") {
            draft.extra(EXTRA, "sudo.command", command);
            draft.put(Field::PROCESS_COMMAND_LINE, command);
            break;
        }
        let (item, more) = rest.split_once(" ; ").unwrap_or((rest, ""));
        match item.split_once('=') {
            Some(("TTY", tty)) => draft.extra(EXTRA, "sudo.tty", tty),
            Some(("PWD", folder)) => {
                draft.extra(EXTRA, "sudo.pwd", folder);
                draft.put(Field::PROCESS_WORKING_DIRECTORY, folder);
            }
            Some(("USER", as_user)) => {
                draft.extra(EXTRA, "sudo.user", as_user);
                draft.put(Field::USER_EFFECTIVE_NAME, as_user);
            }
            Some((key, value)) => draft.extra("system.auth.sudo", key, value),
            None => {
                success = false;
                draft.extra(EXTRA, "sudo.error", item);
                draft.put(Field::EVENT_REASON, item);
            }
        }
        rest = more.trim_start();
    }
    outcome(draft, success);
    if !success {
        draft.word(Field::EVENT_CATEGORY, "authentication");
    }
}

fn su<'r>(message: &'r str, draft: &mut Draft<'r>) {
    let failed =
        message.starts_with("FAILED") || message.starts_with("- ") || message.contains("uthentication fail");
    let pair = if let Some((_, rest)) = message.split_once("(to ") {
        rest.split_once(") ").map(|(to, by)| (to, name(by))) // (to root) tuan on pts/0
    } else if let Some((_, rest)) = message.split_once(" for ") {
        rest.split_once(" by ").map(|(to, by)| (to, name(by))) // Successful su for root by tuan
    } else if message.starts_with("+ ") || message.starts_with("- ") {
        message.rsplit(' ').next().and_then(|pair| pair.split_once(':')).map(|(by, to)| (to, by))
    } else {
        None
    };
    let Some((to, by)) = pair else { return };
    said(draft, "authentication", "info", "su");
    outcome(draft, !failed);
    draft.put(Field::USER_NAME, by);
    draft.put(Field::USER_EFFECTIVE_NAME, to);
}

fn login<'r>(message: &'r str, draft: &mut Draft<'r>) {
    let after = |mark| message.split_once(mark).map_or("", |(_, rest)| name(rest));
    if message.starts_with("FAILED LOGIN") {
        said(draft, "authentication", "info", "login");
        outcome(draft, false);
        draft.put(Field::USER_NAME, after(" FOR "));
    } else if message.contains("LOGIN ON") {
        said(draft, "authentication", "info", "login");
        draft.word(Field::EVENT_CATEGORY, "session");
        outcome(draft, true);
        let user = if message.starts_with("ROOT") { "root" } else { after(" BY ") };
        draft.put(Field::USER_NAME, user);
    } else {
        return;
    }
    draft.extra(EXTRA, "tty", after(if message.contains(" ON ") { " ON " } else { " on " }));
    source(draft, after(" FROM "));
}

fn logind<'r>(message: &'r str, draft: &mut Draft<'r>) {
    if let Some((session, user)) =
        message.strip_prefix("New session ").and_then(|rest| rest.split_once(" of user "))
    {
        said(draft, "session", "start", "session-opened");
        draft.extra(EXTRA, "session.id", session);
        draft.put(Field::USER_NAME, name(user));
    } else if let Some(session) = message.strip_prefix("Removed session ") {
        said(draft, "session", "end", "session-closed");
        draft.extra(EXTRA, "session.id", name(session));
    }
}

/// `Bad password attempt for 'root' from 192.0.2.1:40022`
fn dropbear<'r>(message: &'r str, draft: &mut Draft<'r>) {
    let success = message.contains("auth succeeded for ");
    if !success && !message.starts_with("Bad ") && !message.starts_with("Login attempt ") {
        return;
    }
    said(draft, "authentication", "info", "ssh_login");
    outcome(draft, success);
    if let Some((_, user)) = message.split_once(" for '") {
        draft.put(Field::USER_NAME, user.split('\'').next().unwrap_or_default());
    }
    if let Some((address, port)) = message.rsplit_once(" from ").and_then(|(_, from)| from.rsplit_once(':')) {
        source(draft, address);
        draft.put(Field::SOURCE_PORT, port);
    }
}

/// useradd, usermod, userdel, groupadd, passwd, chage and their kin.
fn account<'r>(message: &'r str, draft: &mut Draft<'r>) {
    let iam = |draft: &mut Draft<'r>, whose: &'static str, what: &'static str, action: &'static str| {
        said(draft, "iam", whose, action);
        draft.word(Field::EVENT_TYPE, what);
        outcome(draft, true);
    };
    if let Some(rest) = message.strip_prefix("new user: ") {
        iam(draft, "user", "creation", "user-added");
        account_pairs(rest, Field::USER_NAME, draft);
    } else if let Some(rest) = message.strip_prefix("new group: ") {
        iam(draft, "group", "creation", "group-added");
        account_pairs(rest, Field::GROUP_NAME, draft);
    } else if let Some((_, rest)) = message.split_once("group added to ") {
        iam(draft, "group", "creation", "group-added");
        account_pairs(rest.split_once(": ").map_or(rest, |(_, pairs)| pairs), Field::GROUP_NAME, draft);
    } else if let Some(rest) = message.strip_prefix("delete user ") {
        iam(draft, "user", "deletion", "user-deleted");
        draft.put(Field::USER_NAME, name(rest));
    } else if let Some((_, rest)) = message.split_once("removed group ") {
        iam(draft, "group", "deletion", "group-deleted");
        draft.put(Field::GROUP_NAME, name(rest));
    } else if let Some((user, group)) =
        message.strip_prefix("add ").and_then(|rest| rest.split_once(" group "))
    {
        iam(draft, "group", "change", "added-user-to-group");
        draft.put(Field::USER_NAME, name(user));
        draft.put(Field::GROUP_NAME, name(group));
    } else if let Some(rest) = message.strip_prefix("change user ") {
        iam(draft, "user", "change", "user-changed");
        draft.put(Field::USER_NAME, name(rest));
    } else if let Some((_, rest)) =
        message.split_once("password for ").filter(|(_, r)| r.contains("changed by"))
    {
        iam(draft, "user", "change", "password-changed");
        draft.put(Field::USER_NAME, rest.rsplit_once(" by ").map_or("", |(_, by)| name(by)));
        draft.put(Field::USER_TARGET_NAME, name(rest));
    } else if let Some((user, rest)) =
        message.strip_prefix("user ").and_then(|rest| rest.split_once(" added by "))
    {
        iam(draft, "group", "change", "added-user-to-group");
        draft.put(Field::USER_NAME, name(rest));
        draft.put(Field::USER_TARGET_NAME, user);
        draft.put(Field::GROUP_NAME, rest.rsplit_once("group ").map_or("", |(_, group)| name(group)));
    } else if let Some(rest) = message.strip_prefix("changed user ") {
        draft.put(Field::USER_NAME, name(rest)); // chfn: changed user 'x' information
    }
    if let Some((_, user)) = message.strip_prefix("failed ").and_then(|rest| rest.split_once(" user ")) {
        said(draft, "iam", "user", "user-change-failed");
        outcome(draft, false);
        draft.put(Field::USER_NAME, name(user));
    }
}

/// `name=mysql, UID=106, GID=111, home=/nonexistent, shell=/bin/false`
fn account_pairs<'r>(text: &'r str, named: Field, draft: &mut Draft<'r>) {
    for pair in text.split(", ") {
        match pair.split_once('=') {
            Some(("name", name)) => draft.put(named, name),
            Some(("UID", id)) => draft.put(Field::USER_ID, id),
            Some(("GID", id)) => draft.put(Field::GROUP_ID, id),
            None => {}
            Some((key, value)) => draft.extra("system.auth.useradd", key, value),
        }
    }
}
