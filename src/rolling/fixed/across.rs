//! Windows of all columns of a row-major table at once.
//!
//! Beside each other in memory lie the columns of a row, so these are the lanes: the joins of the
//! ends of a block, and the running joins of the next one, need nothing from another lane and no
//! column has to be gathered. A block of rows is taken by tiles of columns, so that it is read from
//! memory once.

use std::ops::Range;

use super::{Doubt, Finish};
use crate::float::Float;
use crate::rolling::scan::{Join, load, store};
use crate::simd::Four;

/// Columns answered together: as many registers as leave some for the rest.
pub(crate) const TILE: usize = 16;

/// A row-major table of which every row is one stretch of memory.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) columns: usize,
}

impl<T: Float> Table<'_, T> {
    /// Some columns of a row.
    #[inline(always)]
    fn row(&self, row: usize, columns: &Range<usize>) -> &[T] {
        &self.values[row * self.columns..][columns.clone()]
    }
}

/// A block of answers: as many as there are rows in a window, or fewer.
pub(crate) struct Block {
    /// First row of the first window.
    pub(crate) row: usize,
    /// Rows in a window.
    pub(crate) width: usize,
    /// Number of answers.
    pub(crate) answers: usize,
}

/// Scratch of [`answer`].
#[derive(Default)]
pub(crate) struct Joins {
    /// Joins of the ends of the block before.
    left: Vec<f64>,
    /// For each tile, whether the rows it saw last miss a value.
    gaps: Vec<bool>,
}

