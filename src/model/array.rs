//! Arrays of a model file: bytes with a type and a shape.

use std::borrow::Cow;

/// The types of numbers that a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dtype {
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

impl Dtype {
    const ALL: [Dtype; 10] = [
        Dtype::F32,
        Dtype::F64,
        Dtype::I8,
        Dtype::I16,
        Dtype::I32,
        Dtype::I64,
        Dtype::U8,
        Dtype::U16,
        Dtype::U32,
        Dtype::U64,
    ];

    /// Its number in a file.
    pub(super) fn code(self) -> u8 {
        self as u8
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Bytes of a number.
    pub fn size(self) -> usize {
        match self {
            Dtype::I8 | Dtype::U8 => 1,
            Dtype::I16 | Dtype::U16 => 2,
            Dtype::F32 | Dtype::I32 | Dtype::U32 => 4,
            Dtype::F64 | Dtype::I64 | Dtype::U64 => 8,
        }
    }
}

/// A number that a file may hold.
pub trait Element: Copy + 'static {
    /// Its type.
    const DTYPE: Dtype;
    /// The numbers of some bytes, whose length is a multiple of the size.
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! elements {
    ($($type:ty: $dtype:ident),*) => {$(
        impl Element for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks().0.iter().map(|b| <$type>::from_le_bytes(*b)).collect()
            }
        }
    )*};
}

elements!(f32: F32, f64: F64, i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64);

/// An array to write, or of a file.
#[derive(Debug, Clone)]
pub struct Array<'a> {
    /// The type of its numbers.
    pub dtype: Dtype,
    /// Its length along each dimension, the last one contiguous.
    pub shape: Vec<usize>,
    /// The numbers, little endian.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Array<'a> {
    /// A one-dimensional array of `values`.
    pub fn of<T: Element>(values: &'a [T]) -> Self {
        // SAFETY: the numbers of `Element` are plain bytes without gaps, and the machine is
        // little endian.
        let bytes = unsafe {
            std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values))
        };
        Array {
            dtype: T::DTYPE,
            shape: vec![values.len()],
            bytes: Cow::Borrowed(bytes),
        }
    }

    /// The values, if they are of type `T`.
    pub fn to_vec<T: Element>(&self) -> Option<Vec<T>> {
        (self.dtype == T::DTYPE).then(|| T::from_bytes(&self.bytes))
    }
}
