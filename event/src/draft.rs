//! An event under construction over its raw line.

use crate::event::{Fitted, Piece, Stored, StoredExtra, fit};
use crate::{Event, Field, Kind, Raw, Time, Value};
use std::net::IpAddr;

/// Where a parser writes. Text that lies within the raw line is kept as a place in it, without a copy.
pub struct Draft<'r> {
    raw: &'r str,
    event: Event,
}

/// Room for so many extras is made at the first, because few lines have more.
const EXTRAS: usize = 8;

impl<'r> Draft<'r> {
    /// An event that so far says only: this line, from there, then.
    #[must_use]
    pub fn new(raw: &Raw<'r>) -> Draft<'r> {
        let event = Event::new(raw.id, raw.line);
        let mut draft = Draft { raw: raw.line, event };
        draft.date(Field::TIMESTAMP, raw.received);
        draft.date(Field::EVENT_INGESTED, raw.received);
        draft.word(Field::HAIDANG_COLLECTOR_TRANSPORT, raw.transport.name());
        if let Some(peer) = raw.peer {
            draft.ip(Field::HAIDANG_COLLECTOR_ADDRESS, peer);
        }
        draft
    }

    /// The raw line.
    #[must_use]
    pub fn line(&self) -> &'r str {
        self.raw
    }

    /// What is set so far.
    #[must_use]
    pub fn so_far(&self) -> &Event {
        &self.event
    }

    /// Sets a field from text, read by the field's kind: `"443"` for a port, `"10.0.0.1"` for an address. Empty text
    /// sets nothing. Text that does not fit is kept as the extra `haidang.unfit` + the field's name.
    #[inline]
    pub fn put(&mut self, field: Field, text: &str) {
        if !text.is_empty() {
            self.put_some(field, text);
        }
    }

    fn put_some(&mut self, field: Field, text: &str) {
        if field.kind() == Kind::Text {
            let piece = self.piece(text);
            self.event.store(field, Stored::Text(piece));
            return;
        }
        match fit(field.kind(), Value::Text(text)) {
            Some(Fitted::Text(text)) => {
                let stored = Stored::Text(self.piece(text));
                self.event.store(field, stored);
            }
            Some(Fitted::Other(stored)) => self.event.store(field, stored),
            None => self.extra("haidang.unfit", field.name(), text),
        }
    }

    /// Sets a text field to a word known at compile time (for a list field: adds it).
    pub fn word(&mut self, field: Field, word: &'static str) {
        self.event.store(field, Stored::Text(Piece::Word(word)));
    }

    /// Sets a whole number.
    pub fn long(&mut self, field: Field, number: i64) {
        if field.kind() == Kind::Long {
            self.event.store(field, Stored::Long(number));
        } else {
            self.event.set(field, Value::Long(number));
        }
    }

    /// Sets an address.
    pub fn ip(&mut self, field: Field, ip: IpAddr) {
        self.event.set(field, Value::Ip(ip));
    }

    /// Sets a moment.
    pub fn date(&mut self, field: Field, time: Time) {
        if field.kind() == Kind::Date {
            self.event.store(field, Stored::Date(time));
        }
    }

    /// Sets true or false.
    pub fn flag(&mut self, field: Field, flag: bool) {
        self.event.set(field, Value::Bool(flag));
    }

    /// Sets a field to a value already typed; one that does not fit is kept as an extra, as in [`Draft::put`].
    pub fn value(&mut self, field: Field, value: Value<'_>) {
        match value {
            Value::Text(text) => self.put(field, text),
            other if self.event.set(field, other) => {}
            other => self.put(field, &other.to_text()),
        }
    }

    /// Keeps a vendor's field under the vendor's namespace (`fortinet.firewall`). Empty text is kept out.
    pub fn extra(&mut self, namespace: &'static str, key: &str, text: &str) {
        if !text.is_empty() {
            self.extra_value(namespace, key, Value::Text(text));
        }
    }

    /// Keeps a vendor's field that is not text.
    pub fn extra_value(&mut self, namespace: &'static str, key: &str, value: Value<'_>) {
        let key = self.piece(key);
        let value = match value {
            Value::Text(text) => Stored::Text(self.piece(text)),
            Value::Long(number) => Stored::Long(number),
            Value::Float(number) if number.is_finite() => Stored::Float(number),
            Value::Float(_) => return,
            Value::Ip(ip) => Stored::Ip(ip),
            Value::Date(time) => Stored::Date(time),
            Value::Bool(flag) => Stored::Bool(flag),
        };
        if self.event.extras.capacity() == 0 {
            self.event.extras.reserve_exact(EXTRAS);
        }
        self.event.extras.push(StoredExtra { namespace: Piece::Word(namespace), key, value });
    }

    /// The finished event.
    #[must_use]
    pub fn finish(self) -> Event {
        self.event
    }

    /// The place of `text` in the raw line if it lies there, else a copy behind it. The raw line outlives the draft,
    /// so an address within it can belong to nothing else.
    fn piece(&mut self, text: &str) -> Piece {
        let line = self.raw.as_ptr() as usize;
        let at = text.as_ptr() as usize;
        if at >= line && at + text.len() <= line + self.raw.len() {
            let start = u32::try_from(at - line).unwrap_or(u32::MAX);
            return Piece::Span { start, len: u32::try_from(text.len()).unwrap_or(0) };
        }
        self.event.append(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_line_is_not_copied_and_other_text_is() {
        let line = String::from("srcip=192.0.2.7 action=deny");
        let raw = Raw::stdin(&line, Time(1_790_000_000_000), 1);
        let mut draft = Draft::new(&raw);
        draft.put(Field::EVENT_ACTION, &line[23..]);
        draft.put(Field::SOURCE_IP, &line[6..15]);
        draft.put(Field::USER_NAME, "decoded");
        draft.put(Field::SOURCE_PORT, "not a port");
        let event = draft.finish();
        assert_eq!(event.text(Field::EVENT_ACTION), Some("deny"));
        assert_eq!(event.ip(Field::SOURCE_IP), Some("192.0.2.7".parse().unwrap()));
        assert_eq!(event.text(Field::USER_NAME), Some("decoded"));
        assert_eq!(event.original(), line);
        assert_eq!(event.lookup("haidang.unfit.source.port").next(), Some(Value::Text("not a port")));
        assert_eq!(event.text.len(), line.len() + "decoded".len() + "source.port".len() + "not a port".len());
    }

    #[test]
    fn a_single_field_is_replaced_and_a_list_grows_without_repeats() {
        let raw = Raw::stdin("x", Time(0), 1);
        let mut draft = Draft::new(&raw);
        draft.word(Field::EVENT_ACTION, "a");
        draft.word(Field::EVENT_ACTION, "b");
        draft.word(Field::EVENT_CATEGORY, "network");
        draft.word(Field::EVENT_CATEGORY, "network");
        draft.word(Field::EVENT_CATEGORY, "malware");
        let event = draft.finish();
        assert_eq!(event.values(Field::EVENT_ACTION).count(), 1);
        assert_eq!(event.text(Field::EVENT_ACTION), Some("b"));
        assert_eq!(event.values(Field::EVENT_CATEGORY).count(), 2);
    }
}
