//! First and last value of a window.
