//! Features of many windows in one pass: bands, spectrum and order of values while they are in the
//! cache.
//!
//! Windows of one length go side by side through `bands.rs`. Windows of many lengths, such as the
//! packets of each source, are sorted by length first; their answers stand in the caller's order
//! and do not depend on the number of threads.

use std::collections::HashMap;

use super::bands::{Bands, Filters};
use super::bank::{Bank, max_level};
use super::feature::{Feature, Known, answer};
use super::lanes::{Kernel, Lanes, Real, width};
use super::mode::Mode;
use crate::Error;
use crate::parallel::{Monitor, for_each};
use crate::spectral::power::Spectra;

/// What to compute of each window.
pub struct Settings<'a> {
    /// Filters of the bands.
    pub bank: &'a Bank,
    /// How windows go on beyond their ends.
    pub mode: Mode,
    /// Levels of the bands.
    pub level: usize,
    /// Split a window too short for `level` as far as it goes, rather than refuse it.
    pub adapt: bool,
    /// The features, in the order of their columns.
    pub features: &'a [Feature],
}

impl Settings<'_> {
    /// Columns of the answer.
    pub fn columns(&self) -> usize {
        self.features.iter().map(|f| f.columns(self.level)).sum()
    }

    fn levels(&self, window: usize) -> Result<usize, Error> {
        let most = max_level(window, self.bank.taps());
        if self.level <= most {
            return Ok(self.level);
        }
        if self.adapt {
            return Ok(most);
        }
        let expected = format!(
            "at most {most} for windows of {window} values and a filter of {}",
            self.bank.taps()
        );
        Err(Error::argument("level", expected, self.level))
    }
}

/// Rows of a task: enough to outweigh its start, few enough for a timely answer to Ctrl-C.
const TASK: usize = 512;

/// Features of the windows `x[start..start + length]`, a row of `out` for each.
///
/// A window with a value that is not finite has NaN in every column.
///
/// # Errors
///
/// [`Error::Argument`] if a window is not inside `x`, a level too high, or a mode or a spectrum not
/// defined for so few values; [`Error::Cancelled`].
pub fn features<T: Real>(
    x: &[T],
    windows: &[(usize, usize)],
    settings: &Settings,
    threads: usize,
    monitor: &Monitor,
    out: &mut [T],
) -> Result<(), Error> {
    let columns = settings.columns();
    for (start, length) in windows {
        if start.checked_add(*length).is_none_or(|end| end > x.len()) {
            let expected = format!("inside the {} values", x.len());
            let found = format!("{length} values from row {start} on");
            return Err(Error::argument("window", expected, found));
        }
    }
    if columns == 0 || windows.is_empty() {
        return Ok(());
    }
    let filters = Filters::new(settings.bank);
    let same = windows.iter().all(|w| w.1 == windows[0].1);
    if same {
        let tasks = windows.chunks(TASK).zip(out.chunks_mut(TASK * columns));
        return for_each(tasks.collect(), threads, |(windows, out)| {
            Worker::new(settings, &filters).rows(x, windows, monitor, out)
        });
    }
    let mut order: Vec<usize> = (0..windows.len()).collect();
    order.sort_by_key(|i| windows[*i].1);
    let sorted: Vec<_> = order.iter().map(|i| windows[*i]).collect();
    let mut answers = vec![T::ZERO; windows.len() * columns];
    let tasks = sorted.chunks(TASK).zip(answers.chunks_mut(TASK * columns));
    for_each(tasks.collect(), threads, |(windows, out)| {
        Worker::new(settings, &filters).rows(x, windows, monitor, out)
    })?;
    for (row, i) in answers.chunks_exact(columns).zip(order) {
        out[i * columns..(i + 1) * columns].copy_from_slice(row);
    }
    Ok(())
}

/// Plans and scratch memory of one task.
struct Worker<'a, T> {
    settings: &'a Settings<'a>,
    filters: &'a Filters<T>,
    spectra: HashMap<usize, Spectra<T>>,
    energies: Vec<T>,
    counts: Vec<f64>,
    bands: Vec<f64>,
    power: Vec<f64>,
}

impl<'a, T: Real> Worker<'a, T> {
    fn new(settings: &'a Settings<'a>, filters: &'a Filters<T>) -> Self {
        Worker {
            settings,
            filters,
            spectra: HashMap::new(),
            energies: Vec::new(),
            counts: Vec::new(),
            bands: Vec::new(),
            power: Vec::new(),
        }
    }

    fn rows(
        &mut self,
        x: &[T],
        windows: &[(usize, usize)],
        monitor: &Monitor,
        out: &mut [T],
    ) -> Result<(), Error> {
        let columns = self.settings.columns();
        let mut rest = out;
        for run in windows.chunk_by(|a, b| a.1 == b.1) {
            let (now, later) = rest.split_at_mut(run.len() * columns);
            rest = later;
            self.run(x, run, now)?;
            monitor.tick(run.len() as u64)?;
        }
        Ok(())
    }

