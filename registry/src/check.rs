//! Whether a registry is right as a whole: every mistake at once, each with the row it is in.

use crate::{Asset, Date, Endpoint, Kind, Network, Registry, System, Unit};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Rows of each kind, in the order of [`Kind::ALL`]; more are refused.
const ROWS_MAX: [usize; 4] = [10_000, 20_000, 200_000, 200_000];
const TEXT_CHARS_MAX: usize = 300;
const ID_BYTES_MAX: usize = 64;
const LIST_MAX: usize = 5_000;
/// No DNS name is longer.
const NAME_BYTES_MAX: usize = 255;
const DEPTH_MAX: usize = 16;

/// What is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// In English.
    pub text: String,
    /// In Vietnamese.
    pub text_vi: String,
}

impl Reason {
    pub(crate) fn new(text: impl Into<String>, text_vi: impl Into<String>) -> Reason {
        Reason { text: text.into(), text_vi: text_vi.into() }
    }

    /// The same of a column.
    pub(crate) fn of(self, column: &str) -> Reason {
        Reason::new(format!("`{column}`: {}", self.text), format!("`{column}`: {}", self.text_vi))
    }
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The row of the file: a spreadsheet's row, a text's line. None if the row is not of the file.
    pub row: Option<u64>,
    /// What it is about; none if the file as a whole.
    pub kind: Option<Kind>,
    /// Which; empty if it has no id.
    pub id: String,
    /// What is wrong and what would be right.
    pub reason: Reason,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}: ")?;
        }
        if let Some(kind) = self.kind.filter(|_| !self.id.is_empty()) {
            write!(f, "{} {}: ", kind.one(), self.id)?;
        }
        f.write_str(&self.reason.text)
    }
}

impl Registry {
    /// Everything that is wrong; empty if it may be put in force. No row has a number here.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut check = Check {
            units: self.units.iter().map(|unit| (unit.id.as_str(), unit)).collect(),
            systems: self.systems.iter().map(|system| (system.id.as_str(), system)).collect(),
            codes: HashMap::new(),
            networks: HashMap::new(),
            hosts: HashMap::new(),
            at: (Kind::Units, ""),
            problems: Vec::new(),
        };
        for (kind, max) in Kind::ALL.into_iter().zip(ROWS_MAX) {
            if self.count(kind) > max {
                let (count, name) = (self.count(kind), kind.name());
                let reason = Reason::new(
                    format!("{count} {name}; at most {max} are kept"),
                    format!("{count} dòng `{name}`; tối đa {max}"),
                );
                check.problems.push(Problem { row: None, kind: None, id: String::new(), reason });
            }
        }
        check.all(Kind::Units, &self.units, |unit| &unit.id, Check::unit);
        check.all(Kind::Systems, &self.systems, |system| &system.id, Check::system);
        check.all(Kind::Assets, &self.assets, |asset| &asset.id, Check::asset);
        check.all(Kind::Endpoints, &self.endpoints, |endpoint| &endpoint.id, Check::endpoint);
        check.problems
    }
}

/// Collects mistakes.
struct Check<'r> {
    units: HashMap<&'r str, &'r Unit>,
    systems: HashMap<&'r str, &'r System>,
    /// Who has each official code.
    codes: HashMap<String, Vec<&'r Unit>>,
    /// Whose each network and host name is.
    networks: HashMap<Network, &'r str>,
    hosts: HashMap<String, &'r str>,
    at: (Kind, &'r str),
    problems: Vec<Problem>,
}

