//! What programs say when a login fails, in the words that many of them share.

use aho_corasick::{AhoCorasick, MatchKind};
use std::sync::LazyLock;

/// Each by itself says that a login failed. Letters outside ASCII are compared as they are, so Vietnamese phrases begin
/// behind a first letter that may be a capital.
const FAILED: &[&str] = &[
    "login failed",
    "failed login",
    "login failure",
    "login fail",
    "fail login",
    "failed to login",
    "failed to log in",
    "failed to authenticate",
    "failed logon",
    "logon failed",
    "logon failure",
    "logondenied",
    "login denied",
    "login incorrect",
    "login error",
    "log in failed",
    "loginfailed",
    "login_failed",
    "login-failed",
    "login_fail",
    "login_error",
    "loginerror",
    "invalid login",
    "invalid_login",
    "incorrect login",
    "bad login",
    "unsuccessful login",
    "failed sign-in",
    "failed sign in",
    "failed to sign in",
    "sign-in failed",
    "signin failed",
    "sign_in_failed",
    "authentication failed",
    "authentication failure",
    "authentication fail",
    "authentication error",
    "authentication_failed",
    "authentication-failed",
    "authentication_failure",
    "authenticationfailed",
    "authentication unsuccessful",
    "authentication denied",
    "failed authentication",
    "invalid authentication",
    "incorrect authentication",
    "unsuccessful authentication",
    "authenticator failed",
    "auth failed",
    "auth failure",
    "auth fail",
    "auth error",
    "auth-failure",
    "auth-fail",
    "auth-error",
    "auth_failed",
    "auth_failure",
    "auth_fail",
    "authfailed",
    "authfailure",
    "invalid credential",
    "invalid_credential",
    "incorrect credential",
    "bad credential",
    "wrong credential",
    "failed to validate user credentials",
    "invalid password",
    "invalidpassword",
    "incorrect password",
    "wrong password",
    "bad password",
    "failed password",
    "password mismatch",
    "password did not match",
    "password verification failed",
    "password check failed",
    "invalid username",
    "incorrect username",
    "wrong username",
    "incorrect user",
    "invalid user ",
    "invalid_user",
    "invalidaccountid",
    "challengeresponsefailed",
    "no such user",
    "no user found",
    "user not found",
    "unknown user",
    "can't find user",
    "access denied for user",
    "2fa invalid",
    "invalid 2fa",
    "mfa failure",
    "mfa failed",
    "2fa failed",
    "invalid otp",
    "invalid token code",
    "verification failed, retry",
    "rejected by register acl",
    "brute force attempt",
    "account locked out",
    "deleting half open ike_sa",
    "invalid admin token",
    "invalid totp code",
    "token is invalid",
    "tls auth error",
    "password is incorrect",
    "username is incorrect",
    "nonexistent user",
    "non-existent user",
    "exit before auth",
    "could not retrieve user",
    "smtp auth is required",
    "nt_status_wrong_password",
    "nt_status_no_such_user",
    "nt_status_logon_failure",
    "invalid handshake",
    "not authorized to access",
    "gui authentication error",
    "mislukte login",
    "fehlerhafter login",
    "miniserv.pl \"failed\"",
    "ng nhập thất bại",
    "ng nhập không thành công",
    "ai mật khẩu",
    "ác thực thất bại",
];

/// Needs one of the next list behind it.
const ATTEMPT: &[&str] = &[
    "authentication attempt",
    "authentication request",
    "login attempt",
    "attempted to login",
    "attempt to login",
    "consolelogin",
    "user.login",
    "sign_in",
    "oauth",
    "sessionscontroller",
];

const REFUSED: &[&str] = &[
    "failed",
    "fail\"",
    "failure",
    "denied",
    "refused",
    "rejected",
    "unsuccessful",
    "rate-limited",
    "incorrect",
    "invalid",
    "unauthorized",
    "\"success\":false",
    "\"success\": false",
    "status\":401",
];

/// Before the attempt, and it failed: `Unsuccessful 1FA authentication attempt`.
const UNSUCCESSFUL: &[&str] = &["unsuccessful", "failed"];

/// A login that worked.
const SUCCEEDED: &[&str] = &[
    "login success",
    "successful login",
    "login succeeded",
    "logged in",
    "login_success",
    "auth-success",
    "authentication succeeded",
    "authentication success",
    "successful auth",
    "successfully authenticated",
    "successfully logged",
    "ng nhập thành công",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Failed,
    Attempt,
    Refused,
    Unsuccessful,
    Succeeded,
}

