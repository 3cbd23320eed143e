//! Wavelet transforms of NumPy arrays along an axis.

use ndarray::{ArrayD, ArrayView2, ArrayViewD};
use numpy::{
    Element, PyArray1, PyArrayDyn, PyReadonlyArray1, PyReadonlyArrayDyn, PyReadwriteArray3,
    PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use realfft::num_complex::Complex;

use super::matrix::Matrix;
use super::run::run;
use crate::error::Error;
use crate::parallel::threads;
use crate::wavelet::axis::along;
use crate::wavelet::bank::{self, Bank};
use crate::wavelet::cwt::{self, Plans, Scale};
use crate::wavelet::dwt;
use crate::wavelet::lanes::Real;
use crate::wavelet::mode::Mode;
use crate::wavelet::swt::{self, Kind};

/// An array of any shape and strides, in one of the two precisions.
pub enum Array<'py> {
    /// Single precision.
    F32(PyReadonlyArrayDyn<'py, f32>),
    /// Double precision.
    F64(PyReadonlyArrayDyn<'py, f64>),
}

impl<'py> Array<'py> {
    /// Borrows `x`, which the Python module has made a float array.
    ///
    /// # Errors
    ///
    /// `TypeError` if it is anything else.
    pub fn extract(x: &Bound<'py, PyAny>, name: &str) -> PyResult<Self> {
        if let Ok(array) = x.extract() {
            return Ok(Array::F64(array));
        }
        if let Ok(array) = x.extract() {
            return Ok(Array::F32(array));
        }
        let found = match x.cast::<PyUntypedArray>() {
            Ok(array) => format!("one of {}", array.dtype()),
            Err(_) => x.get_type().name()?.to_string(),
        };
        let text = format!("{name} must be an array of float32 or float64, got {found}");
        Err(PyTypeError::new_err(text))
    }
}

/// The views of arrays that must have one type and, but for the axis, one shape.
fn same<'a, T: Element>(
    arrays: &'a [PyReadonlyArrayDyn<'_, T>],
    axis: usize,
) -> PyResult<Vec<ArrayViewD<'a, T>>> {
    let views: Vec<_> = arrays.iter().map(|array| array.as_array()).collect();
    let first = views[0].shape();
    for view in &views {
        if view.shape() != first {
            let text = format!(
                "coefficient arrays must have the same shape, got {first:?} and {:?}",
                view.shape()
            );
            return Err(PyValueError::new_err(text));
        }
    }
    if axis >= first.len() {
        return Err(PyValueError::new_err(format!(
            "axis must be below {}, got {axis}",
            first.len()
        )));
    }
    Ok(views)
}

fn give<T: Element>(py: Python<'_>, arrays: Vec<ArrayD<T>>) -> Vec<Py<PyAny>> {
    let array = |array| PyArrayDyn::from_owned_array(py, array).into_any().unbind();
    arrays.into_iter().map(array).collect()
}

/// Extracts arrays of one precision; the Python module has made them alike.
fn extract_all<'py, T: Element>(
    arrays: &[Bound<'py, PyAny>],
) -> Option<Vec<PyReadonlyArrayDyn<'py, T>>> {
    arrays.iter().map(|array| array.extract().ok()).collect()
}

/// The filters of a discrete wavelet and the transforms with them.
#[pyclass(frozen, module = "linewatch._core")]
pub struct FilterBank {
    bank: Bank,
}

trait Precision: Real + Element {}
impl Precision for f32 {}
impl Precision for f64 {}

#[pymethods]
impl FilterBank {
    /// Filters of one even length.
    #[new]
    fn new(
        dec_lo: Vec<f64>,
        dec_hi: Vec<f64>,
        rec_lo: Vec<f64>,
        rec_hi: Vec<f64>,
    ) -> PyResult<Self> {
        let taps = dec_lo.len();
        let same = [&dec_hi, &rec_lo, &rec_hi].iter().all(|f| f.len() == taps);
        if taps < 2 || taps % 2 == 1 || !same {
            let text = "a filter bank has four filters of one even length";
            return Err(PyValueError::new_err(text));
        }
        Ok(FilterBank {
            bank: Bank {
                dec_lo,
                dec_hi,
                rec_lo,
                rec_hi,
            },
        })
    }

