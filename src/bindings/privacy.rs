//! Prefix-preserving pseudonyms of addresses, for arrays of numbers and lists of text.

use std::net::IpAddr;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::run::run;
use crate::parallel::threads;
use crate::privacy::{self, map};

/// Estimated work of an address, in nanoseconds.
const NS: u64 = 300;

/// The pseudonyms of one key.
#[pyclass(frozen, module = "linewatch._core")]
pub struct CryptoPan {
    kernel: privacy::CryptoPan,
}

#[pymethods]
impl CryptoPan {
    #[new]
    fn new(key: &[u8]) -> PyResult<Self> {
        let kernel = privacy::CryptoPan::new(key)?;
        Ok(CryptoPan { kernel })
    }

    /// Pseudonyms of IPv4 addresses as numbers, or what they stand for.
    #[pyo3(signature = (addresses, *, restore=false, n_jobs=None))]
    fn numbers<'py>(
        &self,
        py: Python<'py>,
        addresses: PyReadonlyArray1<'py, u32>,
        restore: bool,
        n_jobs: Option<isize>,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let threads = threads(n_jobs)?;
        let x = addresses.as_slice()?;
        let n = x.len() as u64;
        let out = run(py, n * NS, n, None, |monitor| {
            let mut out = vec![0; x.len()];
            map(x, &mut out, threads, monitor, |address| {
                if restore {
                    self.kernel.restore_v4(address)
                } else {
                    self.kernel.v4(address)
                }
            })?;
            Ok(out)
        })?;
        Ok(out.into_pyarray(py))
    }

    /// Pseudonyms of addresses as text, or what they stand for.
    #[pyo3(signature = (addresses, *, restore=false, n_jobs=None))]
    fn text(
        &self,
        py: Python<'_>,
        addresses: Vec<String>,
        restore: bool,
        n_jobs: Option<isize>,
    ) -> PyResult<Vec<String>> {
        let threads = threads(n_jobs)?;
        let parsed: Vec<IpAddr> = addresses
            .iter()
            .map(|text| text.parse().map_err(|_| not_an_address(text)))
            .collect::<PyResult<_>>()?;
        let n = parsed.len() as u64;
        run(py, n * NS, n, None, |monitor| {
            let mut out = vec![String::new(); parsed.len()];
            map(&parsed, &mut out, threads, monitor, |address| {
                let other = if restore {
                    self.kernel.restore(address)
                } else {
                    self.kernel.address(address)
                };
                other.to_string()
            })?;
            Ok(out)
        })
    }
}

fn not_an_address(text: &str) -> PyErr {
    let hint = if text.contains('%') {
        " (leave out the scope after %)"
    } else if text.contains('/') {
        " (leave out the prefix length after /)"
    } else {
        ""
    };
    PyValueError::new_err(format!(
        "addresses must be IPv4 or IPv6 addresses, got {text:?}{hint}"
    ))
}
