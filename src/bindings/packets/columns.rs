//! Columns of a caller's packet table as the kernels read them.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::*;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::bindings::arrow::Column;
use crate::packets::keys::{self, NONE, Numbers, TextNumbers};

/// The column called `name`.
pub(super) fn column<'a>(table: &'a [Column], name: &str) -> Option<&'a Column> {
    table.iter().find(|column| column.name == name)
}

/// A column of whole numbers from 0 to 2^32 - 2, `missing` for null.
pub(super) fn whole<'a>(column: &'a Column, missing: Option<u32>) -> PyResult<Cow<'a, [u32]>> {
    let title = format!("column {:?}", column.name);
    if column.data_type == DataType::UInt32
        && let Some(array) = column.in_one_piece()
    {
        return Ok(Cow::Borrowed(array.as_primitive::<UInt32Type>().values()));
    }
    if missing.is_none()
        && let Some(row) = column.first_null()
    {
        let text = format!("{title} is missing in row {row}; every packet needs one");
        return Err(PyValueError::new_err(text));
    }
    fn read<P: ArrowPrimitiveType<Native: TryInto<u32> + std::fmt::Display>>(
        column: &Column,
        title: &str,
        missing: Option<u32>,
    ) -> PyResult<Vec<u32>> {
        let bad = |value: P::Native| value.try_into().map_or(true, |v: u32| v == NONE);
        if let Some((row, value)) = column.first::<P>(bad) {
            let text = format!("{title} must be from 0 to 2**32 - 2, got {value} in row {row}");
            return Err(PyValueError::new_err(text));
        }
        let convert = |value: P::Native| value.try_into().unwrap_or(NONE);
        Ok(column.copy::<P, u32>(missing.unwrap_or(NONE), convert))
    }
    use DataType::*;
    let values = match column.data_type {
        Int8 => read::<Int8Type>(column, &title, missing),
        Int16 => read::<Int16Type>(column, &title, missing),
        Int32 => read::<Int32Type>(column, &title, missing),
        Int64 => read::<Int64Type>(column, &title, missing),
        UInt8 => read::<UInt8Type>(column, &title, missing),
        UInt16 => read::<UInt16Type>(column, &title, missing),
        UInt32 => read::<UInt32Type>(column, &title, missing),
        UInt64 => read::<UInt64Type>(column, &title, missing),
        Null => Ok(vec![missing.unwrap_or(NONE); column.len()]),
        _ => Err(column.refuse(&title, "whole numbers")),
    };
    values.map(Cow::Owned)
}

