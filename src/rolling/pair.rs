//! Statistics of two series.