/// One automaton for all phrases: the line is read once, whatever their number.
static PHRASES: LazyLock<(Option<AhoCorasick>, Vec<Part>)> = LazyLock::new(|| {
    let lists = [
        (FAILED, Part::Failed),
        (ATTEMPT, Part::Attempt),
        (REFUSED, Part::Refused),
        (UNSUCCESSFUL, Part::Unsuccessful),
        (SUCCEEDED, Part::Succeeded),
    ];
    let phrases: Vec<(&str, Part)> =
        lists.iter().flat_map(|(list, part)| list.iter().map(|phrase| (*phrase, *part))).collect();
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(phrases.iter().map(|(phrase, _)| *phrase));
    (automaton.ok(), phrases.iter().map(|(_, part)| *part).collect())
});

/// Whether the line tells of a login, and whether it worked.
pub(super) fn login(text: &str) -> Option<bool> {
    let (automaton, parts) = &*PHRASES;
    let mut succeeded = None;
    let (mut attempt, mut unsuccessful) = (false, false);
    for found in automaton.as_ref()?.find_overlapping_iter(text) {
        match parts.get(found.pattern().as_usize())? {
            Part::Failed => return Some(false),
            Part::Attempt if unsuccessful => return Some(false),
            Part::Attempt => attempt = true,
            Part::Refused if attempt => return Some(false),
            Part::Refused => {}
            Part::Unsuccessful => unsuccessful = true,
            Part::Succeeded => succeeded = Some(true),
        }
    }
    succeeded
}

/// A mail server turns a sender or a recipient away.
const MAIL_REFUSED: &[&str] = &[
    "relay access denied",
    "relay not permitted",
    "helo command rejected",
    "sender address rejected",
    "rejected rcpt",
    "sender verify fail",
    "recipient address rejected",
    "client host rejected",
    "blocked using",
];

/// Whether the line tells of mail that was refused.
pub(super) fn mail_refused(text: &str) -> bool {
    static REFUSALS: LazyLock<Option<AhoCorasick>> =
        LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(MAIL_REFUSED).ok());
    REFUSALS.as_ref().is_some_and(|refusals| refusals.is_match(text))
}

/// What stands before a user's name.
const USER_MARKS: &[&str] = &[
    "sasl_username=",
    "\"username\":",
    "\"username\": ",
    "\"user\":",
    "\"user\": ",
    "\"email\":",
    "\"identifier\": ",
    "username=",
    "username: ",
    "for user ",
    "by user ",
    "username ",
    "user=",
    "userName=",
    "uname=",
    "AccountID=",
    "set_id=",
    "login:",
    "User ",
    "user: ",
    "user ",
    "account ",
    "tài khoản ",
    "email=",
    "Failed login for ",
    "attempt for ",
];

/// The user whom the line names, or nothing.
pub(super) fn user(text: &str) -> &str {
    const LONGEST: usize = 128;
    for mark in USER_MARKS {
        let Some((_, rest)) = text.split_once(mark) else { continue };
        let mut name = rest;
        let quote = name.chars().next().filter(|c| matches!(c, '"' | '\'' | '`' | '<' | '[' | '('));
        if let Some(quote) = quote {
            let end = match quote {
                '<' => '>',
                '[' => ']',
                '(' => ')',
                other => other,
            };
            name = &name[1..];
            name = name.split(end).next().unwrap_or_default();
        } else {
            name = name.split([' ', ',', ';', ')', ']', '"', '\'', '|']).next().unwrap_or_default();
        }
        let name = name.trim_matches(['\\', '.', ':']);
        let is_word = matches!(
            name,
            "not"
                | "or"
                | "and"
                | "with"
                | "from"
                | "is"
                | "was"
                | "name"
                | "account"
                | "credentials"
                | "found"
        );
        if !name.is_empty() && name.len() <= LONGEST && !is_word {
            return name;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_from_successes_and_from_other_lines() {
        for (text, expected) in [
            ("Login failed for user 'sa'. Reason: …", Some(false)),
            ("Authentication attempt from 192.0.2.7 for user \"lan\" failed.", Some(false)),
            ("Unsuccessful 1FA authentication attempt by user 'lan'", Some(false)),
            ("{\"event\":\"user.login\",\"success\":false}", Some(false)),
            ("Người dùng lan đăng nhập thất bại từ 192.0.2.7", Some(false)),
            ("User \"lan\" logged in from ip 192.0.2.7", Some(true)),
            ("backup to 192.0.2.7 failed", None),
            ("authentication request from 192.0.2.7", None),
        ] {
            assert_eq!(login(text), expected, "{text}");
        }
    }

    #[test]
    fn the_name_is_taken_out_of_its_marks() {
        for (text, expected) in [
            ("Login failed for user `lan` from IP", "lan"),
            ("auth failed: user=<lan@example.com>, method=PLAIN", "lan@example.com"),
            ("Incorrect username or password for user lan. IP=192.0.2.7", "lan"),
            ("user not found", ""),
        ] {
            assert_eq!(user(text), expected, "{text}");
        }
    }
}
