//! Columns of Polars as the slices kernels read, and back.
//!
//! A null becomes NaN on the way in, a NaN becomes null on the way out. A column of one chunk
//! without nulls is borrowed, everything else is copied once.

use std::borrow::Cow;
use std::hash::Hash;

use polars_core::prelude::*;
use pyo3_polars::export::polars_arrow::array::{
    Array, BooleanArray, PrimitiveArray, Utf8ViewArray,
};
use pyo3_polars::export::polars_arrow::bitmap::Bitmap;
use pyo3_polars::export::polars_arrow::types::NativeType;

use crate::float::Float as Real;

/// Whole numbers beyond this have no exact float.
const LARGEST: u128 = 1 << 53;

/// A column of measurements.
pub enum Numbers<'a> {
    F32(Cow<'a, [f32]>),
    F64(Cow<'a, [f64]>),
}

impl<'a> Numbers<'a> {
    /// The values of `column`: `Float32` as it is and `Float16` widened to it, other numbers and
    /// booleans as `f64`.
    pub fn of(column: &'a Series) -> PolarsResult<Self> {
        Ok(match column.dtype() {
            DataType::Float16 => {
                let widened = column.cast(&DataType::Float32)?;
                Numbers::F32(Cow::Owned(floats(&widened).into_owned()))
            }
            DataType::Float32 => Numbers::F32(floats(column)),
            DataType::Float64 => Numbers::F64(floats(column)),
            _ => Numbers::F64(Cow::Owned(widened(column)?)),
        })
    }

    /// The same values in 64 bits.
    pub fn into_f64(self) -> Cow<'a, [f64]> {
        match self {
            Numbers::F32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Numbers::F64(values) => values,
        }
    }
}

/// The dtype of answers about a column of `dtype`; kernels keep `Float32`, widen `Float16` to it and
/// compute all else in `Float64`.
pub fn answer_dtype(column: &Field) -> PolarsResult<DataType> {
    match column.dtype() {
        DataType::Float16 | DataType::Float32 => Ok(DataType::Float32),
        DataType::Null | DataType::Boolean => Ok(DataType::Float64),
        dtype if dtype.is_primitive_numeric() || dtype.is_decimal() => Ok(DataType::Float64),
        dtype => Err(refused(column.name(), dtype, "numbers", mend(dtype))),
    }
}

/// A column of times in nanoseconds, or of whole numbers as they are, and one unit in seconds.
pub fn times(column: &Series) -> PolarsResult<(Vec<i64>, f64)> {
    let ns = match column.dtype() {
        DataType::Datetime(unit, _) | DataType::Duration(unit) => match unit {
            TimeUnit::Nanoseconds => 1,
            TimeUnit::Microseconds => 1_000,
            TimeUnit::Milliseconds => 1_000_000,
        },
        DataType::Date => 86_400_000_000_000,
        dtype if dtype.is_integer() => 0,
        dtype => {
            let mend = "try .str.to_datetime()";
            return Err(refused(column.name(), dtype, "times", mend));
        }
    };
    if let Some(row) = present(column).iter().position(|there| !there) {
        polars_bail!(ComputeError: "by[{row}] is missing; every row needs a time");
    }
    let mut out = whole(column)?;
    if ns > 1 {
        for (row, time) in out.iter_mut().enumerate() {
            *time = time.checked_mul(ns).ok_or_else(|| {
                polars_err!(ComputeError: "by[{row}] is outside the years 1678 to 2262 that int64 nanoseconds reach")
            })?;
        }
    }
    Ok((out, if ns == 0 { 1.0 } else { 1e-9 }))
}

/// Refuses times without a unit, which no span of time can be measured in.
pub fn check_times(column: &Field) -> PolarsResult<()> {
    if column.dtype().is_integer() {
        polars_bail!(ComputeError: "by must be times when window is a span of time, got whole numbers (try .cast(pl.Datetime(\"ns\")))");
    }
    Ok(())
}

/// A whole number for each row, equal where all of `keys` are; -1 where one of them is null.
pub fn codes(keys: &[Series]) -> PolarsResult<Vec<i64>> {
    let mut codes = key(&keys[0])?;
    for column in &keys[1..] {
        let next = key(column)?;
        if next.len() != codes.len() {
            polars_bail!(ComputeError: "groups has {} values, expected {}", next.len(), codes.len());
        }
        let pair = |(&a, &b): (&i64, &i64)| (a >= 0 && b >= 0).then_some((a, b));
        codes = numbered(codes.iter().zip(&next).map(pair));
    }
    Ok(codes)
}

