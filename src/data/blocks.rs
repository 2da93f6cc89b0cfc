//! A CSV read block by block: hashed, bounded, cut between records.

use std::io::{self, Chain, Cursor, Read};

use xxhash_rust::xxh3::Xxh3;

use crate::data::format::TableFormat;
use crate::data::scan::{RecordBlock, Unclosed};
use crate::data::sniff::{HEAD_BYTES, TableLayout, lines_in};

/// A record is longer than the limit.
#[derive(Debug)]
pub(super) struct RecordTooLong {
    /// The quote that makes it so long, if it is one.
    pub unclosed: Option<Unclosed>,
}

impl std::fmt::Display for RecordTooLong {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a record is longer than the limit")
    }
}

impl std::error::Error for RecordTooLong {}

/// Reads whole records.
pub(super) struct Blocks<R> {
    /// The head of the file, which was looked at, and what is behind it.
    reader: Chain<Cursor<Vec<u8>>, R>,
    pub layout: TableLayout,
    /// What lines begin with that are skipped; nothing if there are none.
    comment: Vec<u8>,
    /// How long a block is, unless a record is longer.
    block_bytes: usize,
    /// How long a record may be.
    record_bytes: usize,
    /// What was read and belongs to the next block.
    ahead: Vec<u8>,
    /// The position of the first byte of `ahead`, and the byte before it.
    position: u64,
    byte_before: u8,
    /// Whether the reader has given all it has.
    ended: bool,
    hash: Xxh3,
}

impl<R: Read> Blocks<R> {
    /// Looks at the head of the file for its layout.
    pub fn open(
        mut reader: R,
        block_bytes: usize,
        record_bytes: usize,
        format: &TableFormat,
    ) -> io::Result<Self> {
        // Places in a block are of 32 bits.
        const MOST: usize = 1 << 30;
        let record_bytes = record_bytes.min(MOST);
        let mut head = Vec::new();
        let whole = loop {
            let missing = HEAD_BYTES.max(head.len());
            let read = (&mut reader).take(missing as u64).read_to_end(&mut head)?;
            let has_row = lines_in(&head) > 1 + format.skip;
            if read < missing || has_row || head.len() > record_bytes {
                break read < missing;
            }
        };
        if !whole && lines_in(&head) <= format.skip {
            return Err(io::Error::other(RecordTooLong { unclosed: None }));
        }
        Ok(Blocks {
            layout: TableLayout::of(&head, whole, format),
            comment: format.comment_bytes().to_vec(),
            reader: Cursor::new(head).chain(reader),
            block_bytes: block_bytes.clamp(1, record_bytes + 1),
            record_bytes,
            ahead: Vec::new(),
            position: 0,
            byte_before: b'\n',
            ended: false,
            hash: Xxh3::new(),
        })
    }

    /// The head of the file, before its first block is read.
    pub fn head(&self) -> &[u8] {
        self.reader.get_ref().0.get_ref()
    }

    /// Reads the next records into a block. `false` at the end of the file.
    pub fn read(&mut self, block: &mut RecordBlock) -> io::Result<bool> {
        let bytes = &mut block.bytes;
        bytes.clear();
        bytes.append(&mut self.ahead);
        block.first_byte = self.position;
        block.byte_before = self.byte_before;
        block.comment.clone_from(&self.comment);
        let from = match block.first_byte {
            0 => self.layout.from,
            _ => 0,
        };
        let mut wanted = self.block_bytes.max(from + 1);
        loop {
            self.fill(&mut block.bytes, wanted)?;
            let length = block.bytes.len();
            let whole = block.scan(from, self.layout.delimiter, self.ended);
            if block.records() > 0 || self.ended {
                self.ahead.extend_from_slice(&block.bytes[whole..length]);
                self.position += whole as u64;
                if let Some(before) = whole.checked_sub(1) {
                    self.byte_before = block.bytes[before];
                }
                return Ok(block.records() > 0);
            }
            if length - from > self.record_bytes {
                let unclosed = block.unclosed();
                return Err(io::Error::other(RecordTooLong { unclosed }));
            }
            block.bytes.truncate(length);
            wanted = (2 * length).min(from + self.record_bytes + 1);
        }
    }

    /// Reads on until there are `wanted` bytes, or the reader has no more.
    fn fill(&mut self, bytes: &mut Vec<u8>, wanted: usize) -> io::Result<()> {
        let length = bytes.len();
        let Some(missing) = wanted.checked_sub(length).filter(|_| !self.ended) else {
            return Ok(());
        };
        bytes.reserve(missing);
        let read = (&mut self.reader).take(missing as u64).read_to_end(bytes)?;
        self.hash.update(&bytes[length..]);
        self.ended = read < missing;
        Ok(())
    }

    /// The 128-bit XXH3 of the bytes that were read, as 32 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        format!("{:032x}", self.hash.digest128())
    }
}