    /// Windows of one length.
    fn run(&mut self, x: &[T], windows: &[(usize, usize)], out: &mut [T]) -> Result<(), Error> {
        let columns = self.settings.columns();
        let length = windows[0].1;
        let level = self.settings.level;
        let wants = |what: fn(&Feature) -> bool| self.settings.features.iter().any(what);
        let wants_bands = wants(Feature::needs_bands);
        let wants_entropy = wants(Feature::needs_spectral_entropy);
        let wants_power = wants(Feature::needs_power);
        let found = if wants_bands {
            self.settings.levels(length)?
        } else {
            0
        };
        let mut bands = if wants_bands && (found > 0 || level == 0) {
            let settings = self.settings;
            Some(Bands::new(self.filters, settings.mode, found, length)?)
        } else {
            None
        };
        let mut spectra = None;
        if (wants_entropy || wants_power) && length >= 2 {
            spectra = match self.spectra.remove(&length) {
                Some(spectra) => Some(spectra),
                None => Some(Spectra::new(length)?),
            };
        }
        self.energies.resize((found + 1) * width::<T>(), T::ZERO);
        // Energies of all levels and nothing else are the answer as they are.
        let alone = matches!(self.settings.features, [Feature::BandEnergy]) && found == level;
        let alone = alone && bands.is_some();
        let groups = windows.chunks(width::<T>());
        for (group, out) in groups.zip(out.chunks_mut(width::<T>() * columns)) {
            let mut rows: [&[T]; 8] = [&[]; 8];
            for (row, (start, length)) in rows.iter_mut().zip(group) {
                *row = &x[*start..start + length];
            }
            let rows = &rows[..group.len()];
            if let Some(bands) = &mut bands {
                bands.energies(rows, &mut self.energies);
            }
            if alone {
                for (lane, out) in out.chunks_exact_mut(columns).enumerate() {
                    let own = self.energies.iter().skip(lane).step_by(width::<T>());
                    for (out, energy) in out.iter_mut().zip(own) {
                        *out = *energy;
                    }
                }
                continue;
            }
            let mut entropies = [f64::NAN; 8];
            if let Some(spectra) = &mut spectra {
                spectra.look(rows);
                if wants_entropy {
                    entropies = spectra.entropies(rows.len());
                }
            }
            for (lane, (row, out)) in rows.iter().zip(out.chunks_exact_mut(columns)).enumerate() {
                // Energies and spectrum have looked at every value already.
                let is_finite = match &bands {
                    Some(_) => !self.energies[lane].to_f64().is_nan(),
                    None => !entropies[lane].is_nan() || finite(row),
                };
                if !is_finite {
                    out.fill(T::NAN);
                    continue;
                }
                self.bands.clear();
                if wants_bands {
                    // Of a window split less far, the details it does not have are NaN.
                    self.bands.resize(level + 1, f64::NAN);
                    if bands.is_some() {
                        self.bands[0] = self.energies[lane].to_f64();
                        for k in 1..=found {
                            let energy = self.energies[k * width::<T>() + lane];
                            self.bands[level - found + k] = energy.to_f64();
                        }
                    }
                }
                self.power.clear();
                if let Some(spectra) = spectra.as_ref().filter(|_| wants_power) {
                    spectra.power(lane, &mut self.power);
                }
                let known = Known {
                    row,
                    bands: &self.bands,
                    power: &self.power,
                    nats: entropies[lane],
                };
                let mut place = 0;
                for feature in self.settings.features {
                    let end = place + feature.columns(level);
                    let out = &mut out[place..end];
                    answer(feature, &known, &mut self.counts, out);
                    place = end;
                }
            }
        }
        if let Some(spectra) = spectra {
            self.spectra.insert(length, spectra);
        }
        Ok(())
    }
}

fn finite<T: Real>(row: &[T]) -> bool {
    T::dispatch(Finite(row))
}

struct Finite<'a, T>(&'a [T]);

impl<T: Real> Kernel<T> for Finite<'_, T> {
    type Output = bool;
    #[inline(always)]
    fn run<V: Lanes<Scalar = T>>(self) -> bool {
        let mut sums = [T::ZERO; 32];
        let chunks = self.0.chunks_exact(32);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (sum, v) in sums.iter_mut().zip(chunk) {
                *sum += *v * T::ZERO;
            }
        }
        for (sum, v) in sums.iter_mut().zip(rest) {
            *sum += *v * T::ZERO;
        }
        sums.iter().all(|sum| *sum == T::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectral::order::Patterns;

    #[test]
    fn rows_of_any_length_come_in_the_order_of_the_caller() {
        let x: Vec<f64> = (0..5000).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
        let windows: Vec<(usize, usize)> = (0..900).map(|i| (i * 4, 20 + (i * 7) % 90)).collect();
        let bank = Bank::named("db2").unwrap();
        let features_of = [
            Feature::BandEnergy,
            Feature::WaveletEntropy,
            Feature::SpectralEntropy(true),
            Feature::PermutationEntropy(Patterns::new(3, 1).unwrap(), true),
            Feature::TeagerEnergy,
        ];
        let settings = Settings {
            bank: &bank,
            mode: Mode::Symmetric,
            level: 3,
            adapt: true,
            features: &features_of,
        };
        let columns = settings.columns();
        let mut all = vec![0.0; windows.len() * columns];
        features(&x, &windows, &settings, 2, &Monitor::default(), &mut all).unwrap();
        for (window, row) in windows.iter().zip(all.chunks_exact(columns)) {
            let mut one = vec![0.0; columns];
            let alone = std::slice::from_ref(window);
            features(&x, alone, &settings, 1, &Monitor::default(), &mut one).unwrap();
            for (a, b) in one.iter().zip(row) {
                assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()));
            }
        }
        let settings = Settings {
            adapt: false,
            ..settings
        };
        let error =
            features(&x, &windows, &settings, 1, &Monitor::default(), &mut all).unwrap_err();
        let text = "level must be at most 2 for windows of 20 values and a filter of 4, got 3";
        assert_eq!(error.to_string(), text);
    }
}
