//! Numbers as bytes and back, little endian; a reader believes no length before it has the bytes.

/// Collects numbers.
#[derive(Debug, Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// A whole number.
    pub fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    /// A time.
    pub fn i64(&mut self, value: i64) {
        self.0.extend(value.to_le_bytes());
    }

    /// A number, bit for bit.
    pub fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// Numbers whose number is known.
    pub fn all(&mut self, values: &[f64]) {
        values.iter().for_each(|&value| self.f64(value));
    }

    /// Numbers, after how many they are.
    pub fn f64s(&mut self, values: impl ExactSizeIterator<Item = f64>) {
        self.u64(values.len() as u64);
        values.for_each(|value| self.f64(value));
    }

    /// Times, after how many they are.
    pub fn i64s(&mut self, values: impl ExactSizeIterator<Item = i64>) {
        self.u64(values.len() as u64);
        values.for_each(|value| self.i64(value));
    }
}

/// Takes numbers off the front; `None` where there are too few bytes.
#[derive(Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl Reader<'_> {
    /// A whole number.
    pub fn u64(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*first))
    }

    /// A whole number up to `most`.
    pub fn up_to(&mut self, most: usize) -> Option<usize> {
        usize::try_from(self.u64()?).ok().filter(|&n| n <= most)
    }

    /// A time.
    pub fn i64(&mut self) -> Option<i64> {
        self.u64().map(u64::cast_signed)
    }

    /// A number, bit for bit.
    pub fn f64(&mut self) -> Option<f64> {
        self.u64().map(f64::from_bits)
    }

    /// Numbers, at most `most` of them.
    pub fn f64s(&mut self, most: usize) -> Option<Vec<f64>> {
        let n = self.up_to(most.min(self.0.len() / 8))?;
        (0..n).map(|_| self.f64()).collect()
    }

    /// Times, at most `most` of them.
    pub fn i64s(&mut self, most: usize) -> Option<Vec<i64>> {
        let n = self.up_to(most.min(self.0.len() / 8))?;
        (0..n).map(|_| self.i64()).collect()
    }
}
