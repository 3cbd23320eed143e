//! A kernel along one axis of an array of any shape and strides.

use ndarray::{ArrayD, ArrayViewD, Axis};

use super::lanes::Real;
use crate::Error;
use crate::parallel::Monitor;

/// Calls `kernel` with each row of `inputs` along `axis`, and with the rows of fresh outputs that
/// have `lengths` values along it.
///
/// The inputs have one shape; but for the axis it is that of the outputs.
///
/// # Errors
///
/// Those of `kernel`; [`Error::Cancelled`].
pub fn along<T: Real>(
    inputs: &[ArrayViewD<T>],
    axis: usize,
    lengths: &[usize],
    monitor: &Monitor,
    mut kernel: impl FnMut(&[&[T]], &mut [&mut [T]]) -> Result<(), Error>,
) -> Result<Vec<ArrayD<T>>, Error> {
    let axis = Axis(axis);
    let shape = |length: usize| {
        let mut shape = inputs[0].raw_dim();
        shape[axis.0] = length;
        shape
    };
    let mut outputs: Vec<ArrayD<T>> = lengths
        .iter()
        .map(|n| ArrayD::from_elem(shape(*n), T::ZERO))
        .collect();
    let rows = inputs[0].len() / inputs[0].len_of(axis).max(1);
    if rows == 1 && inputs.iter().all(|x| x.as_slice().is_some()) {
        let rows: Vec<&[T]> = inputs
            .iter()
            .map(|x| x.as_slice().expect("asked"))
            .collect();
        let mut places: Vec<&mut [T]> = outputs
            .iter_mut()
            .map(|out| out.as_slice_mut().expect("made contiguous"))
            .collect();
        monitor.watch(|| kernel(&rows, &mut places))?;
        monitor.tick(1)?;
        return Ok(outputs);
    }
    let mut gathered: Vec<Vec<T>> = vec![Vec::new(); inputs.len()];
    let mut written: Vec<Vec<T>> = lengths.iter().map(|n| vec![T::ZERO; *n]).collect();
    let mut sources: Vec<_> = inputs.iter().map(|x| x.lanes(axis).into_iter()).collect();
    let mut targets: Vec<_> = outputs
        .iter_mut()
        .map(|out| out.lanes_mut(axis).into_iter())
        .collect();
    for _ in 0..rows {
        for (source, row) in sources.iter_mut().zip(&mut gathered) {
            row.clear();
            row.extend(source.next().expect("one lane per row"));
        }
        let rows: Vec<&[T]> = gathered.iter().map(Vec::as_slice).collect();
        let mut places: Vec<&mut [T]> = written.iter_mut().map(Vec::as_mut_slice).collect();
        monitor.watch(|| kernel(&rows, &mut places))?;
        for (target, row) in targets.iter_mut().zip(&written) {
            let mut target = target.next().expect("one lane per row");
            for (place, value) in target.iter_mut().zip(row) {
                *place = *value;
            }
        }
        monitor.tick(1)?;
    }
    Ok(outputs)
}
