//! The bytes of a CSV on their way to the parser: hashed, bounded, and kept for as long as the
//! record that they belong to may still be shown in a diagnostic.

use std::io::{self, Read};

use xxhash_rust::xxh3::Xxh3;

const CHUNK: usize = 1 << 16;

/// A record is longer than the limit.
#[derive(Debug)]
pub(super) struct RecordTooLong;

impl std::fmt::Display for RecordTooLong {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a record is longer than the limit")
    }
}

impl std::error::Error for RecordTooLong {}

pub(super) struct Window<R> {
    reader: R,
    /// Bytes that were looked at before parsing began, and how many of them are handed on.
    ahead: Vec<u8>,
    handed_on: usize,
    /// The file from byte `kept_from` to where it is read.
    kept: Vec<u8>,
    kept_from: u64,
    record_start: u64,
    limit: usize,
    hash: Xxh3,
}

impl<R: Read> Window<R> {
    /// A record of more than `limit` bytes ends in an error that holds [`RecordTooLong`].
    pub fn new(reader: R, limit: usize) -> Self {
        Window {
            reader,
            ahead: Vec::new(),
            handed_on: 0,
            kept: Vec::new(),
            kept_from: 0,
            record_start: 0,
            limit,
            hash: Xxh3::new(),
        }
    }

    /// Looks at the first line without taking it from the parser.
    pub fn first_line(&mut self) -> io::Result<&[u8]> {
        let line_end = |bytes: &[u8]| bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let end = loop {
            let looked_at = self.ahead.len();
            if looked_at > self.limit {
                return Err(io::Error::other(RecordTooLong));
            }
            self.ahead.resize(looked_at + CHUNK, 0);
            let read = read_some(&mut self.reader, &mut self.ahead[looked_at..])?;
            self.ahead.truncate(looked_at + read);
            match line_end(&self.ahead[looked_at..]) {
                Some(end) => break looked_at + end,
                None if read == 0 => break self.ahead.len(),
                None => {}
            }
        };
        Ok(&self.ahead[..end])
    }

    /// Says where the record that is read next begins; what is before it may be forgotten.
    pub fn begin_record(&mut self, byte: u64) {
        self.record_start = byte;
    }

    /// The file's bytes from one position to another, both in the present record.
    pub fn bytes(&self, from: u64, to: u64) -> &[u8] {
        let place = |byte: u64| {
            let place = byte.saturating_sub(self.kept_from);
            usize::try_from(place).map_or(self.kept.len(), |place| place.min(self.kept.len()))
        };
        &self.kept[place(from)..place(to)]
    }

    /// The hash of all bytes that were read, as 32 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        format!("{:032x}", self.hash.digest128())
    }
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let done = self.record_start.saturating_sub(self.kept_from);
        let done = usize::try_from(done).map_or(self.kept.len(), |done| done.min(self.kept.len()));
        self.kept.drain(..done);
        self.kept_from += done as u64;
        if self.kept.len() > self.limit {
            return Err(io::Error::other(RecordTooLong));
        }
        let waiting = &self.ahead[self.handed_on..];
        let count = if waiting.is_empty() {
            read_some(&mut self.reader, buffer)?
        } else {
            let count = waiting.len().min(buffer.len());
            buffer[..count].copy_from_slice(&waiting[..count]);
            self.handed_on += count;
            count
        };
        self.hash.update(&buffer[..count]);
        self.kept.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

fn read_some(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
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
