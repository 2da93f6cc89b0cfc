//! What a file is by its first bytes: packed, a table of another kind, or no table at all.

use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;
use memchr::memmem;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::data::scan::BYTE_ORDER_MARK;
use crate::diagnostics::{Code, Diagnostic};

/// How many bytes are looked at.
pub(super) const LOOKED_AT: usize = 512;

/// How a file is packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    Gzip,
    Zstandard,
}

impl Packing {
    pub fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstandard => "zstd",
        }
    }

    fn of(head: &[u8]) -> Option<Packing> {
        if head.starts_with(b"\x1F\x8B\x08") {
            return Some(Packing::Gzip);
        }
        head.starts_with(b"\x28\xB5\x2F\xFD")
            .then_some(Packing::Zstandard)
    }
}

/// The bytes of a file, unpacked if it was packed.
pub(super) struct UnpackedFile<'r> {
    pub reader: Box<dyn Read + 'r>,
    pub packing: Option<Packing>,
}

/// Looks at the first bytes of a file and unpacks what gzip (RFC 1952) or zstd (RFC 8878) packed.
pub(super) fn unpacked<'r>(reader: impl Read + 'r) -> io::Result<UnpackedFile<'r>> {
    let (head, reader) = looked_at(reader)?;
    let packing = Packing::of(&head);
    let reader: Box<dyn Read> = match packing {
        None => Box::new(reader),
        Some(Packing::Gzip) => Box::new(MultiGzDecoder::new(reader)),
        Some(Packing::Zstandard) => Box::new(ZstandardFrames {
            state: Frames::Between(reader),
        }),
    };
    Ok(UnpackedFile { reader, packing })
}

/// The bytes of a file, unpacked if gzip or zstd packed it.
///
/// # Errors
/// The file is damaged.
pub fn unpack(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if Packing::of(&bytes).is_none() {
        return Ok(bytes);
    }
    let mut result = Vec::new();
    unpacked(bytes.as_slice())?
        .reader
        .read_to_end(&mut result)?;
    Ok(result)
}

/// A reader whose first bytes were looked at.
type WithHead<R> = Chain<Cursor<Vec<u8>>, R>;

fn looked_at<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, WithHead<R>)> {
    let mut head = Vec::new();
    (&mut reader)
        .take(LOOKED_AT as u64)
        .read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// Zstandard frames, one after another: a file may have several, and frames to skip between them.
struct ZstandardFrames<R: Read> {
    state: Frames<R>,
}

enum Frames<R: Read> {
    Between(R),
    Within(Box<Frame<R>>),
    Ended,
}

/// The magic number of a frame, which was looked at, and what is behind it.
type Frame<R> = StreamingDecoder<WithHead<R>, FrameDecoder>;

impl<R: Read> Read for ZstandardFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, Frames::Ended) {
                Frames::Ended => return Ok(0),
                Frames::Between(reader) => self.state = next_frame(reader)?,
                Frames::Within(mut frame) => {
                    let read = frame.read(buffer)?;
                    if read > 0 || buffer.is_empty() {
                        self.state = Frames::Within(frame);
                        return Ok(read);
                    }
                    let given = frame.decoder.get_checksum_from_data();
                    let found = frame.decoder.get_calculated_checksum();
                    if given.is_some_and(|given| found.is_some_and(|found| found != given)) {
                        return Err(damaged("its checksum is wrong"));
                    }
                    self.state = Frames::Between(frame.into_inner().into_inner().1);
                }
            }
        }
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("damaged zstd data: {why}"),
    )
}

/// The next frame that holds anything.
fn next_frame<R: Read>(mut reader: R) -> io::Result<Frames<R>> {
    const SKIPPED: u32 = 0x184D_2A50;
    loop {
        let mut magic = Vec::new();
        (&mut reader).take(4).read_to_end(&mut magic)?;
        let number = match magic[..] {
            [] => return Ok(Frames::Ended),
            [first, second, third, fourth] => u32::from_le_bytes([first, second, third, fourth]),
            _ => return Err(damaged("it is cut off")),
        };
        if number & 0xFFFF_FFF0 == SKIPPED {
            let mut length = [0; 4];
            reader.read_exact(&mut length)?;
            let length = u64::from(u32::from_le_bytes(length));
            io::copy(&mut (&mut reader).take(length), &mut io::sink())?;
            continue;
        }
        let reader = Cursor::new(magic).chain(reader);
        let frame = StreamingDecoder::new(reader).map_err(|error| damaged(&error.to_string()))?;
        return Ok(Frames::Within(Box::new(frame)));
    }
}