/// Answers a block for some columns; infinite values are missing. `place` gives where the answers of
/// some columns go.
#[inline(always)]
pub(crate) fn answer<'o, F: Four, T: Float, J: Join>(
    table: Table<T>,
    columns: &Range<usize>,
    block: &Block,
    joins: &mut Joins,
    finish: impl Finish<F>,
    place: impl Fn(usize, &Range<usize>) -> &'o mut [T] + Copy,
) {
    joins.gaps.resize(columns.len().div_ceil(TILE), false);
    joins.left.resize(TILE * block.width, 0.0);
    let Joins { left, gaps } = joins;
    for (first, gaps) in columns.clone().step_by(TILE).zip(gaps) {
        let columns = first..columns.end.min(first + TILE);
        let tile = Tile {
            table,
            block,
            place,
        };
        if columns.len() == TILE {
            tile.answer::<F, J, 4>(columns, left, finish, gaps);
        } else {
            // The rest four by four; all of them share what is known of gaps.
            for first in columns.clone().step_by(4) {
                let columns = first..columns.end.min(first + 4);
                tile.answer::<F, J, 1>(columns, left, finish, gaps);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Tile<'a, T, P> {
    table: Table<'a, T>,
    block: &'a Block,
    place: P,
}

impl<'o, T: Float + 'o, P: Fn(usize, &Range<usize>) -> &'o mut [T]> Tile<'_, T, P> {
    #[inline(always)]
    fn answer<F: Four, J: Join, const FOURS: usize>(
        &self,
        columns: Range<usize>,
        left: &mut [f64],
        finish: impl Finish<F>,
        gaps: &mut bool,
    ) {
        if *gaps || !self.complete::<F, J, FOURS>(&columns, left, finish) {
            *gaps = self.partial::<F, J, FOURS>(&columns, left, finish);
        }
    }

    /// Answers of windows that miss nothing; false if a value is missing.
    #[inline(always)]
    fn complete<F: Four, J: Join, const FOURS: usize>(
        &self,
        columns: &Range<usize>,
        left: &mut [f64],
        finish: impl Finish<F>,
    ) -> bool {
        let Block {
            row,
            width,
            answers,
        } = *self.block;
        let mut doubt = [Doubt::<F>::none(); FOURS];
        let mut joins = [F::all(J::IDENTITY); FOURS];
        for j in (0..width).rev() {
            let values = fours::<F, T, FOURS>(self.table.row(row + j, columns));
            let left = &mut left[4 * FOURS * j..][..4 * FOURS];
            for i in 0..FOURS {
                if J::IDEMPOTENT {
                    doubt[i].see(values[i]);
                }
                joins[i] = J::fours(values[i], joins[i]);
                store(joins[i], left, 4 * i, 4);
            }
        }
        // Of a sum the total tells.
        if !J::IDEMPOTENT {
            (0..FOURS).for_each(|i| doubt[i].see(joins[i]));
        }
        if !doubt.iter().all(|doubt| doubt.is_none()) {
            return false;
        }
        put((self.place)(0, columns), joins.map(|j| finish.full(j)));
        joins = [F::all(J::IDENTITY); FOURS];
        for j in 1..answers {
            let values = fours::<F, T, FOURS>(self.table.row(row + width + j - 1, columns));
            let left = &left[4 * FOURS * j..][..4 * FOURS];
            let mut found = joins;
            for i in 0..FOURS {
                if J::IDEMPOTENT {
                    doubt[i].see(values[i]);
                }
                joins[i] = J::fours(joins[i], values[i]);
                found[i] = finish.full(J::fours(load(left, 4 * i, 4), joins[i]));
            }
            put((self.place)(j, columns), found);
        }
        if !J::IDEMPOTENT {
            (0..FOURS).for_each(|i| doubt[i].see(joins[i]));
        }
        doubt.iter().all(|doubt| doubt.is_none())
    }

    /// Answers of windows that may miss values; whether the rows after the first window do.
    #[inline(always)]
    fn partial<F: Four, J: Join, const FOURS: usize>(
        &self,
        columns: &Range<usize>,
        left: &mut [f64],
        finish: impl Finish<F>,
    ) -> bool {
        let Block {
            row,
            width,
            answers,
        } = *self.block;
        let (limit, none) = (F::all(f64::MAX), F::all(J::IDENTITY));
        let (one, zero) = (F::all(1.0), F::all(0.0));
        let value = |v: F| v.abs().choose(limit, v, none);
        let present = |v: F| v.abs().choose(limit, one, zero);
        let mut joins = [none; FOURS];
        let mut counts = [zero; FOURS];
        for j in (0..width).rev() {
            let values = fours::<F, T, FOURS>(self.table.row(row + j, columns));
            let left = &mut left[4 * FOURS * j..][..4 * FOURS];
            for i in 0..FOURS {
                joins[i] = J::fours(value(values[i]), joins[i]);
                counts[i] = counts[i].add(present(values[i]));
                store(joins[i], left, 4 * i, 4);
            }
        }
        let mut found = joins;
        for i in 0..FOURS {
            found[i] = finish.partial(joins[i], counts[i]);
        }
        put((self.place)(0, columns), found);
        joins = [none; FOURS];
        let mut here = zero;
        for j in 1..answers {
            let gone = fours::<F, T, FOURS>(self.table.row(row + j - 1, columns));
            let values = fours::<F, T, FOURS>(self.table.row(row + width + j - 1, columns));
            let left = &left[4 * FOURS * j..][..4 * FOURS];
            for i in 0..FOURS {
                joins[i] = J::fours(joins[i], value(values[i]));
                let come = present(values[i]);
                here = here.add(come);
                // Counts are whole numbers, and may be subtracted.
                counts[i] = counts[i].add(come.sub(present(gone[i])));
                found[i] = finish.partial(J::fours(load(left, 4 * i, 4), joins[i]), counts[i]);
            }
            put((self.place)(j, columns), found);
        }
        here.lanes().iter().sum::<f64>() < ((answers - 1) * 4 * FOURS) as f64
    }
}

/// The values of a row of a tile; zeros fill the last lanes.
#[inline(always)]
fn fours<F: Four, T: Float, const FOURS: usize>(values: &[T]) -> [F; FOURS] {
    let mut fours = [F::all(0.0); FOURS];
    let len = if FOURS > 1 { 4 } else { values.len() };
    for (i, four) in fours.iter_mut().enumerate() {
        *four = load(values, 4 * i, len);
    }
    fours
}

#[inline(always)]
fn put<F: Four, T: Float, const FOURS: usize>(out: &mut [T], answers: [F; FOURS]) {
    let len = if FOURS > 1 { 4 } else { out.len() };
    for (i, answers) in answers.into_iter().enumerate() {
        store(answers, out, 4 * i, len);
    }
}

/// The columns of which a window of the block may hold equal values alone.
#[inline(always)]
pub(crate) fn constant<F: Four, T: Float>(
    table: Table<T>,
    columns: &Range<usize>,
    block: &Block,
    mut found: impl FnMut(usize),
) {
    let cut = block.row + block.width;
    for first in columns.clone().step_by(4) {
        let columns = first..columns.end.min(first + 4);
        if block.answers > 1 && block.width > 1 {
            // The window that ends at the cut holds the two values before it, and all others the
            // last of these and the one after.
            let [a, b, c] = [cut - 2, cut - 1, cut]
                .map(|row| load::<F, T>(table.row(row, &columns), 0, columns.len()));
            let products = b.sub(a).mul(c.sub(b)).lanes();
            let differ = |p: &f64| *p != 0.0 && p.is_finite();
            if products[..columns.len()].iter().all(differ) {
                continue;
            }
        }
        for column in columns {
            if may_be_constant(table, column, block) {
                found(column);
            }
        }
    }
}

/// Whether the values on either side of the cut, as far as they are equal, are as many as a window
/// has rows.
fn may_be_constant<T: Float>(table: Table<T>, column: usize, block: &Block) -> bool {
    let value = |row: usize| table.values[row * table.columns + column].to_f64();
    let equal = |rows: &mut dyn Iterator<Item = usize>| {
        let mut first = None;
        rows.take_while(|&row| {
            let v = value(row);
            !v.is_finite() || *first.get_or_insert(v) == v
        })
        .count()
    };
    let cut = block.row + block.width;
    let before = equal(&mut (block.row..cut).rev());
    let after = equal(&mut (cut..cut + block.answers - 1));
    before + after >= block.width
}