impl<'r> Check<'r> {
    fn all<T>(
        &mut self,
        kind: Kind,
        rows: &'r [T],
        id: impl Fn(&'r T) -> &'r String,
        one: impl Fn(&mut Self, &'r T),
    ) {
        let mut seen = HashSet::new();
        for row in rows {
            let id = id(row).as_str();
            self.at = (kind, id);
            self.id(id);
            if !id.is_empty() && !seen.insert(id.to_ascii_lowercase()) {
                self.wrong(
                    "this id is given twice (small and capital letters count as one)",
                    "mã này có hai lần (không phân biệt chữ hoa, chữ thường)",
                );
            }
            one(self, row);
        }
    }

    fn unit(&mut self, unit: &'r Unit) {
        self.wanted("name", &unit.name);
        self.texts(&[
            ("name", &unit.name),
            ("kind", &unit.kind),
            ("official_code", &unit.official_code),
            ("address", &unit.address),
            ("email", &unit.email),
            ("contact_name", &unit.contact_name),
            ("contact_position", &unit.contact_position),
            ("contact_email", &unit.contact_email),
        ]);
        self.telephone("telephone", &unit.telephone);
        self.telephone("contact_telephone", &unit.contact_telephone);
        self.domains(&unit.domains);
        self.unit_named("parent", &unit.parent);
        self.unit_named("successor", &unit.successor);
        if let (Some(since), Some(until)) = (unit.since, unit.until)
            && until < since
        {
            self.wrong(
                format!("`until` {until} is before `since` {since}"),
                format!("`until` {until} trước `since` {since}"),
            );
        }
        self.code(unit);
        let mut above = unit;
        for _ in 0..DEPTH_MAX {
            match self.units.get(above.parent.as_str()) {
                Some(parent) if parent.id == unit.id => {
                    return self
                        .wrong("is above itself: see `parent`", "là cấp trên của chính nó: xem `parent`");
                }
                Some(parent) => above = parent,
                None => return,
            }
        }
        self.wrong(
            format!("is more than {DEPTH_MAX} levels below the top, or below a circle"),
            format!("cách cấp cao nhất quá {DEPTH_MAX} bậc, hoặc nằm dưới một vòng lặp"),
        );
    }

    /// A code may go from one unit to a later one; on no day do two have it.
    fn code(&mut self, unit: &'r Unit) {
        if unit.official_code.is_empty() {
            return;
        }
        let days = |unit: &Unit| (unit.since.unwrap_or(Date::MIN), unit.until.unwrap_or(Date::MAX));
        let others = self.codes.entry(unit.official_code.to_lowercase()).or_default();
        let (from, until) = days(unit);
        let same = others.iter().find(|other| days(other).0 <= until && from <= days(other).1);
        let same = same.map(|other| (other.id.clone(), days(other).0.max(from), days(other).1.min(until)));
        others.push(unit);
        if let Some((other, from, until)) = same {
            let from = if from == Date::MIN { String::new() } else { format!(" from {from}") };
            let until = if until == Date::MAX { String::new() } else { format!(" until {until}") };
            let days = if from.is_empty() && until.is_empty() { " at the same time" } else { "" };
            let code = &unit.official_code;
            let text = format!(
                "`official_code` `{code}` is also that of `{other}`{days}{from}{until}; end one with `until`"
            );
            let days = if days.is_empty() { "" } else { " cùng lúc" };
            let (from, until) = (from.replace("from", "từ"), until.replace("until", "đến"));
            self.wrong(
                text,
                format!(
                    "`official_code` `{code}` cũng là của `{other}`{days}{from}{until}; ghi `until` cho một đơn vị"
                ),
            );
        }
    }

    fn system(&mut self, system: &'r System) {
        self.wanted("name", &system.name);
        self.texts(&[
            ("name", &system.name),
            ("decision", &system.decision),
            ("provider", &system.provider),
            ("isp", &system.isp),
        ]);
        if system.unit.is_empty() {
            self.wrong("`unit` is missing: who operates it?", "thiếu `unit`: đơn vị nào vận hành?");
        }
        self.unit_named("unit", &system.unit);
        self.unit_named("owner", &system.owner);
        if system.level > 5 {
            let level = system.level;
            self.wrong(
                format!("`level` is {level}; levels are 1 to 5, 0 while it is not determined"),
                format!("`level` là {level}; cấp độ từ 1 đến 5, 0 khi chưa xác định"),
            );
        }
        let mut before = None;
        for earlier in &system.earlier_levels {
            if before.is_some() && earlier.since <= before {
                self.wrong(
                    format!("`earlier_levels`: {earlier} is not later than the one before it"),
                    format!("`earlier_levels`: {earlier} không sau mục đứng trước"),
                );
            }
            before = earlier.since.or(before);
        }
        if !system.earlier_levels.is_empty() && (system.level_since.is_none() || system.level_since <= before)
        {
            self.wrong(
                "`level_since` is to be later than every day of `earlier_levels`",
                "`level_since` phải sau mọi ngày của `earlier_levels`",
            );
        }
        // Systems may share an address, as names on one web server do, and have the addresses of their assets.
        self.not_many("addresses", system.addresses.len());
        for text in &system.addresses {
            if let Err(error) = text.parse::<Network>() {
                self.wrong(format!("`{text}` {error}"), format!("`{text}` {}", error.vietnamese()));
            }
        }
        self.domains(&system.domains);
    }

    fn asset(&mut self, asset: &'r Asset) {
        self.belongs(&asset.system, &asset.unit);
        if asset.addresses.is_empty() && asset.hosts.is_empty() {
            self.wrong(
                "has neither `addresses` nor `hosts`, so no event can be its",
                "không có `addresses` lẫn `hosts`, nên không sự kiện nào là của nó",
            );
        }
        self.addresses(&asset.addresses);
        self.hosts(&asset.hosts);
    }

    fn endpoint(&mut self, endpoint: &'r Endpoint) {
        self.belongs(&endpoint.system, &endpoint.unit);
        self.texts(&[("os", &endpoint.os), ("antivirus", &endpoint.antivirus)]);
        self.addresses(&endpoint.addresses);
        self.hosts(std::slice::from_ref(&endpoint.id));
    }

    fn belongs(&mut self, system: &str, unit: &str) {
        if system.is_empty() && unit.is_empty() {
            self.wrong(
                "neither `system` nor `unit` is given; name one",
                "thiếu cả `system` và `unit`; ghi một trong hai",
            );
        }
        if !system.is_empty() && !self.systems.contains_key(system) {
            self.wrong(
                format!("`system` names `{system}`, which is not among the systems"),
                format!("`system` là `{system}`, không có trong danh sách hệ thống"),
            );
        }
        self.unit_named("unit", unit);
    }

    fn unit_named(&mut self, column: &str, id: &str) {
        if !id.is_empty() && !self.units.contains_key(id) {
            self.wrong(
                format!("`{column}` names `{id}`, which is not among the units"),
                format!("`{column}` là `{id}`, không có trong danh sách đơn vị"),
            );
        }
    }

    fn addresses(&mut self, addresses: &'r [String]) {
        self.not_many("addresses", addresses.len());
        for text in addresses {
            match text.parse::<Network>() {
                Err(error) => {
                    self.wrong(format!("`{text}` {error}"), format!("`{text}` {}", error.vietnamese()));
                }
                Ok(network) => {
                    if let Some(owner) = self.networks.insert(network, self.at.1) {
                        self.wrong(
                            format!("`{text}` already belongs to `{owner}`"),
                            format!("`{text}` đã thuộc về `{owner}`"),
                        );
                    }
                }
            }
        }
    }

    fn hosts(&mut self, hosts: &[String]) {
        self.not_many("hosts", hosts.len());
        for host in hosts {
            if !is_host(host) {
                self.wrong(format!("`{host}` is no host name"), format!("`{host}` không phải tên máy"));
            } else if let Some(owner) = self.hosts.insert(host.to_ascii_lowercase(), self.at.1) {
                self.wrong(
                    format!("host `{host}` already belongs to `{owner}`"),
                    format!("máy `{host}` đã thuộc về `{owner}`"),
                );
            }
        }
    }

    fn domains(&mut self, domains: &[String]) {
        self.not_many("domains", domains.len());
        for domain in domains.iter().filter(|domain| !is_host(domain)) {
            self.wrong(format!("`{domain}` is no domain name"), format!("`{domain}` không phải tên miền"));
        }
    }

    fn not_many(&mut self, column: &str, count: usize) {
        if count > LIST_MAX {
            self.wrong(
                format!("`{column}` has {count} entries; at most {LIST_MAX} are kept"),
                format!("`{column}` có {count} mục; tối đa {LIST_MAX}"),
            );
        }
    }

    fn id(&mut self, id: &str) {
        let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if id.is_empty() {
            self.wrong("`id` is missing", "thiếu `id`");
        } else if id.len() > ID_BYTES_MAX
            || !id.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !id.chars().all(fit)
        {
            self.wrong(
                "an id has letters a-z, digits, `.`, `_`, `-`, begins with a letter or digit, at most 64",
                "mã gồm chữ cái a-z, chữ số, `.`, `_`, `-`, bắt đầu bằng chữ cái hoặc chữ số, tối đa 64 ký tự",
            );
        }
    }

    fn wanted(&mut self, column: &str, text: &str) {
        if text.is_empty() {
            self.wrong(format!("`{column}` is missing"), format!("thiếu `{column}`"));
        }
    }

    fn texts(&mut self, columns: &[(&str, &str)]) {
        for (column, text) in columns {
            if text.starts_with(FORMULA) {
                self.wrong(
                    format!("`{column}` begins like a formula of a spreadsheet; leave out the first sign"),
                    format!("`{column}` bắt đầu như công thức của bảng tính; bỏ ký tự đầu"),
                );
            }
            self.text(column, text);
        }
    }

    /// A telephone number may begin with `+`, if it is a number.
    fn telephone(&mut self, column: &str, text: &str) {
        let fit = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '.' | '(' | ')' | '-' | '/');
        if text.starts_with(['-', '/']) || !text.chars().all(fit) {
            self.wrong(
                format!("`{column}` is no telephone number"),
                format!("`{column}` không phải số điện thoại"),
            );
        }
        self.text(column, text);
    }

    fn text(&mut self, column: &str, text: &str) {
        if text.chars().count() > TEXT_CHARS_MAX {
            self.wrong(
                format!("`{column}` is longer than {TEXT_CHARS_MAX} characters"),
                format!("`{column}` dài quá {TEXT_CHARS_MAX} ký tự"),
            );
        }
        if text.chars().any(is_invisible) {
            self.wrong(
                format!("`{column}` holds a control or direction character"),
                format!("`{column}` có ký tự điều khiển hoặc đổi chiều chữ"),
            );
        }
        if text.trim() != text {
            self.wrong(
                format!("`{column}` begins or ends with a blank"),
                format!("`{column}` bắt đầu hoặc kết thúc bằng dấu cách"),
            );
        }
    }

    fn wrong(&mut self, text: impl Into<String>, text_vi: impl Into<String>) {
        let ((kind, id), reason) = (self.at, Reason::new(text, text_vi));
        self.problems.push(Problem { row: None, kind: Some(kind), id: id.to_owned(), reason });
    }
}

/// What a spreadsheet takes for the beginning of a formula.
pub(crate) const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn is_host(name: &str) -> bool {
    let fit = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(fit)
        && !name.starts_with(['.', '-'])
        && !name.contains("..")
}

/// Characters that a reader does not see: of control, of direction, of no width.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
