//! The bytes of a CSV that matter to where its cells end, found in 64 bytes at a time.

pub(super) const QUOTE: u8 = b'"';

/// How many bytes are looked at together: a bit of a `u64` for each.
pub(super) const GROUP: usize = 64;

/// Which bytes of a group may end a cell, end a line, or are quotes: the first the lowest bit.
pub(super) struct ByteMasks {
    pub ends: u64,
    pub lines: u64,
    pub quotes: u64,
}

impl ByteMasks {
    #[inline]
    pub fn in_group(group: &[u8], delimiter: u8) -> Self {
        const END: u8 = 1;
        const LINE: u8 = 2;
        const QUOTES: u8 = 4;
        let mut kinds = [0; GROUP];
        for (kind, &byte) in kinds.iter_mut().zip(group) {
            let line = byte == b'\n' || byte == b'\r';
            let end = line || byte == delimiter;
            let quote = byte == QUOTE;
            *kind = (END * u8::from(end)) | (LINE * u8::from(line)) | (QUOTES * u8::from(quote));
        }
        let all = kinds.iter().fold(0, |all, kind| all | kind);
        let of_kind = |wanted| match all & wanted {
            0 => 0,
            _ => bits(&kinds, wanted),
        };
        ByteMasks {
            ends: of_kind(END),
            lines: of_kind(LINE),
            quotes: of_kind(QUOTES),
        }
    }
}

/// In which bytes a bit is set.
#[inline]
fn bits(bytes: &[u8; GROUP], bit: u8) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // The product brings the lowest bits of eight bytes side by side.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let words = bytes.chunks_exact(8).enumerate();
    words.fold(0, |found, (number, word)| {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        let lowest = word >> bit.trailing_zeros() & ONES;
        found | (lowest.wrapping_mul(GATHER) >> 56) << (8 * number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_group_is_told_apart() {
        for place in 0..GROUP {
            for byte in 0..=u8::MAX {
                for other in [b'1', b',', b'\n', b'"', 0, 0xFF] {
                    let mut group = [other; GROUP];
                    group[place] = byte;
                    let found = ByteMasks::in_group(&group, b';');
                    let expected = |wanted: &[u8]| {
                        let places = group.iter().enumerate();
                        let places = places.filter(|(_, byte)| wanted.contains(byte));
                        places.fold(0, |bits, (place, _)| bits | 1 << place)
                    };
                    assert_eq!(found.ends, expected(b";\n\r"));
                    assert_eq!(found.lines, expected(b"\n\r"));
                    assert_eq!(found.quotes, expected(b"\""));
                }
            }
        }
    }
}
