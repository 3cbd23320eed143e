//! Row groups of any columns: text with few values as a dictionary, everything else as it is.

use std::collections::HashMap;
use std::io::{self, Write};

use super::calls::other;
use super::encode;
use super::file::{Chunk, DELTA_LENGTH_BYTE_ARRAY, PLAIN, Page, RLE_DICTIONARY, Writer, page};
use crate::cdr::columns::{Column, Text};
use crate::parallel;

/// Values of a dictionary, at most one for so many rows.
const ROWS_PER_VALUE: usize = 8;

/// A dictionary, if there is one, and the values or keys.
pub type Pages = (Option<Page>, Page);

impl<W: Write> Writer<W> {
    /// Appends a row group of these columns of `rows` rows.
    ///
    /// # Errors
    ///
    /// Those of `out`; as [`parallel::for_each`].
    pub fn columns(&mut self, columns: &[Column], rows: usize, threads: usize) -> io::Result<()> {
        let pages = pages(columns, rows, threads)?;
        let chunks: Vec<Chunk<'_>> = pages.iter().map(chunk).collect();
        self.group(rows, &chunks)
    }
}

/// The pages of a column as a chunk.
pub fn chunk((dictionary, data): &Pages) -> Chunk<'_> {
    Chunk {
        dictionary: dictionary.as_ref(),
        data,
    }
}

/// The pages of columns; each is a task.
///
/// # Errors
///
/// As [`parallel::for_each`], and those of the compressor.
pub fn pages(columns: &[Column], rows: usize, threads: usize) -> io::Result<Vec<Pages>> {
    let mut made: Vec<io::Result<Pages>> = Vec::with_capacity(columns.len());
    made.extend(columns.iter().map(|_| Ok((None, Page::NOTHING))));
    let tasks: Vec<_> = made.iter_mut().zip(columns).collect();
    parallel::for_each(tasks, threads, |(made, column)| {
        *made = of(column, rows);
        Ok(())
    })
    .map_err(other)?;
    made.into_iter().collect()
}

fn of(column: &Column, rows: usize) -> io::Result<Pages> {
    let (encoding, raw) = match column {
        Column::Text(text) => match dictionary(text, rows / ROWS_PER_VALUE) {
            Some((values, keys)) => {
                let n = values.offsets.len() - 1;
                let keys = encode::keys(keys.into_iter(), encode::width(n as u32 - 1));
                let values = page(n, PLAIN, &encode::plain(&values))?;
                return Ok((Some(values), page(rows, RLE_DICTIONARY, &keys)?));
            }
            None => (DELTA_LENGTH_BYTE_ARRAY, encode::text(text)),
        },
        Column::Times(numbers) | Column::Long(numbers) => (
            PLAIN,
            numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
        ),
        Column::Whole(numbers) => (
            PLAIN,
            numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
        ),
        Column::Flags(flags) => (PLAIN, encode::flags(flags.iter().copied())),
    };
    Ok((None, page(rows, encoding, &raw)?))
}

/// The different values by first appearance and the number of each row's; none if they are more
/// than `most`.
fn dictionary(text: &Text, most: usize) -> Option<(Text, Vec<u32>)> {
    let mut numbers: HashMap<&[u8], u32> = HashMap::new();
    let mut values = Text::with_capacity(0, 0);
    let mut keys = Vec::with_capacity(text.offsets.len());
    for ends in text.offsets.windows(2) {
        let value = &text.data[ends[0] as usize..ends[1] as usize];
        let next = numbers.len() as u32;
        let key = *numbers.entry(value).or_insert(next);
        if key == next {
            if next as usize >= most {
                return None;
            }
            values.push(|out| out.extend_from_slice(value));
        }
        keys.push(key);
    }
    Some((values, keys)).filter(|(_, keys)| !keys.is_empty())
}
