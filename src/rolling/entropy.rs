//! Shannon entropy of the values in a window.
