//! Framing: no panic, no line above the limit, and the same lines however the stream is cut into reads.
#![no_main]
use collector::intake::framing::Framing;

const LINE_BYTES_MAX: usize = 64;

fn lines(reads: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut framing = Framing::new(LINE_BYTES_MAX);
    let mut found = Vec::new();
    for read in reads {
        framing.feed(read, &mut |line| found.push(line.to_vec()));
    }
    framing.finish(&mut |line| found.push(line.to_vec()));
    found
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (cut, stream) = bytes.split_first().map_or((0, bytes), |(cut, rest)| (usize::from(*cut), rest));
    let (head, tail) = stream.split_at(cut.min(stream.len()));
    let whole = lines(&[stream]);
    assert_eq!(whole, lines(&[head, tail]));
    assert!(whole.iter().all(|line| line.len() <= LINE_BYTES_MAX));
});
