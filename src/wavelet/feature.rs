//! One feature of a window: its name, its columns, and its value from what is known of the window.

use super::lanes::Real;
use crate::Error;
use crate::spectral::entropy::entropy;
use crate::spectral::order::{Patterns, teager_energy};
use crate::spectral::power::{band_power, dominant_frequency, spectral_entropy};

/// One feature of a window, or several of a kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Feature {
    /// Energy of each band.
    BandEnergy,
    /// Energy of each band over their sum; zeros without energy.
    RelativeBandEnergy,
    /// Shannon entropy of the relative energies, in nats.
    WaveletEntropy,
    /// Tsallis entropy of the relative energies, of the order given.
    TsallisEntropy(f64),
    /// Sum of the logarithms of the energies, bands without energy left out.
    LogEnergy,
    /// Entropy of the power spectrum, normalized if true.
    SpectralEntropy(bool),
    /// Power between two frequencies in cycles per sample.
    BandPower(f64, f64),
    /// Frequency with the most power, in cycles per sample.
    DominantFrequency,
    /// Entropy of ordinal patterns, normalized if true.
    PermutationEntropy(Patterns, bool),
    /// Mean Teager energy.
    TeagerEnergy,
}

impl Feature {
    /// The feature of a name with its own parameters; a flag is 1 or 0.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for an unknown name, parameters it does not have, or such out of range.
    pub fn parse(name: &str, own: &[f64]) -> Result<Self, Error> {
        Ok(match (name, own) {
            ("band_energy", []) => Feature::BandEnergy,
            ("relative_band_energy", []) => Feature::RelativeBandEnergy,
            ("wavelet_entropy", []) => Feature::WaveletEntropy,
            ("wavelet_tsallis_entropy", [q]) => Feature::TsallisEntropy(*q),
            ("wavelet_log_energy", []) => Feature::LogEnergy,
            ("spectral_entropy", [normalize]) => Feature::SpectralEntropy(*normalize != 0.0),
            ("band_power", [low, high]) => Feature::BandPower(*low, *high),
            ("dominant_frequency", []) => Feature::DominantFrequency,
            ("permutation_entropy", [order, delay, normalize]) => {
                let patterns = Patterns::new(*order as usize, *delay as usize)?;
                Feature::PermutationEntropy(patterns, *normalize != 0.0)
            }
            ("teager_energy", []) => Feature::TeagerEnergy,
            _ => {
                let expected = "a feature with its parameters";
                let found = format!("{name} {own:?}");
                return Err(Error::argument("features", expected, found));
            }
        })
    }

    /// How many columns it has.
    pub fn columns(&self, level: usize) -> usize {
        match self {
            Feature::BandEnergy | Feature::RelativeBandEnergy => level + 1,
            _ => 1,
        }
    }

    /// Whether it is made from band energies.
    pub fn needs_bands(&self) -> bool {
        use Feature::*;
        matches!(
            self,
            BandEnergy | RelativeBandEnergy | WaveletEntropy | TsallisEntropy(_) | LogEnergy
        )
    }

    /// Whether it is made from the entropy of the power spectrum.
    pub fn needs_spectral_entropy(&self) -> bool {
        matches!(self, Feature::SpectralEntropy(_))
    }

    /// Whether it is made from the power of single frequencies.
    pub fn needs_power(&self) -> bool {
        matches!(self, Feature::BandPower(..) | Feature::DominantFrequency)
    }
}

/// What is known of a window when its features are asked for.
pub struct Known<'a, T> {
    /// Its values.
    pub row: &'a [T],
    /// Band energies, coarse first, if a feature needs them; NaN for bands it does not have.
    pub bands: &'a [f64],
    /// The power spectrum, if a feature needs it.
    pub power: &'a [f64],
    /// Entropy of the power spectrum in nats; NaN without one.
    pub nats: f64,
}

/// Writes the columns of `feature` of a window; `counts` is scratch memory.
pub fn answer<T: Real>(feature: &Feature, of: &Known<T>, counts: &mut Vec<f64>, out: &mut [T]) {
    let Known {
        row,
        bands,
        power,
        nats,
    } = *of;
    let known = || bands.iter().copied().filter(|energy| !energy.is_nan());
    let total = || known().sum::<f64>();
    let none = bands.first().is_none_or(|energy| energy.is_nan());
    let value = match feature {
        Feature::BandEnergy => {
            for (out, energy) in out.iter_mut().zip(bands) {
                *out = T::of(*energy);
            }
            return;
        }
        Feature::RelativeBandEnergy => {
            let total = total();
            let unit = if total > 0.0 { total } else { 1.0 };
            for (out, energy) in out.iter_mut().zip(bands) {
                *out = T::of(energy / unit);
            }
            return;
        }
        Feature::WaveletEntropy | Feature::TsallisEntropy(_) | Feature::LogEnergy if none => {
            f64::NAN
        }
        Feature::WaveletEntropy => {
            counts.clear();
            counts.extend(known());
            entropy(counts)
        }
        Feature::TsallisEntropy(q) => {
            let total = total();
            if total > 0.0 {
                let sum: f64 = known()
                    .filter(|energy| *energy > 0.0)
                    .map(|energy| (energy / total).powf(*q))
                    .sum();
                (1.0 - sum) / (q - 1.0)
            } else {
                0.0
            }
        }
        Feature::LogEnergy => known().filter(|e| *e > 0.0).map(f64::ln).sum(),
        Feature::SpectralEntropy(normalize) => spectral_entropy(nats, row.len(), *normalize),
        _ if feature.needs_power() && power.is_empty() => f64::NAN,
        Feature::BandPower(low, high) => band_power(power, row.len(), *low, *high),
        Feature::DominantFrequency => dominant_frequency(power, row.len()),
        Feature::PermutationEntropy(patterns, normalize) => {
            patterns.entropy(row, *normalize, counts)
        }
        Feature::TeagerEnergy => teager_energy(row),
    };
    out[0] = T::of(value);
}
