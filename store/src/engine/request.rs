//! A request of ClickHouse's HTTP interface, read and checked: the subset that the `clickhouse` crate sends.

use super::merging::BEHIND;
use super::pool::Settings;
use hyper::Uri;

/// What a client asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// The statement of the address; with it the body is data.
    pub(super) query: Option<String>,
    /// The format of the answer.
    pub(super) format: String,
    /// The database of names without one.
    pub(super) database: String,
    /// Settings of this request.
    pub(super) settings: Settings,
    /// Values of `{name:Type}` in ClickHouse's escaped text form.
    pub(super) params: Vec<(String, String)>,
    /// The caller may only read.
    pub(super) readonly: bool,
    /// The caller has more to insert than it can.
    pub(super) is_behind: bool,
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestError {
    #[error("Code: 115. DB::Exception: setting `{0}` is not one that the bridge passes on (UNKNOWN_SETTING)")]
    Setting(String),
    #[error("Code: 36. DB::Exception: {0} (BAD_ARGUMENTS)")]
    Argument(&'static str),
    #[error("Code: 48. DB::Exception: {0} is not supported by the embedded engine (NOT_IMPLEMENTED)")]
    Unsupported(&'static str),
}

/// Settings that pass, and prefixes of such.
const SETTINGS: &[&str] = &[
    "alter_sync",
    "async_insert",
    "describe_include_subcolumns",
    "distributed_ddl_task_timeout",
    "insert_deduplicate",
    "insert_deduplication_token",
    "log_comment",
    "materialize_skip_indexes_on_insert",
    "max_block_size",
    "max_bytes_before_external_group_by",
    "max_bytes_before_external_sort",
    "max_bytes_to_read",
    "max_execution_time",
    "max_insert_block_size",
    "max_insert_threads",
    "max_memory_usage",
    "max_partitions_per_insert_block",
    "max_result_bytes",
    "max_result_rows",
    "max_rows_to_read",
    "max_threads",
    "min_insert_block_size_bytes",
    "min_insert_block_size_rows",
    "mutations_sync",
    "optimize_read_in_order",
    "read_overflow_mode",
    "result_overflow_mode",
    "timeout_overflow_mode",
    "use_skip_indexes",
    "wait_for_async_insert",
];
const SETTING_PREFIXES: &[&str] = &["input_format_", "output_format_", "format_"];

impl Request {
    /// Reads the address.
    pub(super) fn parse(uri: &Uri) -> Result<Request, RequestError> {
        let mut request =
            Request { database: "default".into(), format: "TabSeparated".into(), ..Request::default() };
        for pair in uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request.take(&decode(name)?, decode(value)?)?;
        }
        Ok(request)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), RequestError> {
        match name {
            "query" => self.query = Some(value),
            "default_format" if word(&value) => self.format = value,
            "default_format" => {
                return Err(RequestError::Argument("`default_format` is not the name of a format"));
            }
            "database" => self.database = value,
            // The engine gives its own ids; a query is found again by its comment.
            "query_id" => {
                self.settings.insert("log_comment".into(), value);
            }
            "readonly" => self.readonly = value != "0",
            BEHIND => self.is_behind = value != "0",
            "decompress" | "compress" if value == "1" => {
                return Err(RequestError::Unsupported("compression on the local socket"));
            }
            "role" | "session_id" => return Err(RequestError::Unsupported("roles and sessions")),
            // Every answer ends before its status is known to matter here; accounts do not exist.
            "decompress" | "compress" | "wait_end_of_query" | "user" | "password" => {}
            _ => match name.strip_prefix("param_") {
                Some(param) => self.params.push((param.to_owned(), value)),
                None if passes(name) => {
                    self.settings.insert(name.to_owned(), value);
                }
                None => return Err(RequestError::Setting(name.to_owned())),
            },
        }
        Ok(())
    }

    /// Takes the fields of a `multipart/form-data` body: `query` and `param_*`.
    pub(super) fn take_multipart(&mut self, boundary: &str, body: &[u8]) -> Result<(), RequestError> {
        const MALFORMED: RequestError = RequestError::Argument("the multipart body is malformed");
        let text = std::str::from_utf8(body).map_err(|_| MALFORMED)?;
        let between = format!("\r\n--{boundary}");
        let mut rest = text.strip_prefix(&format!("--{boundary}")).ok_or(MALFORMED)?;
        while !rest.starts_with("--") {
            let part = rest.strip_prefix("\r\n").ok_or(MALFORMED)?;
            let (head, tail) = part.split_once("\r\n\r\n").ok_or(MALFORMED)?;
            let (value, after) = tail.split_once(&between).ok_or(MALFORMED)?;
            let name =
                head.split_once("name=\"").and_then(|(_, name)| name.split_once('"')).ok_or(MALFORMED)?.0;
            match name.strip_prefix("param_") {
                Some(param) => self.params.push((param.to_owned(), value.to_owned())),
                None if name == "query" => self.query = Some(value.to_owned()),
                None => {
                    return Err(RequestError::Argument(
                        "a multipart field is neither `query` nor a parameter",
                    ));
                }
            }
            rest = after;
        }
        Ok(())
    }
}

/// Whether a setting of this name passes.
fn passes(name: &str) -> bool {
    word(name) && (SETTINGS.contains(&name) || SETTING_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Undoes the coding of an address's query.
fn decode(text: &str) -> Result<String, RequestError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = rest.next().zip(rest.next()).and_then(|(high, low)| {
                    Some(char::from(high).to_digit(16)? * 16 + char::from(low).to_digit(16)?)
                });
                let digits = digits.and_then(|value| u8::try_from(value).ok());
                digits.ok_or(RequestError::Argument("the address holds a broken %-code"))?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).map_err(|_| RequestError::Argument("the address is not UTF-8"))
}

/// An insert's statement in two: what comes before `FORMAT`, and the format's name.
pub(super) fn split_insert(sql: &str) -> Option<(&str, &str)> {
    let trimmed = sql.trim_end();
    let (head, format) = trimmed.rsplit_once(char::is_whitespace)?;
    let head = head.trim_end();
    let keyword = head.len().checked_sub(6)?;
    let (head, keyword) = (head.get(..keyword)?, head.get(keyword..)?);
    let ends = head.ends_with(|c: char| c.is_whitespace() || c == ')' || c == '`');
    (keyword.eq_ignore_ascii_case("format") && ends && word(format) && starts_with(head, "insert"))
        .then_some((head, format))
}

/// Whether the statement's first word is this one; comments are not looked through.
pub(super) fn starts_with(sql: &str, keyword: &str) -> bool {
    let sql = sql.trim_start();
    sql.get(..keyword.len()).is_some_and(|start| start.eq_ignore_ascii_case(keyword))
        && !sql[keyword.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_crates_select_is_read() {
        let uri = "/?default_format=RowBinary&database=haidang&max_threads=2&query_id=a%20b".parse().unwrap();
        let request = Request::parse(&uri).unwrap();
        assert_eq!(request.format, "RowBinary");
        assert_eq!(request.database, "haidang");
        assert_eq!(request.settings["max_threads"], "2");
        assert_eq!(request.settings["log_comment"], "a b");
    }

    #[test]
    fn a_setting_outside_the_list_is_refused_by_name() {
        let refused = Request::parse(&"/?allow_introspection_functions=1".parse().unwrap());
        assert_eq!(refused, Err(RequestError::Setting("allow_introspection_functions".into())));
        let hostile = Request::parse(&"/?format_a%3D1%2Cb=1".parse().unwrap());
        assert_eq!(hostile, Err(RequestError::Setting("format_a=1,b".into())));
    }

    #[test]
    fn a_multipart_body_gives_statement_and_parameters() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {a:String}\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"param_a\"\r\n\r\nx\r\ny--\r\n--b--\r\n";
        let mut request = Request::default();
        request.take_multipart("b", body.as_bytes()).unwrap();
        assert_eq!(request.query.as_deref(), Some("SELECT {a:String}"));
        assert_eq!(request.params, [("a".to_owned(), "x\r\ny--".to_owned())]);
    }

    #[test]
    fn an_insert_is_split_at_its_format() {
        assert_eq!(
            split_insert("INSERT INTO `t`(a,b) FORMAT RowBinary"),
            Some(("INSERT INTO `t`(a,b) ", "RowBinary"))
        );
        assert_eq!(split_insert("INSERT INTO t SELECT 1"), None);
        assert_eq!(split_insert("SELECT 1 FORMAT Null"), None);
        assert_eq!(split_insert("INSERT INTO t FORMAT Native; DROP TABLE t"), None);
    }

    proptest! {
        #[test]
        fn no_address_and_no_body_make_the_reader_panic(query in "[ -~]{0,60}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(uri) = format!("/?{query}").parse::<Uri>() {
                let _ = Request::parse(&uri);
            }
            let mut request = Request::default();
            if request.take_multipart("b", &body).is_ok() {
                prop_assert!(body.starts_with(b"--b"));
            }
            let _ = split_insert(&query);
        }
    }
}
