//! The features by name.

/// A feature of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Rows of the key in the window.
    PacketCount,
    /// Sum of their lengths.
    ByteCount,
    /// Time since the key's row before, whenever it was, in seconds.
    InterArrival,
    /// Mean of the times between the rows of the window, in seconds.
    InterArrivalMean,
    /// Their standard deviation (of the population), in seconds.
    InterArrivalStd,
    /// Mean of the lengths.
    LengthMean,
    /// Their standard deviation (of the population).
    LengthStd,
    /// The least length.
    LengthMin,
    /// The greatest length.
    LengthMax,
    /// Share of the rows whose TCP flags have these bits set, and those not set.
    FlagRatio(u32, u32),
    /// Distinct destinations.
    DestinationCount,
    /// Distinct destination ports.
    DestinationPortCount,
    /// Entropy of the destination ports, natural logarithm.
    DestinationPortEntropy,
    /// Entropy of the source ports, natural logarithm.
    SourcePortEntropy,
    /// Entropy of the spectrum of the bytes a bin, 1 for a flat one.
    SpectralEntropy,
    /// Power of that spectrum in the first, second or third of its [`BANDS`].
    BandPower(usize),
    /// Its strongest frequency, in hertz.
    DominantFrequency,
}

/// Bands of the spectrum, in cycles per bin: slow, middle and fast.
pub const BANDS: [(f64, f64); 3] = [(0.0, 0.125), (0.125, 0.25), (0.25, 0.5)];

impl Feature {
    /// Every feature with its name.
    pub const ALL: [(&'static str, Feature); 25] = [
        ("packet_count", Feature::PacketCount),
        ("byte_count", Feature::ByteCount),
        ("inter_arrival_s", Feature::InterArrival),
        ("inter_arrival_mean_s", Feature::InterArrivalMean),
        ("inter_arrival_std_s", Feature::InterArrivalStd),
        ("length_mean", Feature::LengthMean),
        ("length_std", Feature::LengthStd),
        ("length_min", Feature::LengthMin),
        ("length_max", Feature::LengthMax),
        ("syn_ratio", Feature::FlagRatio(0x002, 0)),
        ("syn_without_ack_ratio", Feature::FlagRatio(0x002, 0x010)),
        ("ack_ratio", Feature::FlagRatio(0x010, 0)),
        ("fin_ratio", Feature::FlagRatio(0x001, 0)),
        ("rst_ratio", Feature::FlagRatio(0x004, 0)),
        ("psh_ratio", Feature::FlagRatio(0x008, 0)),
        ("urg_ratio", Feature::FlagRatio(0x020, 0)),
        ("destination_count", Feature::DestinationCount),
        ("destination_port_count", Feature::DestinationPortCount),
        ("destination_port_entropy", Feature::DestinationPortEntropy),
        ("source_port_entropy", Feature::SourcePortEntropy),
        ("spectral_entropy", Feature::SpectralEntropy),
        ("band_power_low", Feature::BandPower(0)),
        ("band_power_mid", Feature::BandPower(1)),
        ("band_power_high", Feature::BandPower(2)),
        ("dominant_frequency_hz", Feature::DominantFrequency),
    ];

    /// The feature called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, feature)| *feature)
    }

    /// Whether it reads the lengths.
    pub(super) fn needs_length(self) -> bool {
        use Feature::*;
        matches!(
            self,
            ByteCount | LengthMean | LengthStd | LengthMin | LengthMax
        ) || self.is_spectral()
    }

    /// Whether it reads the flags.
    pub(super) fn needs_flags(self) -> bool {
        matches!(self, Feature::FlagRatio(..))
    }

    /// Whether it is read off the spectrum, which all of its kind share.
    pub(super) fn is_spectral(self) -> bool {
        use Feature::*;
        matches!(self, SpectralEntropy | BandPower(_) | DominantFrequency)
    }
}