    /// The filters of a built-in wavelet.
    #[staticmethod]
    fn named(name: &str) -> PyResult<Self> {
        Ok(FilterBank {
            bank: Bank::named(name)?,
        })
    }

    /// `dec_lo, dec_hi, rec_lo, rec_hi`.
    #[getter(filters)]
    fn four(&self) -> (Vec<f64>, Vec<f64>, Vec<f64>, Vec<f64>) {
        let Bank {
            dec_lo,
            dec_hi,
            rec_lo,
            rec_hi,
        } = self.bank.clone();
        (dec_lo, dec_hi, rec_lo, rec_hi)
    }

    /// The approximation and the details of `level` levels, coarse ones first.
    fn wavedec<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        mode: &str,
        level: usize,
        axis: usize,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let mode = Mode::parse(mode)?;
        match Array::extract(x, "x")? {
            Array::F32(x) => self.decompose(py, &[x], mode, level, axis),
            Array::F64(x) => self.decompose(py, &[x], mode, level, axis),
        }
    }

    /// The samples of one level.
    fn idwt<'py>(
        &self,
        py: Python<'py>,
        ca: &Bound<'py, PyAny>,
        cd: &Bound<'py, PyAny>,
        mode: &str,
        axis: usize,
    ) -> PyResult<Py<PyAny>> {
        let mode = Mode::parse(mode)?;
        let both = [ca.clone(), cd.clone()];
        if let Some(arrays) = extract_all::<f64>(&both) {
            return self.compose(py, &arrays, mode, axis);
        }
        if let Some(arrays) = extract_all::<f32>(&both) {
            return self.compose(py, &arrays, mode, axis);
        }
        Err(PyTypeError::new_err(
            "cA and cD must be arrays of one float type",
        ))
    }

    /// Coefficients of one level alone.
    fn downcoef<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        mode: &str,
        level: usize,
        is_detail: bool,
    ) -> PyResult<Py<PyAny>> {
        let mode = Mode::parse(mode)?;
        match Array::extract(x, "x")? {
            Array::F32(x) => self.down(py, &x, mode, level, is_detail),
            Array::F64(x) => self.down(py, &x, mode, level, is_detail),
        }
    }

    /// Reconstruction from coefficients of one level alone.
    fn upcoef<'py>(
        &self,
        py: Python<'py>,
        coefficients: &Bound<'py, PyAny>,
        level: usize,
        is_detail: bool,
    ) -> PyResult<Py<PyAny>> {
        match Array::extract(coefficients, "coeffs")? {
            Array::F32(x) => self.up(py, &x, level, is_detail),
            Array::F64(x) => self.up(py, &x, level, is_detail),
        }
    }

    /// Undecimated bands: approximation and detail of the first level, of the second, ...
    #[allow(clippy::too_many_arguments)] // the signature of the Python function
    fn swt<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        level: usize,
        start_level: usize,
        axis: usize,
        factor: f64,
        maximal_overlap: bool,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let kind = kind(maximal_overlap);
        match Array::extract(x, "x")? {
            Array::F32(x) => self.spread(py, &[x], level, start_level, axis, factor, kind),
            Array::F64(x) => self.spread(py, &[x], level, start_level, axis, factor, kind),
        }
    }

    /// The signal from the coarsest approximation and the details, coarse ones first.
    fn iswt<'py>(
        &self,
        py: Python<'py>,
        bands: Vec<Bound<'py, PyAny>>,
        axis: usize,
        factor: f64,
        maximal_overlap: bool,
    ) -> PyResult<Py<PyAny>> {
        let kind = kind(maximal_overlap);
        if let Some(arrays) = extract_all::<f64>(&bands) {
            return self.join(py, &arrays, axis, factor, kind);
        }
        if let Some(arrays) = extract_all::<f32>(&bands) {
            return self.join(py, &arrays, axis, factor, kind);
        }
        Err(PyTypeError::new_err(
            "coefficients must be arrays of one float type",
        ))
    }
}

