"""The traffic page."""
