//! Which pass gives which feature.

use super::count::count;
use super::distinct::{distinct, entropy};
use super::extremum::extremum;
use super::feature::Feature;
use super::gaps::{Moments, gaps, inter_arrival};
use super::spectrum::spectrum;
use super::sweep::{Sets, Sweep};
use crate::error::Error;

impl Feature {
    /// One feature of the rows of a part.
    pub(super) fn sweep(self, sweep: &Sweep, sets: &Sets, out: &mut [f64]) -> Result<(), Error> {
        let lengths = sweep.rows.lengths;
        match self {
            Feature::PacketCount => count(sweep, out),
            Feature::ByteCount => sweep.run(
                (),
                0u64,
                out,
                |(), sum, row| {
                    *sum += u64::from(lengths[row]);
                    *sum as f64
                },
                |(), sum, row| *sum -= u64::from(lengths[row]),
            ),
            Feature::LengthMean => sweep.run(
                (),
                (0u32, 0u64),
                out,
                |(), (count, sum), row| {
                    *count += 1;
                    *sum += u64::from(lengths[row]);
                    *sum as f64 / f64::from(*count)
                },
                |(), (count, sum), row| {
                    *count -= 1;
                    *sum -= u64::from(lengths[row]);
                },
            ),
            Feature::LengthStd => sweep.run(
                (),
                Moments::default(),
                out,
                |(), moments, row| {
                    moments.add(u64::from(lengths[row]));
                    moments.std()
                },
                |(), moments, row| moments.remove(u64::from(lengths[row])),
            ),
            Feature::LengthMin => extremum(sweep, out, |new, old| new <= old),
            Feature::LengthMax => extremum(sweep, out, |new, old| new >= old),
            Feature::FlagRatio(set, unset) => {
                let flags = sweep.rows.flags;
                let has = |row: usize| u32::from(flags[row] & (set | unset) == set);
                sweep.run(
                    (),
                    (0u32, 0u32),
                    out,
                    |(), (count, with), row| {
                        *count += 1;
                        *with += has(row);
                        f64::from(*with) / f64::from(*count)
                    },
                    |(), (count, with), row| {
                        *count -= 1;
                        *with -= has(row);
                    },
                )
            }
            Feature::InterArrival => inter_arrival(sweep, out),
            Feature::InterArrivalMean => gaps(sweep, out, |gaps| gaps.mean()),
            Feature::InterArrivalStd => gaps(sweep, out, |gaps| gaps.std()),
            Feature::DestinationCount => distinct(sweep, &sets.destinations, out),
            Feature::DestinationPortCount => distinct(sweep, &sets.destination_ports, out),
            Feature::DestinationPortEntropy => entropy(sweep, &sets.destination_ports, out),
            Feature::SourcePortEntropy => entropy(sweep, &sets.source_ports, out),
            Feature::SpectralEntropy | Feature::BandPower(_) | Feature::DominantFrequency => {
                spectrum(sweep, vec![(self, out)])
            }
        }
    }
}
