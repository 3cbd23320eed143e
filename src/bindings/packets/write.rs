//! Packet tables as captures.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::columns::{Keys, column, number, texts, whole};
use crate::bindings::arrow::{Column, read};
use crate::bindings::error::guard;
use crate::packets::keys::NONE;
use crate::packets::write;

/// Writes a table with the columns of a packet table as a pcap.
#[pyfunction]
pub fn write_packets(
    table: &Bound<'_, PyAny>,
    times: PyReadonlyArray1<'_, i64>,
    path: PathBuf,
    snap_length: u32,
) -> PyResult<()> {
    let (_, columns) = read(table)?;
    let times = times.as_slice()?;
    let numbers = |name: &str, missing: u32| match column(&columns, name) {
        Some(column) => whole(column, Some(missing)).map(Cow::into_owned),
        None => Ok(vec![missing; times.len()]),
    };
    let addresses = |name: &str| {
        let column = column(&columns, name).ok_or_else(|| {
            PyValueError::new_err(format!("column {name:?} is missing; a packet needs one"))
        })?;
        addresses(column)
    };
    let (source, destination) = (
        addresses("source_address")?,
        addresses("destination_address")?,
    );
    let lengths = numbers("length", NONE)?;
    let (source_port, destination_port) =
        (numbers("source_port", 0)?, numbers("destination_port", 0)?);
    let (protocol, flags) = (numbers("protocol", 59)?, numbers("tcp_flags", 0)?);
    let (vlan, ttl) = (numbers("vlan", NONE)?, numbers("ttl", 64)?);
    let file = File::create(&path)?;
    let work = || -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 18, file);
        write::header(&mut out, snap_length)?;
        for row in 0..times.len() {
            let packet = write::Packet {
                time: times[row],
                length: lengths[row],
                addresses: source[row].zip(destination[row]),
                ports: (source_port[row] as u16, destination_port[row] as u16),
                protocol: protocol[row] as u8,
                tcp_flags: flags[row] as u16,
                vlan: (vlan[row] != NONE).then_some(vlan[row] as u16),
                ttl: ttl[row] as u8,
            };
            write::packet(&mut out, &packet, snap_length)?;
        }
        out.flush()
    };
    table.py().detach(|| guard(work))
}

/// A column of texts as addresses.
fn addresses(column: &Column) -> PyResult<Vec<Option<IpAddr>>> {
    let (ids, _) = number(column)?;
    let mut known: Vec<Option<IpAddr>> = Vec::new();
    let mut row = 0;
    let mut out = Vec::with_capacity(ids.len());
    for chunk in &column.chunks {
        let Some(Keys::Each(texts)) = texts(chunk) else {
            let expected = "addresses as text, such as \"192.0.2.1\"";
            return Err(column.refuse(&format!("column {:?}", column.name), expected));
        };
        for text in texts {
            let id = ids[row] as usize;
            if let Some(text) = text
                && id == known.len()
            {
                let text = std::str::from_utf8(text).unwrap_or_default();
                let address = text.parse().map_err(|_| {
                    PyValueError::new_err(format!(
                        "column {:?} must hold IPv4 or IPv6 addresses, got {text:?} in row {row}",
                        column.name
                    ))
                })?;
                known.push(Some(address));
            }
            out.push(text.and_then(|_| known[id]));
            row += 1;
        }
    }
    Ok(out)
}
