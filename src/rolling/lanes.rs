//! Eight blocks side by side.
