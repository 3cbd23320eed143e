//! Services and categories of ports as an expression: one look into a table for each row.

use polars_core::prelude::*;
use pyo3_polars::derive::polars_expr;
use pyo3_polars::export::polars_arrow::array::{Array, Utf8ViewArray, View};
use pyo3_polars::export::polars_arrow::bitmap::Bitmap;
use pyo3_polars::export::polars_arrow::datatypes::ArrowDataType;
use serde::Deserialize;

use crate::flow::ports::{self, Mode};

/// What to say of a port.
#[derive(Deserialize)]
struct Wanted {
    /// "service", "category" or "class".
    what: String,
    literal: bool,
}

fn port_text_field(inputs: &[Field], _: Wanted) -> PolarsResult<Field> {
    Ok(Field::new(inputs[0].name().clone(), DataType::String))
}

/// Inputs are ports as `Int32` and protocols as `String`, one for each row or one for all.
#[polars_expr(output_type_func_with_kwargs=port_text_field)]
fn port_text(inputs: &[Series], kwargs: Wanted) -> PolarsResult<Series> {
    let (ports, protocols) = (inputs[0].i32()?, inputs[1].str()?);
    let n = ports.len();
    if protocols.len() != n && protocols.len() != 1 {
        let found = protocols.len();
        polars_bail!(ComputeError: "protocol has {found} values, expected {n}");
    }
    let transports = transports(protocols);
    let transport = |row: usize| match transports.len() {
        1 => transports[0],
        _ => transports[row],
    };
    let registry = ports::registry();
    let mode = if kwargs.literal {
        Mode::Literal
    } else {
        Mode::Full
    };
    let entries = registry.entries(mode);
    let names: Vec<&str> = match kwargs.what.as_str() {
        "service" => registry.services.iter().map(String::as_str).collect(),
        "category" => registry.categories.clone(),
        _ => ports::CLASSES.to_vec(),
    };
    let number = |port: u16, transport: u8| match kwargs.what.as_str() {
        "service" => entries[ports::place(port, transport)].service(),
        "category" => entries[ports::place(port, transport)].category(),
        _ => ports::class(port),
    };
    // The name of a port is the view of the one place where it stands.
    let mut texts = Vec::new();
    let views: Vec<View> = names
        .iter()
        .map(|name| {
            let view = View::new_from_bytes(name.as_bytes(), 0, texts.len() as u32);
            if name.len() > View::MAX_INLINE_SIZE as usize {
                texts.extend_from_slice(name.as_bytes());
            }
            view
        })
        .collect();
    let mut out = Vec::with_capacity(n);
    let mut valid = Vec::with_capacity(n.div_ceil(8));
    let mut row = 0;
    for chunk in ports.downcast_iter() {
        let nulls = chunk.validity();
        for (i, &port) in chunk.values().iter().enumerate() {
            let is_there = nulls.is_none_or(|nulls| nulls.get_bit(i));
            let found = match u16::try_from(port) {
                Ok(port) if is_there => number(port, transport(row)),
                _ => 0,
            };
            if row % 8 == 0 {
                valid.push(0u8);
            }
            let last = valid.len() - 1;
            valid[last] |= u8::from(found != 0) << (row % 8);
            out.push(views[found]);
            row += 1;
        }
    }
    let total = texts.len();
    // SAFETY: each view was made of a name that is text, at the place where it stands.
    let array = unsafe {
        Utf8ViewArray::new_unchecked_unknown_md(
            ArrowDataType::Utf8View,
            out.into(),
            std::iter::once(texts.into()).collect(),
            Some(Bitmap::from_u8_vec(valid, n)),
            Some(total),
        )
    };
    let array: Box<dyn Array> = Box::new(array);
    Series::from_arrow(inputs[0].name().clone(), array)
}

fn transports(protocols: &StringChunked) -> Vec<u8> {
    let mut out = Vec::with_capacity(protocols.len());
    for chunk in protocols.downcast_iter() {
        out.extend(chunk.iter().map(|text| match text {
            Some("TCP") => 0,
            Some("UDP") => 1,
            Some(text) => ports::named_transport(text.as_bytes()),
            None => ports::OTHER,
        }));
    }
    out
}
