//! STIX patterns: one comparison written, simple ones read. What needs a time line or two facts at once is no
//! indicator of ours and is told as unsupported.

use event::IndicatorKind;

/// The longest pattern that is read.
const BYTES_MAX: usize = 64 << 10;
/// Comparisons of one pattern that are read.
const COMPARISONS_MAX: usize = 1000;

/// Why a pattern is no indicator of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The text is no pattern.
    #[error("not a STIX pattern")]
    Malformed,
    /// A pattern, but not a list of values of which each alone is bad.
    #[error("the pattern asks for more than one of a list of values")]
    Unsupported,
    /// Values of a kind that is not matched, or that are no values of their kind.
    #[error("the pattern's values are none of address, domain, URL, hash")]
    NoValue,
    /// Too long.
    #[error("the pattern is too long")]
    TooLong,
}

/// The pattern that a value meets.
#[must_use]
pub fn write(kind: IndicatorKind, value: &str) -> String {
    let path = match kind {
        IndicatorKind::Address if value.contains(':') => "ipv6-addr:value",
        IndicatorKind::Address => "ipv4-addr:value",
        IndicatorKind::Domain => "domain-name:value",
        IndicatorKind::Url => "url:value",
        IndicatorKind::Md5 => "file:hashes.MD5",
        IndicatorKind::Sha1 => "file:hashes.'SHA-1'",
        IndicatorKind::Sha256 => "file:hashes.'SHA-256'",
        IndicatorKind::Sha512 => "file:hashes.'SHA-512'",
    };
    let value = value.replace('\\', "\\\\").replace('\'', "\\'");
    format!("[{path} = '{value}']")
}

/// The values of which each alone meets the pattern.
///
/// # Errors
/// See [`PatternError`].
pub fn read(text: &str) -> Result<Vec<(IndicatorKind, String)>, PatternError> {
    if text.len() > BYTES_MAX {
        return Err(PatternError::TooLong);
    }
    let mut reader = Reader { rest: text.trim() };
    let mut found = Vec::new();
    let mut skipped = false;
    loop {
        reader.take('[').ok_or(PatternError::Malformed)?;
        loop {
            skipped |= !reader.comparison(&mut found)?;
            if found.len() > COMPARISONS_MAX {
                return Err(PatternError::TooLong);
            }
            match reader.peek() {
                Some(']') => break,
                _ if reader.word("OR") => {}
                _ if reader.word("AND") => return Err(PatternError::Unsupported),
                _ => return Err(PatternError::Malformed),
            }
        }
        reader.take(']').ok_or(PatternError::Malformed)?;
        if reader.rest.is_empty() {
            break;
        }
        if !reader.word("OR") {
            return Err(PatternError::Unsupported); // AND, FOLLOWEDBY, WITHIN, REPEATS, START, or nothing known
        }
    }
    // Of a list of alternatives those of an unmatched kind may be left out: each of the others alone is still bad.
    if found.is_empty() {
        return Err(if skipped { PatternError::NoValue } else { PatternError::Malformed });
    }
    Ok(found)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.peek().filter(|found| *found == wanted)?;
        self.rest = &self.rest[wanted.len_utf8()..];
        Some(())
    }

    /// Takes a word that ends where it ends.
    fn word(&mut self, wanted: &str) -> bool {
        self.peek();
        let Some(after) = self.rest.strip_prefix(wanted) else { return false };
        if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return false;
        }
        self.rest = after.trim_start();
        true
    }

    /// One comparison; whether it gave values that are matched.
    fn comparison(&mut self, found: &mut Vec<(IndicatorKind, String)>) -> Result<bool, PatternError> {
        if self.peek() == Some('(') {
            return Err(PatternError::Unsupported);
        }
        let path = self.path()?;
        let mut values = Vec::new();
        if self.word("NOT") || self.word("EXISTS") {
            return Err(PatternError::Unsupported);
        } else if self.word("IN") {
            self.take('(').ok_or(PatternError::Malformed)?;
            loop {
                values.push(self.text()?);
                if values.len() > COMPARISONS_MAX {
                    return Err(PatternError::TooLong);
                }
                if self.take(',').is_none() {
                    break;
                }
            }
            self.take(')').ok_or(PatternError::Malformed)?;
        } else if self.word("ISSUBSET") || self.take('=').is_some() {
            self.take('='); // `==` is the same
            values.push(self.text()?);
        } else {
            return Err(PatternError::Unsupported); // !=, <, LIKE, MATCHES, ISSUPERSET
        }
        let before = found.len();
        if let Some(kinds) = kinds(&path) {
            for value in &values {
                found.extend(
                    kinds.iter().find_map(|kind| Some((*kind, crate::list::canonical(*kind, value)?))),
                );
            }
        }
        Ok(found.len() > before)
    }

    /// An object path up to what follows it.
    fn path(&mut self) -> Result<String, PatternError> {
        self.peek();
        let mut quoted = false;
        let end = self.rest.find(|c: char| {
            quoted ^= c == '\'';
            !quoted && (c.is_whitespace() || "=<>!(]".contains(c))
        });
        let (path, rest) = self.rest.split_at(end.ok_or(PatternError::Malformed)?);
        if path.is_empty() || !path.contains(':') {
            return Err(PatternError::Malformed);
        }
        self.rest = rest;
        Ok(path.replace('\'', ""))
    }

    fn text(&mut self) -> Result<String, PatternError> {
        if self.peek() != Some('\'') {
            // A number, a time, true: values of kinds that are not matched.
            return Err(PatternError::NoValue);
        }
        let mut value = String::new();
        let mut letters = self.rest[1..].char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => value.push(letters.next().ok_or(PatternError::Malformed)?.1),
                '\'' => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Ok(value);
                }
                _ => value.push(letter),
            }
        }
        Err(PatternError::Malformed)
    }
}