/// A column of answers; NaN is null.
pub fn answers<T: NativeType + Real>(values: Vec<T>) -> PrimitiveArray<T> {
    let mut missing = 0;
    let mut bits = Vec::with_capacity(values.len().div_ceil(8));
    for eight in values.chunks(8) {
        let mut byte = 0u8;
        for (k, &value) in eight.iter().enumerate() {
            byte |= u8::from(!value.to_f64().is_nan()) << k;
        }
        missing += eight.len() - byte.count_ones() as usize;
        bits.push(byte);
    }
    let validity = (missing > 0).then(|| Bitmap::from_u8_vec(bits, values.len()));
    PrimitiveArray::from_vec(values).with_validity(validity)
}

fn floats<T: NativeType + Real>(column: &Series) -> Cow<'_, [T]> {
    let chunks = column.chunks();
    if let [chunk] = chunks.as_slice()
        && !chunk.has_nulls()
    {
        return Cow::Borrowed(primitive::<T>(chunk.as_ref()).values());
    }
    let mut out = Vec::with_capacity(column.len());
    for chunk in chunks {
        append(&mut out, chunk.as_ref(), |value: T| value);
    }
    Cow::Owned(out)
}

fn widened(column: &Series) -> PolarsResult<Vec<f64>> {
    match column.dtype() {
        DataType::Null => Ok(vec![f64::NAN; column.len()]),
        DataType::Boolean => {
            let mut out = Vec::with_capacity(column.len());
            for chunk in column.chunks() {
                let chunk: &BooleanArray = chunk.as_any().downcast_ref().expect("booleans");
                let start = out.len();
                out.extend(chunk.values().iter().map(|bit| f64::from(u8::from(bit))));
                blank(&mut out[start..], chunk.validity(), f64::NAN);
            }
            Ok(out)
        }
        DataType::Int8 => Ok(converted(column, |v: i8| f64::from(v))),
        DataType::Int16 => Ok(converted(column, |v: i16| f64::from(v))),
        DataType::Int32 => Ok(converted(column, |v: i32| f64::from(v))),
        DataType::UInt8 => Ok(converted(column, |v: u8| f64::from(v))),
        DataType::UInt16 => Ok(converted(column, |v: u16| f64::from(v))),
        DataType::UInt32 => Ok(converted(column, |v: u32| f64::from(v))),
        DataType::Int64 => exact(column, |v: i64| (v as f64, v.unsigned_abs().into())),
        DataType::UInt64 => exact(column, |v: u64| (v as f64, v.into())),
        DataType::Int128 => exact(column, |v: i128| (v as f64, v.unsigned_abs())),
        DataType::UInt128 => exact(column, |v: u128| (v as f64, v)),
        DataType::Decimal(_, scale) => {
            let unit = 10f64.powi(*scale as i32);
            Ok(converted(column, |v: i128| v as f64 / unit))
        }
        dtype => Err(refused(column.name(), dtype, "numbers", mend(dtype))),
    }
}

fn converted<T: NativeType>(column: &Series, convert: impl Fn(T) -> f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(column.len());
    for chunk in column.chunks() {
        append(&mut out, chunk.as_ref(), &convert);
    }
    out
}

/// As `converted`, refusing whole numbers that a float would round.
fn exact<T: NativeType>(
    column: &Series,
    convert: impl Fn(T) -> (f64, u128),
) -> PolarsResult<Vec<f64>> {
    for chunk in column.chunks() {
        let chunk = primitive::<T>(chunk.as_ref());
        // What stands under a null is arbitrary, and looked at only if it is too large.
        let large = |&(i, &v): &(usize, &T)| convert(v).1 > LARGEST && chunk.is_valid(i);
        if let Some((_, value)) = chunk.values().iter().enumerate().find(large) {
            polars_bail!(ComputeError: "column \"{}\" holds {value}; whole numbers beyond 2**53 are not exact as Float64 (cast to Float64 first to accept rounding)", column.name());
        }
    }
    Ok(converted(column, |v| convert(v).0))
}

fn append<T: NativeType, F: Real>(out: &mut Vec<F>, chunk: &dyn Array, convert: impl Fn(T) -> F) {
    let chunk = primitive::<T>(chunk);
    let start = out.len();
    out.extend(chunk.values().iter().map(|&value| convert(value)));
    blank(&mut out[start..], chunk.validity(), F::NAN);
}

/// Writes `missing` where `validity` says null.
fn blank<V: Copy>(out: &mut [V], validity: Option<&Bitmap>, missing: V) {
    let Some(validity) = validity.filter(|bits| bits.unset_bits() > 0) else {
        return;
    };
    let (bytes, offset, _) = validity.as_slice();
    for (i, value) in out.iter_mut().enumerate() {
        let bit = offset + i;
        if bytes[bit / 8] >> (bit % 8) & 1 == 0 {
            *value = missing;
        }
    }
}