/// What a file is if it is no CSV, by its first bytes, and how to get a CSV of it.
pub(super) fn not_a_csv(head: &[u8], name: &str) -> Option<Diagnostic> {
    let (what, way_out) = other_kind(head)?;
    let message = format!("`{name}` is {what}, not a CSV");
    Some(Diagnostic::without_place(Code::NotACsv, message).help(way_out))
}

/// The way out of another encoding, which the bytes alone do not name.
pub(super) const OTHER_ENCODING: &str = "save the table as UTF-8; if it comes from Windows, `iconv -f \
     WINDOWS-1252 -t UTF-8` may convert it";

const EXCEL: &str = "save its sheet as CSV in UTF-8";
const PANDAS: &str = "read it with pandas or polars and write it by `to_csv` or `write_csv`";

/// How files of other kinds begin, what they are, and the way out.
const MAGICS: [(&[u8], &str, &str); 16] = [
    (b"PAR1", "a Parquet file", PANDAS),
    (b"ARROW1", "an Arrow file", PANDAS),
    (b"ORC", "an ORC file", PANDAS),
    (b"Obj\x01", "an Avro file", PANDAS),
    (b"\x89HDF\r\n", "an HDF5 file", PANDAS),
    (
        b"\x93NUMPY",
        "a NumPy array",
        "write it by `numpy.savetxt` with a header",
    ),
    (b"\x80\x02", "a pickle", PANDAS),
    (b"\x80\x03", "a pickle", PANDAS),
    (b"\x80\x04", "a pickle", PANDAS),
    (b"\x80\x05", "a pickle", PANDAS),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "write a query's rows: `sqlite3 -header -csv FILE 'select …' > table.csv`",
    ),
    (b"\xD0\xCF\x11\xE0", "an old Excel file", EXCEL),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (
        b"BZh",
        "packed by bzip2",
        "unpack it; gzip and zstd are read as they are",
    ),
    (
        b"\xFD7zXZ\0",
        "packed by xz",
        "unpack it; gzip and zstd are read as they are",
    ),
    (b"7z\xBC\xAF", "a 7z archive", "unpack it"),
];

fn other_kind(head: &[u8]) -> Option<(&'static str, &'static str)> {
    // Short magics are letters of a text, too.
    let binary = head.iter().any(|byte| matches!(byte, 0..=8));
    let magic = MAGICS.iter().find(|(magic, ..)| {
        let is_text = magic.iter().all(|byte| byte.is_ascii_graphic());
        head.starts_with(magic) && (!is_text || binary || head.len() < 16)
    });
    if let Some((_, what, way_out)) = magic {
        return Some((what, way_out));
    }
    if head.starts_with(b"PK\x03\x04") {
        let has = |part: &[u8]| memmem::find(head, part).is_some();
        return Some(if has(b"xl/") || has(b"[Content_Types].xml") {
            ("an Excel file", EXCEL)
        } else if has(b".npy") {
            (
                "a file of NumPy arrays",
                "write an array by `numpy.savetxt` with a header",
            )
        } else {
            (
                "a ZIP archive",
                "unpack it; gzip and zstd are read as they are",
            )
        });
    }
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let text = text.trim_ascii_start();
    let begins = |tag: &[u8]| {
        let beginning = text.get(..tag.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(tag))
    };
    if begins(b"<!doctype html") || begins(b"<html") {
        let way_out = "it may be an answer of a server instead of the file: fetch the file itself";
        return Some(("a web page (HTML)", way_out));
    }
    if begins(b"<?xml") {
        return Some(("XML", PANDAS));
    }
    let json = match text.first() {
        Some(b'{') => Some("JSON lines"),
        Some(b'[') => Some("JSON"),
        Some(_) | None => None,
    };
    let inside = text.get(1..).map(<[u8]>::trim_ascii_start);
    let opens = inside.and_then(<[u8]>::first);
    match (json, opens) {
        (Some("JSON"), Some(b'{' | b'[')) => Some(("JSON", PANDAS)),
        (Some(what), Some(b'"')) if what == "JSON lines" => Some((what, PANDAS)),
        _ if is_utf16(head) => Some((
            "UTF-16 without a byte order mark",
            "save the table as UTF-8",
        )),
        _ if head.contains(&0) => Some(("a binary file", "a table is text: save it as CSV")),
        _ => None,
    }
}

