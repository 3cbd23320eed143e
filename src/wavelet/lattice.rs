//! The two filters of an orthogonal wavelet as a chain of rotations, for half the arithmetic.
//!
//! Both filters together turn pairs of samples by an angle, hold one of the two back by a step, turn
//! again, and so on: `taps / 2` rotations in all. P. P. Vaidyanathan and P.-Q. Hoang, Lattice
//! structures for optimal design and robust implementation of two-channel perfect-reconstruction QMF
//! banks, IEEE Transactions on Acoustics, Speech and Signal Processing 36 (1988), 81-94. A rotation
//! is written without its cosine, which one factor at the end makes up for.

/// `low = scale * a` and `high = +-scale * b`, where `(a, b)` begin as a newer and an older sample,
/// and each `k` makes `(a + k b, b - k a)` of them; before each but the first, `b` is that of the
/// pair before.
#[derive(Debug, Clone, PartialEq)]
pub struct Lattice {
    /// Tangents of the angles, the first to be used first.
    pub tangents: Vec<f64>,
    /// What both results are multiplied by.
    pub scale: f64,
}

/// How far the filters that a lattice stands for may be from those it was made of.
const NEAR: f64 = 1e-14;

impl Lattice {
    /// The lattice of two analysis filters; none if they are not orthogonal, or rounding would show.
    pub fn of(lo: &[f64], hi: &[f64]) -> Option<Self> {
        let pairs = lo.len() / 2;
        if pairs == 0 || lo.len() != 2 * pairs || hi.len() != lo.len() {
            return None;
        }
        let (mut low, mut high) = (lo.to_vec(), hi.to_vec());
        let mut tangents = vec![0.0; pairs];
        for tangent in tangents[1..].iter_mut().rev() {
            // The last rotation is the one that takes the oldest pair out of `low` and the newest
            // out of `high`; the larger numbers tell it best.
            let n = low.len();
            let dot = |a: &[f64], b: &[f64]| a[0] * b[0] + a[1] * b[1];
            let (newest, oldest) = (
                dot(&low[..2], &low[..2]),
                dot(&high[n - 2..], &high[n - 2..]),
            );
            *tangent = if newest > oldest {
                -dot(&high[..2], &low[..2]) / newest
            } else {
                dot(&low[n - 2..], &high[n - 2..]) / oldest
            };
            let (k, unit) = (*tangent, 1.0 / (1.0 + *tangent * *tangent));
            let both: Vec<_> = low.iter().zip(&high).collect();
            let next_low = both
                .iter()
                .map(|(l, h)| (*l - k * *h) * unit)
                .collect::<Vec<_>>();
            let next_high = both
                .iter()
                .map(|(l, h)| (k * *l + *h) * unit)
                .collect::<Vec<_>>();
            low = next_low[..n - 2].to_vec();
            high = next_high[2..].to_vec();
        }
        tangents[0] = low[1] / low[0];
        let lattice = Lattice {
            tangents,
            scale: low[0],
        };
        lattice.stands_for(lo, hi).then_some(lattice)
    }

    /// Whether the lattice has these filters, the second but for its sign.
    fn stands_for(&self, lo: &[f64], hi: &[f64]) -> bool {
        // A one among zeros shows the taps of the newer samples, or of the older ones.
        let (mut low, mut high) = (vec![0.0; lo.len()], vec![0.0; lo.len()]);
        for place in [0, 1] {
            let mut held = vec![0.0; self.tangents.len()];
            for i in (place..lo.len()).step_by(2) {
                let one = |k: usize| if i == k && k == place { 1.0 } else { 0.0 };
                let (mut a, mut b) = (one(0), one(1));
                for (s, k) in self.tangents.iter().enumerate() {
                    if s > 0 {
                        std::mem::swap(&mut b, &mut held[s]);
                    }
                    (a, b) = (a + k * b, b - k * a);
                }
                (low[i], high[i]) = (self.scale * a, self.scale * b);
            }
        }
        let dot: f64 = high.iter().zip(hi).map(|(a, b)| a * b).sum();
        let near = |a: &[f64], b: &[f64], sign: f64| {
            a.iter().zip(b).all(|(a, b)| (sign * a - b).abs() <= NEAR)
        };
        near(&low, lo, 1.0) && near(&high, hi, dot.signum())
    }
}

#[cfg(test)]
mod tests {
    use super::super::bank::{Bank, names};
    use super::*;

    #[test]
    fn short_orthogonal_filters_have_a_lattice() {
        for name in names() {
            let bank = Bank::named(&name).unwrap();
            let found = Lattice::of(&bank.dec_lo, &bank.dec_hi);
            if name.contains("bio") && name != "bior1.1" && name != "rbio1.1" {
                assert!(found.is_none(), "{name}");
            } else if bank.taps() <= 16 && !name.starts_with("coif") {
                assert!(found.is_some(), "{name}");
            }
        }
    }
}