/// Whole numbers of an integer or temporal column; what stands under a null is arbitrary.
fn whole(column: &Series) -> PolarsResult<Vec<i64>> {
    let physical = column.to_physical_repr();
    let mut out = Vec::with_capacity(column.len());
    for chunk in physical.chunks() {
        let chunk = chunk.as_ref();
        match physical.dtype() {
            DataType::Int8 => out.extend(
                primitive::<i8>(chunk)
                    .values()
                    .iter()
                    .map(|&v| i64::from(v)),
            ),
            DataType::Int16 => out.extend(
                primitive::<i16>(chunk)
                    .values()
                    .iter()
                    .map(|&v| i64::from(v)),
            ),
            DataType::Int32 => out.extend(
                primitive::<i32>(chunk)
                    .values()
                    .iter()
                    .map(|&v| i64::from(v)),
            ),
            DataType::Int64 => out.extend(primitive::<i64>(chunk).values().iter()),
            DataType::UInt8 => out.extend(
                primitive::<u8>(chunk)
                    .values()
                    .iter()
                    .map(|&v| i64::from(v)),
            ),
            DataType::UInt16 => out.extend(
                primitive::<u16>(chunk)
                    .values()
                    .iter()
                    .map(|&v| i64::from(v)),
            ),
            DataType::UInt32 => out.extend(
                primitive::<u32>(chunk)
                    .values()
                    .iter()
                    .map(|&v| i64::from(v)),
            ),
            // Keys only: distinct values stay distinct.
            DataType::UInt64 => {
                out.extend(primitive::<u64>(chunk).values().iter().map(|&v| v as i64))
            }
            dtype => {
                return Err(refused(
                    column.name(),
                    dtype,
                    "whole numbers",
                    "try casting it to pl.Int64",
                ));
            }
        }
    }
    Ok(out)
}

fn key(column: &Series) -> PolarsResult<Vec<i64>> {
    match column.dtype() {
        DataType::String => Ok(numbered(column.chunks().iter().flat_map(|chunk| {
            let chunk: &Utf8ViewArray = chunk.as_any().downcast_ref().expect("strings");
            chunk.iter()
        }))),
        DataType::Boolean => Ok(numbered(column.chunks().iter().flat_map(|chunk| {
            let chunk: &BooleanArray = chunk.as_any().downcast_ref().expect("booleans");
            chunk.iter()
        }))),
        DataType::Null => Ok(vec![-1; column.len()]),
        dtype if dtype.is_integer() || dtype.is_temporal() => {
            Ok(by_value(whole(column)?, &present(column)))
        }
        dtype => {
            let expected = "whole numbers, strings or categories";
            Err(refused(
                column.name(),
                dtype,
                expected,
                "try casting it to pl.String",
            ))
        }
    }
}

/// Whole numbers as codes: themselves, or their distance from the lowest if that is negative.
fn by_value(mut values: Vec<i64>, present: &[bool]) -> Vec<i64> {
    let low = values.iter().copied().min().unwrap_or(0).min(0);
    let high = values.iter().copied().max().unwrap_or(0);
    if high.checked_sub(low).is_none() {
        let keys = values.iter().zip(present);
        return numbered(keys.map(|(&value, &there)| there.then_some(value)));
    }
    for (value, &there) in values.iter_mut().zip(present) {
        *value = if there { *value - low } else { -1 };
    }
    values
}

/// Whether each value is there.
fn present(column: &Series) -> Vec<bool> {
    let mut out = vec![true; column.len()];
    let mut start = 0;
    for chunk in column.chunks() {
        blank(
            &mut out[start..start + chunk.len()],
            chunk.validity(),
            false,
        );
        start += chunk.len();
    }
    out
}

/// Numbers distinct keys in the order they come.
fn numbered<K: Hash + Eq>(keys: impl Iterator<Item = Option<K>>) -> Vec<i64> {
    let mut seen: PlHashMap<K, i64> = PlHashMap::default();
    keys.map(|key| match key {
        Some(key) => {
            let next = seen.len() as i64;
            *seen.entry(key).or_insert(next)
        }
        None => -1,
    })
    .collect()
}

fn primitive<T: NativeType>(chunk: &dyn Array) -> &PrimitiveArray<T> {
    chunk
        .as_any()
        .downcast_ref()
        .expect("the chunks of a column have its dtype")
}

fn refused(name: &str, dtype: &DataType, expected: &str, mend: &str) -> PolarsError {
    polars_err!(ComputeError: "column \"{name}\" has dtype {dtype:?}; expected {expected} ({mend})")
}

fn mend(dtype: &DataType) -> &'static str {
    if dtype.is_temporal() {
        "times belong in by="
    } else {
        "try casting it to pl.Float64"
    }
}
