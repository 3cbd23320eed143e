"""Rolling statistics and features of windows as Polars expressions: ``pl.col("prb").lw``.

Importing this module registers the namespace ``lw`` on expressions and series, and changes nothing
else.

>>> import polars as pl
>>> import linewatch.polars
>>> prb = pl.DataFrame({"cell": ["a", "b"] * 3, "prb": [10.0, 70, 14, 74, 12, 72]})
>>> prb.select(pl.col("prb").lw.rolling_mean(2, groups="cell"))["prb"].to_list()
[None, None, 12.0, 72.0, 13.0, 73.0]
"""

from linewatch.interop.polars import Expressions, Statistics

__all__ = ["Expressions", "Statistics"]
