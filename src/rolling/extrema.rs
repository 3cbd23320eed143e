//! Minimum, maximum and where they stand.
