//! PCRE2's notation in that of the regex crate, which runs in linear time. What the latter would read otherwise is
//! rewritten; what it cannot do is refused, never dropped.

use regex::escape;

/// The same pattern for the regex crate.
///
/// # Errors
/// What has no equal there.
pub(super) fn rewritten(text: &str) -> Result<String, String> {
    let mut writer = Rewriter { chars: text.chars().peekable(), out: String::with_capacity(text.len() + 16) };
    writer.pattern()?;
    Ok(writer.out)
}

struct Rewriter<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
}

impl Rewriter<'_> {
    fn pattern(&mut self) -> Result<(), String> {
        // Whether a quantifier was just written: another `+` behind it is possessive, which has no equal.
        let mut repeated = false;
        while let Some(c) = self.chars.next() {
            match c {
                '+' if repeated => return Err("possessive repetition (`++`, `*+`) has no equal".to_owned()),
                '+' | '*' | '?' => {
                    // A `?` behind a quantifier makes it lazy; behind that, no further one is allowed.
                    repeated = !(repeated && c == '?');
                    self.out.push(c);
                    continue;
                }
                '\\' => self.escaped(false)?,
                '[' => self.class()?,
                '{' => repeated = self.counted(),
                '(' => {
                    self.group()?;
                    repeated = false;
                }
                c => self.out.push(c),
            }
            repeated = c == '{' && repeated;
        }
        Ok(())
    }

    /// A brace is a repetition, or itself.
    fn counted(&mut self) -> bool {
        let ahead: String = self.chars.clone().take(16).collect();
        let inside = ahead.split_once('}').map(|(inside, _)| inside);
        let is_count = inside.is_some_and(|inside| {
            let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
            !least.is_empty() && (least.to_owned() + most).bytes().all(|byte| byte.is_ascii_digit())
        });
        self.out.push_str(if is_count { "{" } else { r"\{" });
        if let (true, Some(inside)) = (is_count, inside) {
            self.out.push_str(inside);
            self.out.push('}');
            self.pass(inside.len() + 1);
        }
        is_count
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        match self.chars.peek() {
            Some('*') => return Err("PCRE2 verbs `(*…)` have no equal".to_owned()),
            Some('?') => {}
            _ => return Ok(()),
        }
        let ahead: String = self.chars.clone().take(3).collect();
        let is_name = ahead.starts_with("?<") || ahead.starts_with("?P<");
        let refused =
            ["?=", "?!", "?<=", "?<!", "?>", "?|", "?#", "?(", "?R", "?&", "?+", "?'", "?P>", "?P="];
        if refused.iter().any(|begin| ahead.starts_with(begin))
            || ahead.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
        {
            return Err(format!("`({ahead}` (looking around, atomic or conditional groups) has no equal"));
        }
        // Flags mean the same for i, m, s and -; others do not.
        let flags = self.chars.clone().skip(1).take_while(|c| !matches!(c, ':' | ')'));
        if !is_name && flags.clone().any(|c| !matches!(c, 'i' | 'm' | 's' | '-')) {
            return Err("flags other than i, m and s have no equal".to_owned());
        }
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.chars.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        while let Some(c) = self.chars.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' if self.chars.peek() == Some(&':') => {
                    let name: String = self.chars.by_ref().take_while(|c| *c != ']').collect();
                    self.out.push_str(&format!("[{name}]"));
                }
                '\\' => self.escaped(true)?,
                // The regex crate nests classes and has `&&`, `--` and `~~` between them; PCRE2 does not.
                '[' | '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if self.out.ends_with('-') || self.chars.peek() == Some(&'-') => self.out.push_str(r"\-"),
                c => self.out.push(c),
            }
        }
        Err("a `[` is not closed".to_owned())
    }

    fn escaped(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.chars.next() else { return Err("the pattern ends in a backslash".to_owned()) };
        match c {
            // ASCII only, as PCRE2 without its UCP option.
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            's' => self.out.push_str(r"[\t-\r ]"),
            'S' => self.out.push_str(r"[^\t-\r ]"),
            'h' => self.out.push_str(r"[\t ]"),
            'b' if !in_class => self.out.push_str(r"(?-u:\b)"),
            'A' | 'z' if !in_class => self.out.extend(['\\', c]),
            'R' if !in_class => self.out.push_str(r"(?:\r\n|[\n-\r])"),
            'n' | 'r' | 't' | 'f' | 'a' | 'v' => self.out.extend(['\\', c]),
            'e' => self.out.push_str(r"\x1B"),
            'x' => self.hexadecimal()?,
            'Q' if !in_class => self.quoted(),
            c if c.is_alphanumeric() => return Err(format!("`\\{c}` has no equal")),
            c => self.out.push_str(&escape(c.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    fn hexadecimal(&mut self) -> Result<(), String> {
        let digits: String = if self.chars.next_if_eq(&'{').is_some() {
            self.chars.by_ref().take_while(|c| *c != '}').collect()
        } else {
            let first = self.chars.next_if(char::is_ascii_hexdigit);
            first.into_iter().chain(self.chars.next_if(char::is_ascii_hexdigit)).collect()
        };
        let c = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
        let c = c.ok_or_else(|| format!("`\\x{digits}` is not a character"))?;
        self.out.push_str(&format!(r"\x{{{:X}}}", u32::from(c)));
        Ok(())
    }

    /// Text between `\Q` and `\E` means itself.
    fn quoted(&mut self) {
        let rest: String = self.chars.clone().collect();
        let (text, taken) = match rest.find(r"\E") {
            Some(at) => (rest.get(..at).unwrap_or_default(), at + 2),
            None => (rest.as_str(), rest.len()),
        };
        self.out.push_str(&escape(text));
        self.pass(rest.get(..taken).unwrap_or_default().chars().count());
    }

    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            self.chars.next();
        }
    }
}