/// The kinds that the values of an object path may be of.
fn kinds(path: &str) -> Option<&'static [IndicatorKind]> {
    use IndicatorKind::{Address, Domain, Md5, Sha1, Sha256, Sha512, Url};
    let path = path.to_ascii_lowercase();
    Some(match &*path {
        "ipv4-addr:value" | "ipv6-addr:value" => &[Address],
        "domain-name:value" => &[Domain],
        "url:value" => &[Url],
        // Some write a host where STIX wants an address.
        "network-traffic:dst_ref.value" | "network-traffic:src_ref.value" => &[Address, Domain],
        _ => match path.strip_prefix("file:hashes.")?.replace('-', "").as_str() {
            "md5" => &[Md5],
            "sha1" => &[Sha1],
            "sha256" => &[Sha256],
            "sha512" => &[Sha512],
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use IndicatorKind::{Address, Domain, Md5, Url};

    #[test]
    fn lists_of_values_are_read() {
        let of =
            |text: &str| read(text).map(|all| all.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
        let values = |all: &[&str]| Ok(all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        assert_eq!(of("[ipv4-addr:value='198.51.100.7']"), values(&["198.51.100.7"]));
        assert_eq!(of(" [ ipv4-addr:value ISSUBSET '198.51.100.7/24' ] "), values(&["198.51.100.0/24"]));
        assert_eq!(
            of("[domain-name:value = 'A.example.net' OR url:value = 'http://b.example.net/\\'x']"),
            values(&["a.example.net", "http://b.example.net/'x"])
        );
        assert_eq!(
            of(
                "[domain-name:value IN ('a.example.net', 'b.example.net')] OR [ipv6-addr:value = '2001:db8::1']"
            ),
            values(&["a.example.net", "b.example.net", "2001:db8::1"])
        );
        let md5 = "44d88612fea8a8f36de82e1278abb02f";
        for name in ["MD5", "'MD5'", "md5"] {
            let text = format!("[file:hashes.{name} = '{md5}' OR file:name = 'x.exe']");
            assert_eq!(read(&text), Ok(vec![(Md5, md5.to_owned())]), "{text}");
        }
    }

    #[test]
    fn what_asks_for_more_is_told() {
        for (text, error) in [
            (
                "[ipv4-addr:value = '198.51.100.7' AND ipv4-addr:value = '198.51.100.8']",
                PatternError::Unsupported,
            ),
            (
                "[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [url:value = 'http://a.example.net/']",
                PatternError::Unsupported,
            ),
            ("[ipv4-addr:value = '198.51.100.7'] WITHIN 5 SECONDS", PatternError::Unsupported),
            ("[ipv4-addr:value != '198.51.100.7']", PatternError::Unsupported),
            ("[ipv4-addr:value NOT = '198.51.100.7']", PatternError::Unsupported),
            ("[domain-name:value LIKE '%.example.net']", PatternError::Unsupported),
            ("[file:name = 'x.exe']", PatternError::NoValue),
            ("[file:size = 7]", PatternError::NoValue),
            ("[ipv4-addr:value = '0.0.0.0/0']", PatternError::NoValue),
            ("[ipv4-addr:value = '198.51.100.7'", PatternError::Malformed),
            ("[ipv4-addr:value = '198.51.100.7]", PatternError::Malformed),
            ("", PatternError::Malformed),
            ("[]", PatternError::Malformed),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_told(text in "[\\[\\]='a-z:. \\\\(),ORAND]{0,60}|.{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn what_is_written_reads_back(path in "[ -~à-ỹ]{0,40}") {
            if let Some(url) = Url.canonical(&format!("http://a.example.net/{path}")) {
                assert_eq!(read(&write(Url, &url)), Ok(vec![(Url, url)]));
            }
        }
    }

    #[test]
    fn each_kind_reads_back() {
        for (kind, value) in
            [(Address, "198.51.100.0/24"), (Address, "2001:db8::/32"), (Domain, "c2.example.net")]
        {
            assert_eq!(read(&write(kind, value)), Ok(vec![(kind, value.to_owned())]));
        }
    }
}
