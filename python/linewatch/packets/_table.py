"""A caller's packet table as Polars series, and the way back to the caller's kind."""

import numpy as np

from linewatch import _core, _edge
from linewatch._libraries import is_arrow, is_narwhals, narwhals_of, pandas, polars, refuse_lazy

_COLUMNS = (
    "time",
    "length",
    "tcp_flags",
    "destination_address",
    "destination_port",
    "source_port",
)


class Table:
    """The columns of a table by name; `wrap` makes answers of them."""

    def __init__(self, table, columns=None):
        refuse_lazy(table, "table")
        self.like = table
        self.native = table.to_native() if is_narwhals(table) else table
        pd, pl = pandas(), polars()
        if pd is not None and isinstance(self.native, pd.DataFrame):
            self.kind = "pandas"
            self.names = [str(name) for name in self.native.columns]
        elif isinstance(self.native, dict):
            self.kind = "dict"
            self.names = list(self.native)
        elif pl is not None and isinstance(self.native, pl.DataFrame):
            self.kind = "polars"
            self.names = self.native.columns
        elif is_arrow(self.native):
            import polars as pl

            is_pyarrow = type(self.native).__module__.partition(".")[0] == "pyarrow"
            self.kind = "pyarrow" if is_pyarrow else "arrow"
            self.native = pl.DataFrame(self.native)
            self.names = self.native.columns
        else:
            raise TypeError(
                f"table is of type {type(table).__name__}; expected a DataFrame, an Arrow table or "
                "a dict of columns"
            )
        self.columns = dict(columns or {})
        for name in self.columns:
            if name not in _COLUMNS:
                raise ValueError(f"columns names {name!r}; known are {', '.join(_COLUMNS)}")

    def _column(self, name):
        name = self.columns.get(name, name)
        if name not in self.names:
            raise ValueError(
                f'column "{name}" is missing; the table has {_listed(self.names)} '
                "(say which features= you need, or name it with columns=)"
            )
        if self.kind == "pandas":
            return self.native.iloc[:, self.names.index(name)]
        return self.native[name]

    def times(self, name):
        column = self._column(name)
        title = f'column "{self.columns.get(name, name)}"'
        pl = polars()
        if pl is not None and isinstance(column, pl.Series) and column.dtype == pl.Datetime("ns"):
            return _core.arrow_times(column, title)[0]  # looked at where it lies
        return _edge.times(column, len(column), title)[0]

    def series(self, name):
        import polars as pl

        column = self._column(name)
        if isinstance(column, pl.Series):
            return _whole(column, name)
        if self.kind == "pandas":
            plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"
            column = (
                column.to_numpy() if plain else column.astype(object).where(column.notna(), None)
            )
        if isinstance(column, np.ndarray) and column.dtype.kind in "iufSU":
            values = column.astype(str) if column.dtype.kind == "S" else column
            return _whole(pl.Series(name, values), name)
        return _whole(pl.Series(name, list(column), strict=False), name)

    def key(self, key):
        import polars as pl

        if isinstance(key, str):
            series = self.series(key)
            kinds = (pl.String, pl.Binary, pl.Categorical, pl.Enum)
            if series.dtype.is_integer() or isinstance(series.dtype, kinds):
                return series.alias("key")
            parts = series
        elif isinstance(key, list | tuple) and key:
            parts = [self.series(name) for name in key]
        else:
            raise TypeError(f"key must be the name of a column or a list of names, got {key!r}")
        codes = pl.Series("key", _edge.codes(parts, len(self._first()), "key"))
        return codes.set(codes < 0, None) if (codes < 0).any() else codes

    def _first(self):
        return self._column(self.names[0]) if self.names else []

    def refuse_text(self, series):
        """Columns of numbers that hold something else."""
        if not series.dtype.is_integer():
            title = self.columns.get(series.name, series.name)
            raise TypeError(f'column "{title}" has dtype {series.dtype}; expected whole numbers')

    def wrap(self, answers):
        """Named arrays as a table of the caller's kind."""
        if self.kind == "dict":
            return answers
        if self.kind == "pandas":
            out = pandas().DataFrame(answers, index=self.native.index, copy=False)
        else:
            out = _core.ArrowTable(list(answers.items()))
            if self.kind == "polars":
                out = polars().DataFrame(out)
            elif self.kind == "pyarrow":
                import pyarrow

                out = pyarrow.table(out)
        if self.native is not self.like and is_narwhals(self.like):
            return narwhals_of(self.like).from_native(out)
        return out


def _whole(series, name):
    """Floats that stand for whole numbers with gaps, as pandas makes them, as whole numbers."""
    import polars as pl

    if series.dtype == pl.Null:
        return series.cast(pl.Int64)
    if not series.dtype.is_float():
        return series
    series = series.fill_nan(None)
    if (series % 1 != 0).any():
        row = (series % 1 != 0).arg_true()[0]
        raise ValueError(
            f'column "{name}" must hold whole numbers, got {series[int(row)]} in row {row}'
        )
    return series.cast(pl.Int64)


def _listed(names):
    text = ", ".join(f'"{name}"' for name in names[:12])
    return text + (", ..." if len(names) > 12 else "") if names else "no columns"
