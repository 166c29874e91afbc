//! What an event must have so that a rule may hold of it: asked of a store, so that only candidates are read.
//!
//! It is *necessary*, never sufficient: an event without it meets none of the rules. Nothing here is said of what must
//! not be, so a part that cannot be told is [`Candidates::Every`].

/// Which events come into question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Candidates {
    /// Every event.
    Every,
    /// Those of which all parts hold.
    All(Vec<Candidates>),
    /// Those of which a part holds; without a part, none.
    Any(Vec<Candidates>),
    /// Those with a value of this field (a dotted name) that has what is needed.
    Value(String, Needed),
}

/// What is needed of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// Nothing more.
    There,
    /// Each of these texts of ASCII, without regard to case.
    Texts(Vec<String>),
    /// To be this number, however it is written.
    Number(i64),
}

impl Candidates {
    /// All of the parts, as simply as it can be said.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Candidates>) -> Candidates {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Candidates::Every => {}
                Candidates::All(inner) => kept.extend(inner),
                Candidates::Any(inner) if inner.is_empty() => return Candidates::Any(inner),
                other => kept.push(other),
            }
        }
        kept.sort();
        kept.dedup();
        match kept.len() {
            0 => Candidates::Every,
            1 => kept.remove(0),
            _ => Candidates::All(kept),
        }
    }

    /// Any of the parts, as simply as it can be said.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Candidates>) -> Candidates {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Candidates::Every => return Candidates::Every,
                Candidates::Any(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        kept.sort();
        kept.dedup();
        if kept.len() == 1 { kept.remove(0) } else { Candidates::Any(kept) }
    }

    /// How many values it asks for.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Candidates::Every => 0,
            Candidates::Value(..) => 1,
            Candidates::All(parts) | Candidates::Any(parts) => parts.iter().map(Candidates::size).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(name: &str) -> Candidates {
        Candidates::Value(name.to_owned(), Needed::There)
    }

    #[test]
    fn parts_are_flat_once_and_say_no_more_than_they_must() {
        let none = Candidates::any([]);
        assert_eq!(Candidates::all([Candidates::Every, there("b"), there("a"), there("b")]).size(), 2);
        assert_eq!(Candidates::all([there("a"), none.clone()]), none);
        assert_eq!(Candidates::all([]), Candidates::Every);
        assert_eq!(Candidates::any([none, there("a")]), there("a"));
        assert_eq!(Candidates::any([there("a"), Candidates::Every]), Candidates::Every);
        let nested = Candidates::any([Candidates::any([there("a"), there("b")]), there("c")]);
        assert_eq!(nested, Candidates::any([there("c"), there("b"), there("a")]));
    }
}