fn kind(maximal_overlap: bool) -> Kind {
    if maximal_overlap {
        Kind::MaximalOverlap
    } else {
        Kind::Stationary
    }
}

/// Nanoseconds that `values` and `taps` of each may take.
fn cost(values: usize, taps: usize) -> u64 {
    values as u64 * (2 + taps as u64 / 4)
}

impl FilterBank {
    /// The filters.
    pub fn filters(&self) -> &Bank {
        &self.bank
    }

    fn decompose<T: Precision>(
        &self,
        py: Python<'_>,
        x: &[PyReadonlyArrayDyn<'_, T>],
        mode: Mode,
        level: usize,
        axis: usize,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let views = same(x, axis)?;
        let bank: Bank<T> = self.bank.cast(1.0);
        let lengths = dwt::band_lengths(views[0].shape()[axis], bank.taps(), mode, level);
        let estimate = cost(views[0].len(), bank.taps());
        let bands = run(py, estimate, 0, None, |monitor| {
            along(&views, axis, &lengths, monitor, |rows, bands| {
                dwt::wavedec(rows[0], &bank, mode, bands)
            })
        })?;
        Ok(give(py, bands))
    }

    fn compose<T: Precision>(
        &self,
        py: Python<'_>,
        both: &[PyReadonlyArrayDyn<'_, T>],
        mode: Mode,
        axis: usize,
    ) -> PyResult<Py<PyAny>> {
        let views = same(both, axis)?;
        let bank: Bank<T> = self.bank.cast(1.0);
        let length = dwt::samples(views[0].shape()[axis], bank.taps(), mode)?;
        let estimate = cost(2 * views[0].len(), bank.taps());
        let out = run(py, estimate, 0, None, |monitor| {
            along(&views, axis, &[length], monitor, |rows, out| {
                dwt::idwt(rows[0], rows[1], &bank, mode, out[0])
            })
        })?;
        Ok(give(py, out).remove(0))
    }

    fn down<T: Precision>(
        &self,
        py: Python<'_>,
        x: &PyReadonlyArrayDyn<'_, T>,
        mode: Mode,
        level: usize,
        is_detail: bool,
    ) -> PyResult<Py<PyAny>> {
        let bank: Bank<T> = self.bank.cast(1.0);
        let values: Vec<T> = x.as_array().iter().copied().collect();
        let estimate = cost(values.len(), bank.taps());
        let out = run(py, estimate, 0, None, |_| {
            dwt::downcoef(&values, &bank, mode, level, is_detail)
        })?;
        Ok(PyArray1::from_vec(py, out).into_any().unbind())
    }

    fn up<T: Precision>(
        &self,
        py: Python<'_>,
        x: &PyReadonlyArrayDyn<'_, T>,
        level: usize,
        is_detail: bool,
    ) -> PyResult<Py<PyAny>> {
        let bank: Bank<T> = self.bank.cast(1.0);
        let values: Vec<T> = x.as_array().iter().copied().collect();
        let longest = (values.len() + bank.taps()) as u128;
        if level > 40 || longest << level > 1 << 34 {
            let expected = "small enough for the reconstruction to fit in memory";
            return Err(Error::argument("level", expected, level).into());
        }
        let estimate = cost((values.len() + bank.taps()) << level, bank.taps());
        let out = run(py, estimate, 0, None, |_| {
            Ok(dwt::upcoef(&values, &bank, level, is_detail))
        })?;
        Ok(PyArray1::from_vec(py, out).into_any().unbind())
    }

    #[allow(clippy::too_many_arguments)] // those of the Python method
    fn spread<T: Precision>(
        &self,
        py: Python<'_>,
        x: &[PyReadonlyArrayDyn<'_, T>],
        level: usize,
        start_level: usize,
        axis: usize,
        factor: f64,
        kind: Kind,
    ) -> PyResult<Vec<Py<PyAny>>> {
        let views = same(x, axis)?;
        let bank: Bank<T> = self.bank.cast(factor);
        let lengths = vec![views[0].shape()[axis]; 2 * level];
        let estimate = cost(level * views[0].len(), bank.taps());
        let bands = run(py, estimate, 0, None, |monitor| {
            along(&views, axis, &lengths, monitor, |rows, bands| {
                swt::forward(rows[0], &bank, kind, start_level, bands)
            })
        })?;
        Ok(give(py, bands))
    }

    fn join<T: Precision>(
        &self,
        py: Python<'_>,
        bands: &[PyReadonlyArrayDyn<'_, T>],
        axis: usize,
        factor: f64,
        kind: Kind,
    ) -> PyResult<Py<PyAny>> {
        let views = same(bands, axis)?;
        let bank: Bank<T> = self.bank.cast(factor);
        let length = views[0].shape()[axis];
        let estimate = cost(views.len() * views[0].len(), bank.taps());
        let out = run(py, estimate, 0, None, |monitor| {
            along(&views, axis, &[length], monitor, |rows, out| {
                swt::inverse(rows[0], &rows[1..], &bank, kind, out[0])
            })
        })?;
        Ok(give(py, out).remove(0))
    }
}

/// Names of the built-in discrete wavelets, a family after the other.
#[pyfunction]
pub fn wavelet_names() -> Vec<String> {
    bank::names()
}

/// The continuous transform of the rows of `x` with the kernels of all scales.
///
/// `kernels` are real or complex, `centers` the places that fall on the current sample; `out` has the
/// shape scales, rows, samples, or twice the samples for real and imaginary parts. It comes from
/// NumPy, which asks for large pages: fresh small ones took as long as the transform.
#[pyfunction]
#[pyo3(signature = (x, kernels, centers, out, *, n_jobs=None))]
pub fn wavelet_cwt<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    kernels: Vec<Bound<'py, PyAny>>,
    centers: Vec<usize>,
    out: &Bound<'py, PyAny>,
    n_jobs: Option<isize>,
) -> PyResult<()> {
    match Matrix::extract(x, "x")? {
        Matrix::F32(x) => continuous(py, x.as_array(), &kernels, &centers, out.extract()?, n_jobs),
        Matrix::F64(x) => continuous(py, x.as_array(), &kernels, &centers, out.extract()?, n_jobs),
    }
}

fn continuous<'py, T: Precision>(
    py: Python<'py>,
    x: ArrayView2<'_, T>,
    kernels: &[Bound<'py, PyAny>],
    centers: &[usize],
    mut out: PyReadwriteArray3<'py, T>,
    n_jobs: Option<isize>,
) -> PyResult<()>
where
    Complex<T>: Element,
{
    let threads = threads(n_jobs)?;
    let mut scales = Vec::with_capacity(kernels.len());
    let mut width = 1;
    for (kernel, center) in kernels.iter().zip(centers) {
        let parts: Vec<Vec<T>> = if let Ok(real) = kernel.extract::<PyReadonlyArray1<T>>() {
            vec![real.as_array().to_vec()]
        } else {
            let complex: PyReadonlyArray1<Complex<T>> = kernel.extract()?;
            let part = |f: fn(&Complex<T>) -> T| complex.as_array().iter().map(f).collect();
            vec![part(|v| v.re), part(|v| v.im)]
        };
        width = parts.len();
        scales.push(Scale {
            parts,
            center: *center,
        });
    }
    let (rows, n) = x.dim();
    if out.shape() != [scales.len(), rows, n * width] {
        return Err(PyValueError::new_err(
            "out does not fit scales, rows and samples",
        ));
    }
    let out = out.as_slice_mut()?;
    let total = (rows * n * scales.len()) as u64;
    run(py, 20 * total, total, None, |monitor| {
        let mut answers = vec![
            T::ZERO;
            if rows == 1 {
                0
            } else {
                scales.len() * n * width
            }
        ];
        let mut plans = Plans::default();
        for (r, row) in x.outer_iter().enumerate() {
            let row = row.to_vec();
            if rows == 1 {
                return cwt::cwt(&row, &scales, &mut plans, threads, monitor, out);
            }
            cwt::cwt(&row, &scales, &mut plans, threads, monitor, &mut answers)?;
            for (s, answer) in answers.chunks_exact((n * width).max(1)).enumerate() {
                let place = (s * rows + r) * n * width;
                out[place..place + n * width].copy_from_slice(answer);
            }
        }
        Ok(())
    })
}
