//! Rows of numbers, one after another.

use crate::error::Error;
use crate::float::Float;

/// Points in row-major order: `values[i * columns + j]` is column `j` of point `i`.
#[derive(Debug, Clone, Copy)]
pub struct Points<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
}

impl<'a, T: Float> Points<'a, T> {
    /// Points of `columns` values each.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if there is no column, the last row is not full, or there are more
    /// than `u32::MAX` rows.
    pub fn new(values: &'a [T], columns: usize) -> Result<Self, Error> {
        if columns == 0 || !values.len().is_multiple_of(columns) {
            let expected = format!("rows of {columns} values (at least one)");
            return Err(Error::argument("X", expected, values.len()));
        }
        let rows = values.len() / columns;
        if u32::try_from(rows).is_err() {
            return Err(Error::argument("X", "fewer than 2**32 rows", rows));
        }
        Ok(Points {
            values,
            rows,
            columns,
        })
    }

    /// How many there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values in each.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One of them.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.values[i * self.columns..][..self.columns]
    }

    /// Column `j` of point `i`.
    #[inline(always)]
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.columns + j].to_f64()
    }
}

/// Every row divided by its length.
///
/// # Errors
///
/// [`Error::Argument`] that names the first row of zeros, which has no direction.
pub fn unit_rows<T: Float>(points: Points<'_, T>) -> Result<Vec<f64>, Error> {
    let mut unit = Vec::with_capacity(points.rows * points.columns);
    for i in 0..points.rows {
        let row = points.row(i);
        // Divided by the largest value first, so that no square leaves the range of f64.
        let largest = row.iter().fold(0.0, |m: f64, v| m.max(v.to_f64().abs()));
        if largest == 0.0 {
            return Err(Error::argument(
                "X",
                "without rows of zeros for metric=\"cosine\", since they have no direction (drop \
                 them, or choose another metric)",
                format!("zeros in row {i}"),
            ));
        }
        let squares = row.iter().map(|v| (v.to_f64() / largest).powi(2));
        let length = squares.sum::<f64>().sqrt();
        unit.extend(row.iter().map(|v| v.to_f64() / largest / length));
    }
    Ok(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_row_keeps_its_direction_at_any_scale() {
        for scale in [1e-300, 1.0, 1e300] {
            let x = [3.0 * scale, -4.0 * scale];
            let unit = unit_rows(Points::new(&x, 2).unwrap()).unwrap();
            assert!((unit[0] - 0.6).abs() < 1e-15 && (unit[1] + 0.8).abs() < 1e-15);
        }
    }

    #[test]
    fn a_row_of_zeros_is_named() {
        let error = unit_rows(Points::new(&[1.0, 0.0, 0.0, 0.0], 2).unwrap()).unwrap_err();
        assert!(error.to_string().ends_with("got zeros in row 1"), "{error}");
    }

    #[test]
    fn points_need_full_rows() {
        assert!(Points::new(&[1.0, 2.0, 3.0], 2).is_err());
        assert!(Points::<f64>::new(&[], 0).is_err());
    }
}
