//! Where one syslog line ends and the next begins on a stream (RFC 6587, RFC 5425).
//!
//! Both framings are told apart for each frame: digits, a space and `<` begin an octet-counted frame; anything else
//! ends at a newline or NUL. A line longer than the limit is cut to it and counted; the rest of its frame is skipped.

/// The most digits of an octet count: 999,999,999 bytes.
const COUNT_DIGITS_MAX: usize = 9;

/// What the framing met, to be counted by the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Lines given.
    pub lines: u64,
    /// Lines that were cut to the limit.
    pub cut: u64,
    /// Frames without a line.
    pub empty: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the start of a frame, perhaps with the first digits of a count held.
    Start,
    /// In a line that a newline or NUL ends.
    Line,
    /// In a frame of which this many bytes are to come.
    Counted(usize),
}

/// The framing of one stream; holds at most one line.
#[derive(Debug)]
pub struct Framing {
    state: State,
    held: Vec<u8>,
    overlong: bool,
    line_bytes_max: usize,
    counts: bool,
}

impl Framing {
    /// The framing of a syslog stream.
    #[must_use]
    pub fn new(line_bytes_max: usize) -> Framing {
        Framing { state: State::Start, held: Vec::new(), overlong: false, line_bytes_max, counts: true }
    }

    /// The framing of a file: newlines only, for a count there is text.
    #[must_use]
    pub fn lines_only(line_bytes_max: usize) -> Framing {
        Framing { counts: false, ..Framing::new(line_bytes_max) }
    }

    /// Whether bytes of an unfinished frame are held.
    #[must_use]
    pub fn is_within_frame(&self) -> bool {
        self.state != State::Start || !self.held.is_empty()
    }

    /// Takes the next bytes of the stream, whichever way they were split, and gives each line that is whole.
    pub fn feed(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Met {
        let mut met = Met::default();
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Start => self.start(bytes, each, &mut met),
                State::Line => self.line(bytes, each, &mut met),
                State::Counted(left) => self.counted(bytes, left, each, &mut met),
            };
        }
        met
    }

    /// The stream is over: a last line without its end is kept.
    pub fn finish(&mut self, each: &mut dyn FnMut(&[u8])) -> Met {
        let mut met = Met::default();
        if self.is_within_frame() {
            self.give(each, &mut met);
        }
        met
    }

    /// Decides the framing byte by byte, holding the digits meanwhile.
    fn start<'b>(&mut self, bytes: &'b [u8], each: &mut dyn FnMut(&[u8]), met: &mut Met) -> &'b [u8] {
        let Some((&byte, rest)) = bytes.split_first() else { return bytes };
        if !self.counts {
            self.state = State::Line;
            return bytes;
        }
        let digits = self.held.iter().take_while(|held| held.is_ascii_digit()).count();
        match byte {
            b'1'..=b'9' if self.held.is_empty() => self.held.push(byte),
            b'0'..=b'9' if digits > 0 && digits == self.held.len() && digits < COUNT_DIGITS_MAX => {
                self.held.push(byte);
            }
            b' ' if digits > 0 && digits == self.held.len() => self.held.push(byte),
            b'<' if digits > 0 && self.held.len() == digits + 1 => {
                let count =
                    self.held[..digits].iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                self.held.clear();
                self.state = State::Counted(count);
                return bytes;
            }
            b'\n' | b'\r' | 0 if self.held.is_empty() => {
                // A trailer after a counted frame, or an empty line.
                met.empty += u64::from(byte == b'\n');
                return rest;
            }
            _ => {
                self.state = State::Line;
                self.trim_to_limit();
                return self.line(bytes, each, met);
            }
        }
        rest
    }

    fn line<'b>(&mut self, bytes: &'b [u8], each: &mut dyn FnMut(&[u8]), met: &mut Met) -> &'b [u8] {
        // A file's NUL is no end: copytruncate leaves holes, and binary lines stay whole.
        let end = if self.counts { memchr::memchr2(b'\n', 0, bytes) } else { memchr::memchr(b'\n', bytes) };
        let Some(end) = end else {
            self.hold(bytes);
            return &[];
        };
        if self.held.is_empty() && end <= self.line_bytes_max {
            self.state = State::Start;
            emit(&bytes[..end], false, each, met);
        } else {
            self.hold(&bytes[..end]);
            self.give(each, met);
        }
        &bytes[end + 1..]
    }

    fn counted<'b>(
        &mut self,
        bytes: &'b [u8],
        left: usize,
        each: &mut dyn FnMut(&[u8]),
        met: &mut Met,
    ) -> &'b [u8] {
        let (part, rest) = bytes.split_at(left.min(bytes.len()));
        self.hold(part);
        if part.len() == left {
            self.give(each, met);
        } else {
            self.state = State::Counted(left - part.len());
        }
        rest
    }

    fn hold(&mut self, part: &[u8]) {
        let room = self.line_bytes_max.saturating_sub(self.held.len());
        self.overlong |= part.len() > room;
        self.held.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn trim_to_limit(&mut self) {
        self.overlong |= self.held.len() > self.line_bytes_max;
        self.held.truncate(self.line_bytes_max);
    }

    fn give(&mut self, each: &mut dyn FnMut(&[u8]), met: &mut Met) {
        emit(&self.held, self.overlong, each, met);
        self.held.clear();
        if self.held.capacity() > 16 * 1024 {
            self.held = Vec::new(); // ten thousand connections must not each keep their longest line
        }
        self.overlong = false;
        self.state = State::Start;
    }
}

