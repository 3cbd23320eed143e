//! Rows that are equal, counted once.

use std::cmp::Ordering;

use super::points::Points;
use crate::float::Float;

/// The different rows of a matrix.
#[derive(Debug, PartialEq, Eq)]
pub struct Distinct {
    /// The first row of each kind, in rising order.
    pub first: Vec<u32>,
    /// For every row the place of its kind in `first`.
    pub kind: Vec<u32>,
}

/// Finds the different rows by sorting; 0 and -0 are equal.
pub fn distinct_rows<T: Float>(points: Points<'_, T>) -> Distinct {
    let compare = |a: u32, b: u32| {
        let (a, b) = (points.row(a as usize), points.row(b as usize));
        let pairs = a.iter().zip(b).map(|(x, y)| {
            // Adding zero makes -0 a 0.
            (x.to_f64() + 0.0).total_cmp(&(y.to_f64() + 0.0))
        });
        pairs.fold(Ordering::Equal, Ordering::then)
    };
    let mut order: Vec<u32> = (0..points.rows() as u32).collect();
    order.sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    let mut kind = vec![0; order.len()];
    let mut first: Vec<u32> = Vec::new();
    for (place, &row) in order.iter().enumerate() {
        if place == 0 || compare(order[place - 1], row) != Ordering::Equal {
            first.push(row);
        }
        // For now the first row itself; then its place among them.
        kind[row as usize] = *first.last().unwrap_or(&row);
    }
    first.sort_unstable();
    let mut place_of = vec![0; order.len()];
    for (place, &row) in first.iter().enumerate() {
        place_of[row as usize] = place as u32;
    }
    kind.iter_mut()
        .for_each(|row| *row = place_of[*row as usize]);
    Distinct { first, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_have_one_kind() {
        let x = [5.0, 1.0, 0.0, 2.0, 5.0, 1.0, -0.0, 2.0, 5.0, 0.0];
        let found = distinct_rows(Points::new(&x, 2).unwrap());
        assert_eq!(found.first, [0, 1, 4]);
        assert_eq!(found.kind, [0, 1, 0, 1, 2]);
    }
}
