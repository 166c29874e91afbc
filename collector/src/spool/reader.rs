//! Reading the spool in order, many records to a buffer, never beyond what is durable.

use super::record::{self, Decoded, Record};
use super::segment::{self, HEADER_BYTES};
use super::{Error, Shared};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Reads on from a sequence number. Several readers may read one spool.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    next: u64,
    place: Option<Place>,
    damaged_bytes: u64,
}

#[derive(Debug)]
struct Place {
    first: u64,
    /// The number of the record before `offset`.
    before: u64,
    offset: u64,
    file: File,
    path: PathBuf,
}

/// Records in the order of the spool, in one buffer.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Batch {
    /// How many records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none: nothing became durable before the timeout.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Record `index` of the batch.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Record<'_>> {
        record::checked(&self.bytes, *self.starts.get(index)?)
    }

    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.starts.iter().filter_map(|&at| record::checked(&self.bytes, at))
    }
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, from: u64) -> Reader {
        Reader { shared, next: from, place: None, damaged_bytes: 0 }
    }

    /// The number that the next record has at least.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// How many bytes were passed over because they were damaged.
    #[must_use]
    pub fn damaged_bytes(&self) -> u64 {
        self.damaged_bytes
    }

    /// Blocks until something is durable or `timeout` is over, then gives up to `records_max` records that take
    /// up to `bytes_max` bytes (a longer record comes alone). Records end where a segment ends.
    ///
    /// # Errors
    /// If a segment cannot be read.
    pub fn next_batch(
        &mut self,
        records_max: usize,
        bytes_max: usize,
        timeout: Duration,
    ) -> Result<Batch, Error> {
        if !self.shared.wait_durable(self.next, timeout) {
            return Ok(Batch::default());
        }
        loop {
            let Some((mut place, end, last)) = self.locate()? else { return Ok(Batch::default()) };
            let batch = self.fill(&mut place, end, records_max.max(1), bytes_max)?;
            let ended = place.offset >= end && !last;
            if ended {
                self.shared.segment_after(place.first).inspect(|&first| self.next = self.next.max(first));
            }
            self.place = (!ended).then_some(place);
            if !batch.is_empty() || (last && !ended) {
                return Ok(batch);
            }
        }
    }

    /// The segment that holds the next record, the end of what is durable in it, and whether it is the newest.
    fn locate(&mut self) -> Result<Option<(Place, u64, bool)>, Error> {
        if let Some(place) = self.place.take() {
            // A segment that was deleted meanwhile is still readable through the open file.
            if let Some((end, last)) = self.shared.segment_end(place.first) {
                return Ok(Some((place, end, last)));
            }
        }
        let Some((first, end, last)) = self.shared.segment_for(self.next) else { return Ok(None) };
        let path = segment::path(&self.shared.dir, first);
        let file = File::open(&path).map_err(|source| Error::io("open", &path, source))?;
        Ok(Some((
            Place { first, before: first.saturating_sub(1), offset: HEADER_BYTES, file, path },
            end,
            last,
        )))
    }

    fn fill(
        &mut self,
        place: &mut Place,
        end: u64,
        records_max: usize,
        bytes_max: usize,
    ) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        let mut want = bytes_max.max(4096);
        while place.offset < end && batch.is_empty() {
            let there = usize::try_from(end - place.offset).unwrap_or(usize::MAX);
            batch.bytes.resize(want.min(there), 0);
            let read = place.file.read_exact_at(&mut batch.bytes, place.offset);
            read.map_err(|source| Error::io("read", &place.path, source))?;
            let whole = want >= there;
            let mut at = 0;
            while at < batch.bytes.len() && batch.starts.len() < records_max {
                match record::decode(&batch.bytes[at..]) {
                    Decoded::Record(record, length) => {
                        place.before = record.sequence;
                        if record.sequence >= self.next {
                            self.next = record.sequence + 1;
                            batch.starts.push(at);
                        }
                        at += length;
                    }
                    Decoded::Short(length) if !whole && at + length > batch.bytes.len() => {
                        // Longer than was read: what is before it goes first; alone, it is read whole.
                        if at == 0 {
                            want = length;
                        }
                        break;
                    }
                    Decoded::Short(_) | Decoded::Damaged => {
                        if !whole {
                            // Damage may stretch beyond what was read: look at the rest of the segment at once.
                            if at == 0 {
                                want = there;
                            }
                            break;
                        }
                        let skipped = record::resync(&batch.bytes[at..], place.before)
                            .unwrap_or(batch.bytes.len() - at);
                        tracing::warn!(segment = %place.path.display(), offset = place.offset + at as u64, bytes = skipped,
                            "damaged bytes in the spool were passed over");
                        self.damaged_bytes += skipped as u64;
                        at += skipped;
                    }
                }
            }
            place.offset += at as u64;
        }
        Ok(batch)
    }
}
