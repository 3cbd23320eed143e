//! The spectrum of what a key sent in its window: bytes in [`BINS`] bins of equal length.
//!
//! The bins lie on the clock, so that a row adds to one of them and none is moved; the last bin is
//! that of the present row, the first the earliest that lies in the window as a whole. They are kept
//! in a ring, whose power spectrum is that of the bins in their order. A key that has no row in its
//! window has no ring: memory is that of the keys at work.

use super::feature::{BANDS, Feature};
use super::sweep::{BLOCK, Sweep};
use crate::error::Error;
use crate::packets::keys::NONE;
use crate::spectral::power::{Spectra, band_power, spectral_entropy};

/// Bins of a window.
pub const BINS: usize = 64;

/// What a key has.
#[derive(Debug, Clone, Copy)]
struct Ring {
    /// Where its ring lies.
    place: u32,
    /// Rows in the window.
    count: u32,
    /// The latest bin.
    bin: i64,
}

/// Rings, and those that are free.
#[derive(Default)]
struct Rings {
    bytes: Vec<[f64; BINS]>,
    free: Vec<u32>,
}

impl Rings {
    fn enter(&mut self, ring: &mut Ring, bin: i64, length: u32) -> &[f64; BINS] {
        if ring.count == 0 {
            ring.place = self.free.pop().unwrap_or_else(|| {
                self.bytes.push([0.0; BINS]);
                self.bytes.len() as u32 - 1
            });
            self.bytes[ring.place as usize] = [0.0; BINS];
        }
        let bytes = &mut self.bytes[ring.place as usize];
        let passed = if ring.count == 0 {
            0
        } else {
            bin.wrapping_sub(ring.bin) as u64
        };
        if passed >= BINS as u64 {
            *bytes = [0.0; BINS];
        } else {
            for later in 0..passed as i64 {
                bytes[(bin - later).rem_euclid(BINS as i64) as usize] = 0.0;
            }
        }
        bytes[bin.rem_euclid(BINS as i64) as usize] += f64::from(length);
        (ring.bin, ring.count) = (bin, ring.count + 1);
        bytes
    }

    fn leave(&mut self, ring: &mut Ring) {
        ring.count -= 1;
        if ring.count == 0 {
            self.free.push(ring.place);
        }
    }
}

/// Features of the spectrum of the rows of a part, each with the memory for its answers.
pub(super) fn spectrum(sweep: &Sweep, mut outs: Vec<(Feature, &mut [f64])>) -> Result<(), Error> {
    let (keys, times) = (sweep.rows.keys, sweep.rows.times);
    let width = sweep.window / BINS as i64;
    let hertz = 1e9 / width as f64;
    let mut spectra = Spectra::<f64>::new(BINS)?;
    let mut power = Vec::with_capacity(BINS / 2 + 1);
    let mut rings = Rings::default();
    let empty = Ring {
        place: NONE,
        count: 0,
        bin: 0,
    };
    let mut of_key = vec![empty; sweep.rows.n_keys];
    let start = sweep.part.start;
    let mut tail = sweep.origin_of(start);
    let first = tail;
    for now in first..sweep.part.end {
        while times[now].wrapping_sub(times[tail]) as u64 >= sweep.window as u64 {
            if keys[tail] != NONE {
                rings.leave(&mut of_key[keys[tail] as usize]);
            }
            tail += 1;
        }
        if keys[now] == NONE {
            if now >= start {
                for (_, out) in &mut outs {
                    out[now - start] = f64::NAN;
                }
            }
        } else {
            let ring = &mut of_key[keys[now] as usize];
            let bin = times[now].div_euclid(width);
            let bytes = rings.enter(ring, bin, sweep.rows.lengths[now]);
            if now >= start {
                spectra.look(&[bytes]);
                spectra.power(0, &mut power);
                let nats = spectra.entropies(1)[0];
                for (feature, out) in &mut outs {
                    out[now - start] = answer(*feature, bytes, &power, nats, hertz);
                }
            }
        }
        if now >= start && ((now + 1 - start).is_multiple_of(BLOCK) || now + 1 == sweep.part.end) {
            let rows = (now - start) % BLOCK + 1;
            sweep.monitor.tick((rows * outs.len()) as u64)?;
        }
    }
    Ok(())
}

fn answer(feature: Feature, bytes: &[f64; BINS], power: &[f64], nats: f64, hertz: f64) -> f64 {
    match feature {
        Feature::SpectralEntropy => spectral_entropy(nats, BINS, true),
        Feature::BandPower(band) => band_power(power, BINS, BANDS[band].0, BANDS[band].1),
        _ => {
            // One bin alone has every frequency alike, and none that dominates.
            if bytes.iter().filter(|&&b| b > 0.0).count() < 2 {
                return 0.0;
            }
            // Of frequencies alike but for the last digits, the slowest.
            let most = power.iter().fold(0.0, |most: f64, p| most.max(*p)) * (1.0 - 1e-9);
            let best = power.iter().position(|&p| p >= most && most > 0.0);
            best.unwrap_or(0) as f64 / BINS as f64 * hertz
        }
    }
}
