//! Sigma's condition: a small grammar over the names of a rule's searches.
//!
//! `not` binds tighter than `and`, `and` tighter than `or`. `1 of`, `any of`, `all of` and `N of` take `them` or a name
//! with `*`; `them` leaves out names that begin with `_`. Recursive descent, linear in the text.

/// How long a condition may be, in bytes.
const BYTES_MAX: usize = 8192;
/// How deep parentheses and `not` may nest.
const DEPTH_MAX: usize = 50;

/// A condition over searches, each by its place in the rule's list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    Search(usize),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    /// At least so many of the searches.
    AtLeast(usize, Vec<usize>),
}

impl Condition {
    /// Whether the condition holds, given which searches hold.
    pub(crate) fn holds(&self, search: &mut impl FnMut(usize) -> bool) -> bool {
        match self {
            Condition::Search(at) => search(*at),
            Condition::Not(inner) => !inner.holds(search),
            Condition::All(parts) => parts.iter().all(|part| part.holds(search)),
            Condition::Any(parts) => parts.iter().any(|part| part.holds(search)),
            Condition::AtLeast(wanted, searches) => {
                let mut found = 0;
                searches.iter().any(|at| {
                    found += usize::from(search(*at));
                    found >= *wanted
                })
            }
        }
    }

    /// The searches that speak for the condition, not against it: not below an odd number of `not`.
    pub(crate) fn positive(&self, negated: bool, found: &mut Vec<usize>) {
        match self {
            Condition::Search(at) if !negated => found.push(*at),
            Condition::AtLeast(_, searches) if !negated => found.extend(searches),
            Condition::Search(_) | Condition::AtLeast(..) => {}
            Condition::Not(inner) => inner.positive(!negated, found),
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.positive(negated, found));
            }
        }
    }
}

/// Reads a condition over the searches `names`.
///
/// # Errors
/// What is wrong and what to write instead.
pub(crate) fn parse(text: &str, names: &[String]) -> Result<Condition, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("the condition is longer than {BYTES_MAX} bytes: split the rule"));
    }
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, names };
    let condition = reader.any(0)?;
    match reader.peek() {
        None => Ok(condition),
        Some(token) => Err(format!(
            "`{token}` is not expected here: join with `and` or `or`, close with `)` what is open"
        )),
    }
}

fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '*' | '-' | '.');
        let len = match first {
            '(' | ')' => 1,
            '|' => {
                return Err(
                    "`|` in a condition is Sigma's old aggregation: write a correlation rule instead"
                        .to_owned(),
                );
            }
            c if is_name(c) => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
            c => return Err(format!("`{c}` cannot stand in a condition")),
        };
        let (token, after) = rest.split_at(len);
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: &'a [&'a str],
    at: usize,
    names: &'a [String],
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.unit(depth)?];
        while self.take_word("and") {
            parts.push(self.unit(depth)?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn unit(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > DEPTH_MAX {
            return Err(format!("the condition nests deeper than {DEPTH_MAX}: flatten it"));
        }
        if self.take_word("not") {
            return Ok(Condition::Not(Box::new(self.unit(depth + 1)?)));
        }
        if self.take_word("(") {
            let inner = self.any(depth + 1)?;
            return if self.take_word(")") { Ok(inner) } else { Err("a `(` is not closed".to_owned()) };
        }
        let Some(token) = self.peek() else {
            return Err("the condition ends too early: a search's name is missing".to_owned());
        };
        self.at += 1;
        let next_is_of = self.peek().is_some_and(|next| next.eq_ignore_ascii_case("of"));
        if next_is_of && self.place(token).is_none() {
            self.at += 1;
            return self.of(token);
        }
        match self.place(token) {
            Some(at) => Ok(Condition::Search(at)),
            None => Err(format!("there is no search named `{token}` in `detection`")),
        }
    }

    fn of(&mut self, quantity: &str) -> Result<Condition, String> {
        let target = self.peek().ok_or("after `of` stands `them` or a name with `*`")?;
        self.at += 1;
        let chosen: Vec<usize> = (self.names.iter().enumerate())
            .filter(|(_, name)| {
                if target.eq_ignore_ascii_case("them") { !name.starts_with('_') } else { fits(target, name) }
            })
            .map(|(at, _)| at)
            .collect();
        if chosen.is_empty() {
            return Err(format!("`{target}` names no search of `detection`"));
        }
        let wanted = match quantity.to_ascii_lowercase().as_str() {
            "any" => 1,
            "all" => chosen.len(),
            number => {
                number.parse().map_err(|_| format!("`{quantity} of`: write `1`, a number, `any` or `all`"))?
            }
        };
        if wanted == 0 || wanted > chosen.len() {
            return Err(format!("`{quantity} of {target}`: it names {} searches", chosen.len()));
        }
        Ok(Condition::AtLeast(wanted, chosen))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

fn one_or(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

/// Whether the name fits the pattern, in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| name.strip_prefix(head)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names() -> Vec<String> {
        ["a", "b", "sel_1", "sel_2", "_hidden"].map(str::to_owned).to_vec()
    }

    fn value(text: &str, bits: u32) -> bool {
        parse(text, &names()).unwrap().holds(&mut |at| bits >> at & 1 == 1)
    }

    #[test]
    fn every_form_agrees_with_its_truth_table() {
        type Table = fn([bool; 5]) -> bool;
        let cases: [(&str, Table); 14] = [
            ("a", |[a, ..]| a),
            ("not a", |[a, ..]| !a),
            ("not not a", |[a, ..]| a),
            ("a or b and sel_1", |[a, b, s, ..]| a || (b && s)),
            ("a and b or sel_1", |[a, b, s, ..]| (a && b) || s),
            ("(a or b) and sel_1", |[a, b, s, ..]| (a || b) && s),
            ("not a and b", |[a, b, ..]| !a && b),
            ("not (a and b)", |[a, b, ..]| !(a && b)),
            ("1 of sel_*", |[_, _, s, t, _]| s || t),
            ("ALL OF sel_*", |[_, _, s, t, _]| s && t),
            ("2 of them", |[a, b, s, t, _]| [a, b, s, t].iter().filter(|x| **x).count() >= 2),
            ("all of them", |[a, b, s, t, _]| a && b && s && t),
            ("any of _*", |[.., h]| h),
            ("a and not 1 of *el_*", |[a, _, s, t, _]| a && !(s || t)),
        ];
        for (text, table) in cases {
            for bits in 0..32 {
                let row = std::array::from_fn(|at| bits >> at & 1 == 1);
                assert_eq!(value(text, bits), table(row), "{text} {bits:05b}");
            }
        }
    }

    #[test]
    fn errors_say_what_to_write() {
        for (text, part) in [
            ("a and", "ends too early"),
            ("", "ends too early"),
            ("(a", "not closed"),
            ("a)", "not expected"),
            ("a b", "not expected"),
            ("c", "no search named `c`"),
            ("1 of x*", "names no search"),
            ("3 of sel_*", "names 2 searches"),
            ("0 of them", "names 4"),
            ("some of them", "write `1`"),
            ("a | count() > 5", "correlation rule"),
            ("a & b", "cannot stand"),
        ] {
            let error = parse(text, &names()).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(parse(&format!("{}a", "not ".repeat(200)), &names()).unwrap_err().contains("deeper"));
        assert!(parse(&"(".repeat(4000), &names()).unwrap_err().contains("deeper"));
        assert!(parse(&"a or ".repeat(4000), &names()).unwrap_err().contains("longer"));
    }

    /// A random condition with the value it must have, as text.
    fn tree() -> impl Strategy<Value = (String, u32)> {
        let leaf = (0u32..5).prop_map(|at| {
            let column = (0..32u32).filter(|row| row >> at & 1 == 1).fold(0, |bits, row| bits | 1 << row);
            (names()[at as usize].clone(), column)
        });
        leaf.prop_recursive(5, 40, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|(text, bits)| (format!("not ({text})"), !bits)),
                (inner.clone(), inner.clone())
                    .prop_map(|(l, r)| (format!("({}) and ({})", l.0, r.0), l.1 & r.1)),
                (inner.clone(), inner)
                    .prop_map(|(l, r)| (format!("({}) or {}", l.0, paren(&r.0)), l.1 | r.1)),
            ]
        })
    }

    fn paren(text: &str) -> String {
        format!("( {text} )")
    }

    proptest! {
        #[test]
        fn a_condition_has_the_value_of_brute_force((text, bits) in tree()) {
            for row in 0..32 {
                prop_assert_eq!(value(&text, row), bits >> row & 1 == 1, "{} row {}", text, row);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,60}|([()]| (a|not|and|or|of|them|1|all|sel_\\*|\\*) ){0,60}") {
            let _ = parse(&text, &names()).map(|found| found.holds(&mut |_| true));
        }
    }
}
