//! Encodings of Parquet: keys of a dictionary, and text as lengths and bytes.

use super::thrift::{varint, zigzag};
use crate::cdr::columns::Text;

/// Bits that numbers up to `most` need.
pub fn width(most: u32) -> u32 {
    u32::BITS - most.leading_zeros()
}

/// Keys of a dictionary: the width, then one bit-packed run of all of them.
pub fn keys(keys: impl ExactSizeIterator<Item = u32>, width: u32) -> Vec<u8> {
    let n = keys.len();
    let groups = n.div_ceil(8);
    let mut out = Vec::with_capacity(groups * width as usize + 16);
    out.push(width as u8);
    varint(&mut out, (groups as u64) << 1 | 1);
    pack(keys, groups * 8 - n, width, &mut out);
    out
}

/// Appends numbers of `width` bits, the first in the lowest bits, and `padding` zeros.
fn pack(values: impl Iterator<Item = u32>, padding: usize, width: u32, out: &mut Vec<u8>) {
    let (mut bits, mut filled) = (0u64, 0);
    for value in values.chain(std::iter::repeat_n(0, padding)) {
        bits |= u64::from(value) << filled;
        filled += width;
        if filled >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            filled -= 32;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..(filled as usize).div_ceil(8)]);
}

/// Booleans, eight a byte.
pub fn flags(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut out = Vec::new();
    pack(values.map(u32::from), 0, 1, &mut out);
    out
}

/// DELTA_LENGTH_BYTE_ARRAY: the lengths as DELTA_BINARY_PACKED, then all bytes.
pub fn text(text: &Text) -> Vec<u8> {
    let lengths: Vec<i64> = text
        .offsets
        .windows(2)
        .map(|w| i64::from(w[1] - w[0]))
        .collect();
    let mut out = Vec::with_capacity(text.data.len() + lengths.len() / 4 + 64);
    deltas(&lengths, &mut out);
    out.extend_from_slice(&text.data);
    out
}

/// Plain text for dictionaries: each value after its length.
pub fn plain(text: &Text) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.data.len() + 4 * text.offsets.len());
    for w in text.offsets.windows(2) {
        out.extend_from_slice(&(w[1] - w[0]).to_le_bytes());
        out.extend_from_slice(&text.data[w[0] as usize..w[1] as usize]);
    }
    out
}

/// DELTA_BINARY_PACKED in blocks of 128 differences and miniblocks of 32.
fn deltas(values: &[i64], out: &mut Vec<u8>) {
    varint(out, 128);
    varint(out, 4);
    varint(out, values.len() as u64);
    zigzag(out, values.first().copied().unwrap_or(0));
    let differences: Vec<i64> = values.windows(2).map(|w| w[1] - w[0]).collect();
    for block in differences.chunks(128) {
        let least = block.iter().copied().min().unwrap_or(0);
        zigzag(out, least);
        let above = |d: &i64| (d - least) as u32;
        let widths: Vec<u32> = block
            .chunks(32)
            .map(|mini| width(mini.iter().map(above).max().unwrap_or(0)))
            .collect();
        out.extend((0..4).map(|k| widths.get(k).copied().unwrap_or(0) as u8));
        for (mini, &width) in block.chunks(32).zip(&widths) {
            pack(mini.iter().map(above), 32 - mini.len(), width, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_packed_from_the_lowest_bit() {
        // The example of the format's description: 0 to 7 in three bits.
        assert_eq!(
            keys((0..8u32).collect::<Vec<_>>().into_iter(), 3),
            [3, 3, 0b1000_1000, 0b1100_0110, 0b1111_1010]
        );
        assert_eq!(keys([1u32, 1].into_iter(), 1), [1, 3, 0b11]);
        assert_eq!(keys([0u32, 0].into_iter(), 0), [0, 3]);
    }

    #[test]
    fn equal_lengths_take_next_to_no_room() {
        let mut out = Vec::new();
        deltas(&[15; 129], &mut out);
        assert_eq!(out, [128, 1, 4, 129, 1, 30, 0, 0, 0, 0, 0]);
    }
}