/// The number of each row's key, and a bound of the numbers.
pub(super) fn number(column: &Column) -> PyResult<(Cow<'_, [u32]>, usize)> {
    use DataType::*;
    let n = column.len();
    /// Numbers that are few enough are their own numbers.
    fn dense<P: ArrowPrimitiveType<Native: TryInto<u32>>>(column: &Column) -> Option<usize> {
        let limit = (2 * column.len() + 1024).min(NONE as usize);
        let (mut most, mut fits) = (0u32, true);
        for chunk in &column.chunks {
            for &value in chunk.as_primitive::<P>().values() {
                match value.try_into() {
                    Ok(value) => most = most.max(value),
                    Err(_) => fits = false,
                }
            }
        }
        (fits && (most as usize) < limit).then_some(most as usize + 1)
    }
    fn hashed<P: ArrowPrimitiveType, K: keys::Key>(
        column: &Column,
        key: impl Fn(P::Native) -> K,
    ) -> (Cow<'_, [u32]>, usize) {
        let mut numbers = Numbers::<K>::default();
        let mut ids = Vec::with_capacity(column.len());
        for chunk in &column.chunks {
            let values = chunk.as_primitive::<P>().values();
            match chunk.nulls() {
                None => ids.extend(values.iter().map(|&value| numbers.number(key(value)))),
                Some(nulls) => ids.extend(values.iter().zip(nulls).map(|(&value, is_valid)| {
                    if is_valid {
                        numbers.number(key(value))
                    } else {
                        NONE
                    }
                })),
            }
        }
        (Cow::Owned(ids), numbers.len())
    }
    macro_rules! integer {
        ($($kind:ident => $type:ty, $key:ty;)*) => {
            match &column.data_type {
                $($kind => Some(match dense::<$type>(column) {
                    Some(bound) => (whole(column, Some(NONE))?, bound),
                    None => hashed::<$type, $key>(column, |value| value as $key),
                }),)*
                _ => None,
            }
        };
    }
    let found = integer! {
        Int8 => Int8Type, u32;
        Int16 => Int16Type, u32;
        Int32 => Int32Type, u32;
        Int64 => Int64Type, u64;
        UInt8 => UInt8Type, u32;
        UInt16 => UInt16Type, u32;
        UInt32 => UInt32Type, u32;
        UInt64 => UInt64Type, u64;
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let mut numbers = TextNumbers::default();
    let mut ids = Vec::with_capacity(n);
    for chunk in &column.chunks {
        let keys = texts(chunk).ok_or_else(|| {
            column.refuse(
                &format!("column {:?}", column.name),
                "addresses: text, whole numbers or 16 bytes each",
            )
        })?;
        keys.number(&mut numbers, &mut ids);
    }
    Ok((Cow::Owned(ids), numbers.len()))
}

/// A chunk of texts or bytes, in one of the ways in which Arrow lays them out.
pub(super) enum Keys<'a> {
    Each(Box<dyn Iterator<Item = Option<&'a [u8]>> + 'a>),
    /// Values, and which of them each row has.
    Dictionary(Box<Keys<'a>>, Box<dyn Iterator<Item = Option<usize>> + 'a>),
    None(usize),
}

impl Keys<'_> {
    fn number(self, numbers: &mut TextNumbers, ids: &mut Vec<u32>) {
        match self {
            Keys::Each(texts) => {
                ids.extend(texts.map(|text| text.map_or(NONE, |text| numbers.number(text))));
            }
            Keys::Dictionary(values, rows) => {
                let mut of_value = Vec::new();
                values.number(numbers, &mut of_value);
                ids.extend(rows.map(|row| row.map_or(NONE, |row| of_value[row])));
            }
            Keys::None(rows) => ids.resize(ids.len() + rows, NONE),
        }
    }
}

pub(super) fn texts(chunk: &ArrayRef) -> Option<Keys<'_>> {
    use DataType::*;
    Some(match chunk.data_type() {
        Utf8 => Keys::Each(Box::new(
            chunk
                .as_string::<i32>()
                .iter()
                .map(|t| t.map(str::as_bytes)),
        )),
        LargeUtf8 => Keys::Each(Box::new(
            chunk
                .as_string::<i64>()
                .iter()
                .map(|t| t.map(str::as_bytes)),
        )),
        Utf8View => Keys::Each(Box::new(
            chunk.as_string_view().iter().map(|t| t.map(str::as_bytes)),
        )),
        Binary => Keys::Each(Box::new(chunk.as_binary::<i32>().iter())),
        LargeBinary => Keys::Each(Box::new(chunk.as_binary::<i64>().iter())),
        BinaryView => Keys::Each(Box::new(chunk.as_binary_view().iter())),
        FixedSizeBinary(_) => Keys::Each(Box::new(chunk.as_fixed_size_binary().iter())),
        Dictionary(kind, _) => {
            macro_rules! dictionary {
                ($($key:ident => $type:ty;)*) => {
                    match kind.as_ref() {
                        $($key => {
                            let array = chunk.as_dictionary::<$type>();
                            let rows = array.keys().iter().map(|k| k.map(|k| k as usize));
                            Keys::Dictionary(Box::new(texts(array.values())?), Box::new(rows))
                        })*
                        _ => return None,
                    }
                };
            }
            dictionary! {
                Int8 => Int8Type;
                Int16 => Int16Type;
                Int32 => Int32Type;
                Int64 => Int64Type;
                UInt8 => UInt8Type;
                UInt16 => UInt16Type;
                UInt32 => UInt32Type;
                UInt64 => UInt64Type;
            }
        }
        Null => Keys::None(chunk.len()),
        _ => return None,
    })
}
