//! What a client asks for: filters, and the place in the answer that `next` holds, all of it, so that a client that
//! drops its filters on the second page, or sends them again, gets the same objects.

use super::Stamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Words of one filter.
const WORDS_MAX: usize = 100;
/// The longest query or `next` that is read.
const BYTES_MAX: usize = 16 << 10;

/// Which versions of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionFilter {
    /// The oldest.
    First,
    /// The newest; what is meant if nothing is said.
    Last,
    /// Every one.
    All,
    /// The one of this moment, in microseconds.
    At(i64),
}

/// What a client asks for. Words of one filter are alternatives; several filters must all be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Objects added after this moment, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_after: Option<i64>,
    /// Ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Versions; the last if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VersionFilter>,
    /// Versions of STIX; the newest kept if empty, which is 2.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spec_versions: Vec<String>,
}

/// A place in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What was asked for.
    pub filter: Filter,
    /// How many objects a page has.
    pub limit: u32,
    /// The moment at which the last object of the page before was added, in microseconds.
    pub after: i64,
}

impl Filter {
    /// Reads the parameters of a request: the filter, `limit` (none if absent or 0) and, instead of the filter, the
    /// place that a `next` holds. Parameters that are not TAXII's are left alone.
    ///
    /// # Errors
    /// A text for the client.
    pub fn read(parameters: &[(String, String)]) -> Result<(Filter, Option<u32>, Option<Place>), String> {
        let (mut filter, mut limit, mut place) = (Filter::default(), None, None);
        if parameters.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > BYTES_MAX {
            return Err("the query is too long".to_owned());
        }
        for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "limit" => {
                    let number = value.parse::<i64>().map_err(|_| "`limit` is not a number".to_owned())?;
                    // Clients that do not page send 0 and mean no limit of theirs.
                    limit = if number == 0 {
                        None
                    } else {
                        Some(
                            u32::try_from(number.min(i64::from(u32::MAX)))
                                .map_err(|_| "`limit` is negative".to_owned())?,
                        )
                    };
                }
                "next" => place = Some(Place::read(value).ok_or("`next` is none of this server's")?),
                "added_after" => {
                    let stamp = Stamp::parse(value).ok_or("`added_after` is not an RFC 3339 time")?;
                    filter.added_after = Some(stamp.0);
                }
                "match[id]" => words(value, &mut filter.ids)?,
                "match[type]" => words(value, &mut filter.types)?,
                "match[spec_version]" => words(value, &mut filter.spec_versions)?,
                "match[version]" => {
                    let mut versions = Vec::new();
                    words(value, &mut versions)?;
                    for word in versions {
                        filter.versions.push(version(&word)?);
                    }
                }
                _ => {}
            }
        }
        Ok((filter, limit, place))
    }

    /// Whether objects in the version of STIX that is kept are among those asked for.
    #[must_use]
    pub fn is_for_kept_language(&self) -> bool {
        self.spec_versions.is_empty()
            || self.spec_versions.iter().any(|version| version == crate::stix::VERSION)
    }
}

/// A filter given twice has the words of both.
fn words(value: &str, into: &mut Vec<String>) -> Result<(), String> {
    into.extend(value.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned));
    if into.len() > WORDS_MAX {
        return Err(format!("a filter has at most {WORDS_MAX} words"));
    }
    Ok(())
}

fn version(word: &str) -> Result<VersionFilter, String> {
    Ok(match word {
        "first" => VersionFilter::First,
        "last" => VersionFilter::Last,
        "all" => VersionFilter::All,
        _ => {
            let stamp = Stamp::parse(word);
            VersionFilter::At(stamp.ok_or("`match[version]` is first, last, all or an RFC 3339 time")?.0)
        }
    })
}

impl Place {
    /// The text of `next`.
    #[must_use]
    pub fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what [`Place::write`] wrote. A client may write its own: it is asked what it may see all the same.
    #[must_use]
    pub fn read(text: &str) -> Option<Place> {
        let bytes = (text.len() <= BYTES_MAX).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        let place: Place = serde_json::from_slice(&bytes).ok()?;
        let filter = &place.filter;
        let words = [&filter.ids, &filter.types, &filter.spec_versions];
        let fits = words.iter().all(|words| words.len() <= WORDS_MAX) && filter.versions.len() <= WORDS_MAX;
        fits.then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<(Filter, Option<u32>, Option<Place>), String> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Filter::read(&pairs)
    }

    #[test]
    fn a_query_is_read_with_the_habits_of_real_clients() {
        let (filter, limit, place) = read(&[
            ("match[type]", "indicator,malware"),
            ("match[type]", "incident"),
            ("match[version]", "first,2026-11-24T00:00:00.5Z"),
            ("limit", "0"),
            ("next", ""),
            ("verbose", "1"),
        ])
        .unwrap();
        assert_eq!(filter.types, ["indicator", "malware", "incident"]);
        assert_eq!(filter.versions, [VersionFilter::First, VersionFilter::At(1_795_478_400_500_000)]);
        assert_eq!((limit, place), (None, None));
        for bad in
            [("limit", "-1"), ("limit", "x"), ("added_after", "x"), ("match[version]", "x"), ("next", "x")]
        {
            assert!(read(&[bad]).is_err(), "{bad:?}");
        }
        assert!(read(&[("match[id]", &"a,".repeat(200))]).is_err());
    }

    #[test]
    fn next_holds_all_that_was_asked_for() {
        let (filter, ..) = read(&[
            ("match[id]", "a--b"),
            ("match[version]", "all"),
            ("added_after", "2026-11-24T00:00:00Z"),
        ])
        .unwrap();
        let place = Place { filter, limit: 7, after: 1_795_478_400_000_001 };
        assert_eq!(Place::read(&place.write()), Some(place));
    }
}
