"""The interfaces people have: pandas and Polars."""