/// Whether each second byte is zero, as it is in English text.
fn is_utf16(head: &[u8]) -> bool {
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0);
    let (even, odd) = (zeros(0).count(), zeros(1).count());
    head.len() >= 4 && even.max(odd) * 10 > head.len() * 4 && even.min(odd) * 10 < head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of 120 rows as `zstd --check` packs it.
    const ZSTD: &[u8] = b"\x28\xB5\x2F\xFD\x04\x58\x95\x00\x00\x58\x61\x2C\x79\x0A\x31\x2C\x32\x0A\x33\x2C\x34\x01\x00\xD6\x53\x8B\x17\xFC\x72\xC2\xB7";

    fn text() -> Vec<u8> {
        [&b"a,y\n"[..], &b"1,2\n3,4\n".repeat(60)].concat()
    }

    /// The same by `gzip -n`.
    const GZIP: &[u8] = b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\x4B\xD4\xA9\xE4\x32\xD4\x31\xE2\x32\xD6\x31\x19\xA5\x87\x29\x0D\x00\xFA\x94\xF3\x85\xE4\x01\x00\x00";

    #[test]
    fn what_was_packed_is_unpacked() {
        let skipped = [0x52, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9];
        for (packed, times) in [
            (GZIP.to_vec(), 1),
            ([GZIP, GZIP].concat(), 2),
            (ZSTD.to_vec(), 1),
            ([ZSTD, &skipped, ZSTD].concat(), 2),
            (text(), 1),
        ] {
            assert_eq!(unpack(packed).expect("whole"), text().repeat(times));
        }
    }

    #[test]
    fn damage_is_an_error() {
        for packed in [GZIP, ZSTD] {
            for cut in 4..packed.len() {
                assert!(unpack(packed[..cut].to_vec()).is_err(), "{cut}");
            }
            for at in 4..packed.len() {
                let mut damaged = packed.to_vec();
                damaged[at] ^= 0x10;
                // Some bytes say nothing of the content.
                if let Ok(text) = unpack(damaged) {
                    assert_eq!(text, self::text(), "{at}");
                }
            }
        }
    }

    #[test]
    fn other_kinds_are_told_by_their_content() {
        for (head, what) in [
            (&b"PAR1\x15\x04\x15"[..], Some("a Parquet file")),
            (
                b"PK\x03\x04\x14\0\x06\0xl/workbook.xml",
                Some("an Excel file"),
            ),
            (b"PK\x03\x04\x14\0\x06\0data.csv", Some("a ZIP archive")),
            (b"{\"a\": 1}\n{\"a\": 2}\n", Some("JSON lines")),
            (b"\n [ {\"a\": 1} ]", Some("JSON")),
            (b"SQLite format 3\0\x10", Some("an SQLite database")),
            (b"\n<!DOCTYPE HTML>\n<p>", Some("a web page (HTML)")),
            (b"\x80\x04\x95\0\0", Some("a pickle")),
            (b"\x93NUMPY\x01\0", Some("a NumPy array")),
            (
                b"a\0,\0y\0\n\x001\0,\x002\0",
                Some("UTF-16 without a byte order mark"),
            ),
            (b"a,y\n1,2\n\0\0", Some("a binary file")),
            (b"PAR1,ORC,y\n1,2,3\n4,5,6\n", None),
            (b"ORC,y\n1,2\n3,4\n5,6\n", None),
            (b"[a],y\n1,2\n", None),
            (b"{a},y\n1,2\n", None),
            (b"", None),
        ] {
            let found = other_kind(head).map(|(what, _)| what);
            assert_eq!(found, what, "{:?}", String::from_utf8_lossy(head));
        }
    }
}
