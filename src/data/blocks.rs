//! A CSV read block by block: hashed, bounded, cut between records.

use std::io::{self, Read};

use xxhash_rust::xxh3::Xxh3;

use crate::data::scan::Block;

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A record is longer than the limit.
#[derive(Debug)]
pub(super) struct RecordTooLong;

impl std::fmt::Display for RecordTooLong {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a record is longer than the limit")
    }
}

impl std::error::Error for RecordTooLong {}

/// Reads whole records.
pub(super) struct Blocks<R> {
    reader: R,
    pub delimiter: u8,
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
    /// Looks at the first line for the delimiter. A record of more than `record_bytes`, as the first
    /// line may be, ends in an error that holds [`RecordTooLong`].
    pub fn open(reader: R, block_bytes: usize, record_bytes: usize) -> io::Result<Self> {
        // Places in a block are of 32 bits.
        const MOST: usize = 1 << 30;
        let record_bytes = record_bytes.min(MOST);
        let mut blocks = Blocks {
            reader,
            delimiter: b',',
            block_bytes: block_bytes.clamp(1, record_bytes + 1),
            record_bytes,
            ahead: Vec::new(),
            position: 0,
            byte_before: b'\n',
            ended: false,
            hash: Xxh3::new(),
        };
        let mut looked_at = 0;
        let line_end = loop {
            let mut ahead = std::mem::take(&mut blocks.ahead);
            let wanted = blocks.block_bytes.max(2 * looked_at);
            blocks.fill(&mut ahead, wanted)?;
            blocks.ahead = ahead;
            let rest = &blocks.ahead[looked_at..];
            match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                Some(end) => break looked_at + end,
                None if blocks.ended => break blocks.ahead.len(),
                None => looked_at = blocks.ahead.len(),
            }
            if looked_at > record_bytes {
                return Err(io::Error::other(RecordTooLong));
            }
        };
        blocks.delimiter = delimiter_of(&blocks.ahead[..line_end]);
        Ok(blocks)
    }

    /// The first bytes of the file, before its first block is read.
    pub fn beginning(&self) -> &[u8] {
        &self.ahead
    }

    /// Reads the next records into a block. `false` at the end of the file.
    pub fn read(&mut self, block: &mut Block) -> io::Result<bool> {
        let bytes = &mut block.bytes;
        bytes.clear();
        bytes.append(&mut self.ahead);
        block.first_byte = self.position;
        block.byte_before = self.byte_before;
        let mut wanted = self.block_bytes;
        loop {
            self.fill(&mut block.bytes, wanted)?;
            let length = block.bytes.len();
            let marked = block.first_byte == 0 && block.bytes.starts_with(BYTE_ORDER_MARK);
            let from = if marked { BYTE_ORDER_MARK.len() } else { 0 };
            let whole = block.scan(from, self.delimiter, self.ended);
            if block.records() > 0 || self.ended {
                self.ahead.extend_from_slice(&block.bytes[whole..length]);
                self.position += whole as u64;
                if let Some(before) = whole.checked_sub(1) {
                    self.byte_before = block.bytes[before];
                }
                return Ok(block.records() > 0);
            }
            if length - from > self.record_bytes {
                return Err(io::Error::other(RecordTooLong));
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
/// The delimiter of a header line: a comma if there is one outside of quotes, else a semicolon or a
/// tab, whichever is more frequent.
pub(super) fn delimiter_of(header: &[u8]) -> u8 {
    let mut quoted = false;
    let (mut commas, mut semicolons, mut tabs) = (0, 0, 0);
    for byte in header {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => commas += 1,
            b';' if !quoted => semicolons += 1,
            b'\t' if !quoted => tabs += 1,
            _ => {}
        }
    }
    match (commas, semicolons, tabs) {
        (0, 0, 0) | (1.., _, _) => b',',
        (_, semicolons, tabs) if semicolons >= tabs => b';',
        _ => b'\t',
    }
}

#[cfg(test)]
mod tests {
    use super::delimiter_of;

    #[test]
    fn the_header_shows_the_delimiter() {
        for (header, delimiter) in [
            ("a,b", b','),
            ("a;b,c", b','),
            ("\"a,b\";c", b';'),
            ("a b\tc", b'\t'),
            ("a;b\tc\td", b'\t'),
            ("alone", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter_of(header.as_bytes()), delimiter, "{header}");
        }
    }
}
