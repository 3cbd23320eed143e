//! Features of windows as an expression: a struct for each window, or for all rows.

use polars_core::prelude::*;
use pyo3_polars::derive::polars_expr;
use pyo3_polars::export::polars_arrow::bitmap::Bitmap;
use pyo3_polars::export::polars_arrow::types::NativeType;
use serde::Deserialize;

use super::columns::{self, Numbers};
use super::{count, refusal};
use crate::error::Error;
use crate::parallel::{Monitor, threads};
use crate::wavelet::feature::Feature;
use crate::wavelet::features::{Settings, features};
use crate::wavelet::windows::Windows;
use crate::wavelet::{Bank, Mode, Real};

/// The field of a window's last row.
const ROW: &str = "row";

/// The options of the expression, as python/linewatch/interop/polars_features.py writes them.
///
/// Inputs are the column, then the columns of groups.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Options {
    /// Names and parameters of features.
    features: Vec<(String, Vec<f64>)>,
    /// Names of their columns.
    columns: Vec<String>,
    /// Columns that are multiplied by a factor.
    scales: Vec<(usize, f64)>,
    /// The name of a built-in wavelet, or else its filters.
    wavelet: String,
    filters: Option<[Vec<f64>; 4]>,
    mode: String,
    level: i64,
    /// Rows in a window, and from one to the next; without them a series is one window.
    window: Option<i64>,
    hop: i64,
    /// An answer for each row, null but for the last of each window.
    every_row: bool,
    /// The answer is a number, not a struct.
    plain: bool,
    n_jobs: Option<i64>,
}

impl Options {
    /// Whether windows are told by their last row.
    fn tells_rows(&self, inputs: usize) -> bool {
        !self.every_row && (self.window.is_some() || inputs > 1)
    }

    fn bank(&self) -> Result<Bank, Error> {
        let Some([dec_lo, dec_hi, rec_lo, rec_hi]) = self.filters.clone() else {
            return Bank::named(&self.wavelet);
        };
        Ok(Bank {
            dec_lo,
            dec_hi,
            rec_lo,
            rec_hi,
        })
    }
}

#[polars_expr(output_type_func_with_kwargs=features_field)]
fn window_features(inputs: &[Series], kwargs: Options) -> PolarsResult<Series> {
    let keys = &inputs[1..];
    let groups = (!keys.is_empty())
        .then(|| columns::codes(keys))
        .transpose()?;
    if let Some(groups) = &groups
        && groups.len() != inputs[0].len()
    {
        let (found, expected) = (groups.len(), inputs[0].len());
        polars_bail!(ComputeError: "groups has {found} values, expected {expected}");
    }
    let call = Call {
        name: inputs[0].name(),
        groups: groups.as_deref(),
        tells_rows: kwargs.tells_rows(inputs.len()),
        options: &kwargs,
    };
    match Numbers::of(&inputs[0])? {
        Numbers::F32(x) => call.answer(&x),
        Numbers::F64(x) => call.answer(&x),
    }
}

fn features_field(inputs: &[Field], kwargs: Options) -> PolarsResult<Field> {
    let number = columns::answer_dtype(&inputs[0])?;
    let field = |name: &String| Field::new(name.as_str().into(), number.clone());
    let dtype = if kwargs.plain {
        number
    } else {
        let row = Field::new(ROW.into(), DataType::UInt32);
        let row = kwargs.tells_rows(inputs.len()).then_some(row);
        let fields = row.into_iter().chain(kwargs.columns.iter().map(field));
        DataType::Struct(fields.collect())
    };
    Ok(Field::new(inputs[0].name().clone(), dtype))
}

/// A call, apart from its values.
struct Call<'a> {
    name: &'a PlSmallStr,
    groups: Option<&'a [i64]>,
    tells_rows: bool,
    options: &'a Options,
}

impl Call<'_> {
    /// Calls the kernel and names its answers.
    fn answer<T: Real + NativeType>(&self, x: &[T]) -> PolarsResult<Series> {
        let options = self.options;
        let (windows, rows) = self.rows(x).map_err(refusal)?;
        let count = options.columns.len();
        let mut height = windows.places.len();
        let last: Option<Vec<usize>> =
            (options.every_row || self.tells_rows).then(|| windows.last_rows().collect());
        let mut fields = Vec::with_capacity(count + 1);
        if self.tells_rows {
            let rows = last.iter().flatten().map(|row| *row as u32);
            fields.push(Series::new(ROW.into(), rows.collect::<Vec<u32>>()));
        }
        // With an answer for each row, the row of each window; a window's own place otherwise.
        let places = last.filter(|_| options.every_row);
        if places.is_some() {
            height = x.len();
        }
        for (j, name) in options.columns.iter().enumerate() {
            let factor = options.scales.iter().find(|(column, _)| *column == j);
            let factor = T::of(factor.map_or(1.0, |(_, factor)| *factor));
            let values = rows.iter().skip(j).step_by(count).map(|v| *v * factor);
            let values = match &places {
                None => values.collect(),
                Some(places) => {
                    let mut all = vec![<T as crate::float::Float>::NAN; height];
                    for (place, value) in places.iter().zip(values) {
                        all[*place] = value;
                    }
                    all
                }
            };
            let name = if options.plain {
                self.name.clone()
            } else {
                name.as_str().into()
            };
            fields.push(Series::from_arrow(
                name,
                Box::new(columns::answers(values)),
            )?);
        }
        if options.plain {
            return Ok(fields.swap_remove(0));
        }
        let mut all = StructChunked::from_series(self.name.clone(), height, fields.iter())?;
        if let Some(places) = places {
            let mut there = vec![false; height];
            for place in places {
                there[place] = true;
            }
            all = all.with_outer_validity(Some(Bitmap::from(there)));
        }
        Ok(all.into_series())
    }

    /// The windows and their features, a row for each.
    fn rows<T: Real>(&self, x: &[T]) -> Result<(Windows, Vec<T>), Error> {
        let options = self.options;
        let window = options.window.map(|window| {
            let (window, hop) = (count("window", window)?, count("hop", options.hop)?);
            Ok::<_, Error>((window, hop))
        });
        let windows = Windows::of(x.len(), self.groups, window.transpose()?);
        let wanted = options.features.iter();
        let wanted = wanted.map(|(name, own)| Feature::parse(name, own));
        let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
        let bank = options.bank()?;
        let settings = Settings {
            bank: &bank,
            mode: Mode::parse(&options.mode)?,
            level: count("level", options.level)?,
            adapt: options.window.is_none(),
            features: &wanted,
        };
        let mut out = vec![T::ZERO; windows.places.len() * settings.columns()];
        // Polars computes several expressions at once, so one of them takes one thread.
        let threads = threads(Some(options.n_jobs.unwrap_or(1) as isize))?;
        let x = windows.gather(x);
        let monitor = Monitor::default();
        features(&x, &windows.places, &settings, threads, &monitor, &mut out)?;
        Ok((windows, out))
    }
}