fn emit(line: &[u8], overlong: bool, each: &mut dyn FnMut(&[u8]), met: &mut Met) {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |last| last + 1);
    if end == 0 {
        met.empty += 1;
        return;
    }
    met.lines += 1;
    met.cut += u64::from(overlong);
    each(&line[..end]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(parts: &[&[u8]], line_bytes_max: usize) -> (Vec<Vec<u8>>, Met) {
        let mut framing = Framing::new(line_bytes_max);
        let mut lines = Vec::new();
        let mut met = Met::default();
        let mut add = |more: Met| {
            met =
                Met { lines: met.lines + more.lines, cut: met.cut + more.cut, empty: met.empty + more.empty };
        };
        for part in parts {
            add(framing.feed(part, &mut |line| lines.push(line.to_vec())));
        }
        add(framing.finish(&mut |line| lines.push(line.to_vec())));
        (lines, met)
    }

    #[test]
    fn both_framings_are_told_apart_frame_by_frame() {
        let stream = b"<13>one\r\n7 <13>two<13>three\0\n11 <13>fo\nur\nx5 6 7 days up\n2026 was\n<13>last";
        let (lines, _) = framed(&[stream], 1000);
        let expected: [&[u8]; 7] = [
            b"<13>one",
            b"<13>two",
            b"<13>three",
            b"<13>fo\nur\nx",
            b"5 6 7 days up",
            b"2026 was",
            b"<13>last",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_longer_line_is_cut_and_counted_and_the_rest_of_its_frame_skipped() {
        let (lines, met) = framed(&[b"12 <13>01234567<13>0123456789\n<13>ok\n"], 8);
        assert_eq!(lines, [&b"<13>0123"[..], b"<13>0123", b"<13>ok"]);
        assert_eq!(met, Met { lines: 3, cut: 2, empty: 0 });
    }

    fn frame() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
        let text = proptest::collection::vec(prop_oneof![5 => 32u8..127, 1 => 128u8..=255], 1..40);
        (text, 0..4).prop_map(|(text, kind)| {
            let line = [b"<13>", &text[..]].concat();
            let wire = match kind {
                0 => [&line[..], b"\n"].concat(),
                1 => [&line[..], b"\r\n"].concat(),
                2 => [&line[..], b"\0"].concat(),
                _ => [format!("{} ", line.len()).as_bytes(), &line[..]].concat(),
            };
            (line, wire)
        })
    }

    proptest! {
        #[test]
        fn any_split_into_reads_gives_the_same_lines(
            frames in proptest::collection::vec(frame(), 0..12),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..10),
        ) {
            let stream: Vec<u8> = frames.iter().flat_map(|(_, wire)| wire.clone()).collect();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            at.extend([0, stream.len()]);
            at.sort_unstable();
            let parts: Vec<&[u8]> = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            let expected: Vec<Vec<u8>> = frames.into_iter().map(|(line, _)| line).collect();
            prop_assert_eq!(framed(&parts, 1000).0, expected);
        }

        #[test]
        fn any_bytes_give_the_same_lines_byte_by_byte_and_none_too_long(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b' '), Just(b'<'), Just(b'\n'), 48u8..58], 0..200)) {
            let whole = framed(&[&bytes], 16);
            prop_assert!(whole.0.iter().all(|line| (1..=16).contains(&line.len())));
            prop_assert_eq!(whole, framed(&bytes.chunks(1).collect::<Vec<_>>(), 16));
        }
    }
}
