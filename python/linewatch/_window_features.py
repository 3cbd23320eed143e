"""Windows of series and of groups, and the table of what they show.

`linewatch.wavelet` and `linewatch.spectral` give the functions; the numbers come from one kernel.
"""

import math
import numbers
from typing import NamedTuple

import numpy as np

from linewatch import _core, _edge
from linewatch._libraries import is_arrow, is_narwhals, narwhals_of, pandas, polars
from linewatch._wavelets import as_discrete, mode_name, nearest

# A series is halved so often at most.
MOST_LEVELS = 64
NAMES = [
    "band_energy",
    "relative_band_energy",
    "wavelet_entropy",
    "wavelet_tsallis_entropy",
    "wavelet_log_energy",
    "spectral_entropy",
    "band_power",
    "dominant_frequency",
    "permutation_entropy",
    "teager_energy",
]
TWELVE = ("band_energy", "relative_band_energy", "wavelet_entropy", "spectral_entropy")
_OF_BANDS = NAMES[:5]


class Plan(NamedTuple):
    """What to compute of each window: the arguments of the kernel and the names of its columns."""

    wavelet: object
    level: int
    mode: str
    features: list
    columns: list
    scales: list

    def rows(self, x, starts, lengths, adapt=False, n_jobs=None, progress=None):
        """Features of the windows ``x[start:start + length]``, an array of windows by columns."""
        from linewatch._progress import bar

        with bar(progress, len(starts)) as callback:
            out = _core.window_features(
                np.ascontiguousarray(x),
                np.ascontiguousarray(starts, np.int64),
                np.ascontiguousarray(lengths, np.int64),
                self.wavelet._bank,
                self.features,
                mode=self.mode,
                level=self.level,
                adapt=adapt,
                n_jobs=n_jobs,
                progress=callback,
            )
        for place, scale in self.scales:
            out[:, place] *= scale
        return out


def plan(
    features,
    wavelet="db4",
    level=4,
    mode="symmetric",
    *,
    q=2.0,
    bands=None,
    sampling_rate=1.0,
    order=3,
    delay=1,
    normalize=True,
):
    """The plan of features by name."""
    wavelet, mode = as_discrete(wavelet), mode_name(mode)
    level = whole(level, "level", 0, MOST_LEVELS)
    rate = real(sampling_rate, "sampling_rate")
    if isinstance(features, str):
        features = [features]
    given, columns, scales = [], [], []
    for name in features:
        if name not in NAMES:
            known = ", ".join(NAMES)
            raise ValueError(f"unknown feature {name!r}{nearest(name, NAMES)} (features: {known})")
        if name in ("band_energy", "relative_band_energy"):
            given.append((name,))
            labels = [f"a{level}", *(f"d{j}" for j in range(level, 0, -1))]
            columns += [f"{name}_{label}_{mode}" for label in labels]
        elif name == "wavelet_tsallis_entropy":
            if not isinstance(q, numbers.Real) or not 0 < q < math.inf or q == 1:
                raise ValueError(f"q must be a number above 0 other than 1, got {q!r}")
            given.append((name, float(q)))
            columns.append(f"{name}_{mode}")
        elif name in _OF_BANDS:
            given.append((name,))
            columns.append(f"{name}_{mode}")
        elif name == "band_power":
            for low, high in _edges(bands, rate):
                given.append((name, low / rate, high / rate))
                columns.append(f"{name}_{low:g}_{high:g}")
        elif name == "spectral_entropy":
            given.append((name, bool(normalize)))
            columns.append(name)
        elif name == "permutation_entropy":
            order, delay = whole(order, "order", 2), whole(delay, "delay", 1)
            given.append((name, order, delay, bool(normalize)))
            columns.append(name)
        else:
            given.append((name,))
            if name == "dominant_frequency":
                scales.append((len(columns), rate))
            columns.append(name)
    if not given:
        raise ValueError("features must name at least one feature, got none")
    return Plan(wavelet, level, mode, given, columns, scales)


def _edges(bands, rate):
    """Pairs of frequencies."""
    if bands is None:
        bands = [(0.0, rate / 8), (rate / 8, rate / 4), (rate / 4, rate / 2)]
    try:
        bands = [(float(low), float(high)) for low, high in bands]
    except (TypeError, ValueError):
        text = "bands must be pairs of frequencies, as in [(0, 0.1), (0.1, 0.5)]"
        raise ValueError(f"{text}, got {bands!r}") from None
    for low, high in bands:
        if not 0 <= low < high:
            raise ValueError(f"a band must go from low to high, got ({low:g}, {high:g})")
        if low > rate / 2:
            raise ValueError(
                f"the band ({low:g}, {high:g}) lies above {rate / 2:g} hertz, the highest "
                f"frequency that sampling_rate={rate:g} can show"
            )
    if not bands:
        raise ValueError("bands must hold at least one pair of frequencies, got none")
    return bands


def whole(value, name, least, most=None):
    """A whole number of at least `least`, and at most `most`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
    return int(value)


def real(value, name):
    """A number above 0."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0, got {value}")
    return float(value)


# Windows that are rows -------------------------------------------------------------------------


def of_rows(x, plan, *, n_jobs=None, scalar=False):
    """Features of each row of `x`, or of a single window.

    The answer is an array of rows by columns, for `scalar` of rows; of a frame a table with its
    index; of one window a row, or a number.
    """
    held = _edge.series(x)
    values = held.values
    one = values.ndim == 1
    values = np.ascontiguousarray(values.reshape(1, -1) if one else values)
    count, length = values.shape
    if length == 0:
        raise ValueError("x must have at least 1 value in a window, got 0")
    starts = np.arange(count, dtype=np.int64) * length
    lengths = np.full(count, length, np.int64)
    out = plan.rows(values.ravel(), starts, lengths, n_jobs=n_jobs)
    if one:
        return float(out[0, 0]) if scalar else out[0]
    if scalar:
        return held.wrap(out[:, 0], name=plan.columns[0])
    if isinstance(held.like, np.ndarray | list | tuple):
        return out
    return table(held.like, dict(zip(plan.columns, out.T)), index=True)


# Windows of series -----------------------------------------------------------------------------


def of_series(x, plan, window, hop, *, n_jobs=None, progress=None):
    """Features of windows along each series; the answer stands at the last row of each window."""
    held = _edge.series(x)
    values = held.values
    n = len(values)
    window = whole(window, "window", 1)
    hop = window if hop is None else whole(hop, "hop", 1, 2**62)
    if window > n:
        raise ValueError(f"window must be at most the {n} values of x, got {window}")
    columns = [values] if values.ndim == 1 else list(values.T)
    per = (n - window) // hop + 1
    starts = np.arange(per, dtype=np.int64) * hop
    starts = np.concatenate([starts + k * n for k in range(len(columns))] or [starts[:0]])
    flat = np.concatenate(columns) if len(columns) != 1 else columns[0]
    out = plan.rows(
        flat, starts, np.full(len(starts), window, np.int64), n_jobs=n_jobs, progress=progress
    )
    out = out.reshape(len(columns), per, len(plan.columns))
    arrays = {}
    for j, name in enumerate(plan.columns):
        arrays[name] = out[0, :, j] if values.ndim == 1 else out[:, :, j].T
    return held.wrap_many(arrays, slice(window - 1, None, hop))


# Windows of groups -----------------------------------------------------------------------------


def of_groups(x, plan, groups, window, hop, *, n_jobs=None, progress=None):
    """Features of each group, or of windows along each group."""
    held = _edge.series(x)
    values = held.values
    if values.ndim != 1:
        raise ValueError(f"x must have 1 dimension with groups, got {values.ndim}")
    order, starts, lengths = _runs(groups, len(values))
    firsts = starts
    if order is not None:
        values = values[order]
        # Groups come in the order in which they appear, whatever their codes.
        appearance = np.argsort(order[starts])
        starts, lengths = starts[appearance], lengths[appearance]
        firsts = order[starts]
    columns = {}
    if window is None:
        if hop is not None:
            raise ValueError("hop needs window: without it a group is one window")
        columns = keys(groups, firsts)
        columns["count"] = lengths
    else:
        window = whole(window, "window", 1)
        hop = window if hop is None else whole(hop, "hop", 1, 2**62)
        per = np.maximum((lengths - window) // hop + 1, 0)
        group = np.repeat(np.arange(len(starts)), per)
        inside = np.arange(per.sum()) - np.repeat(np.cumsum(per) - per, per)
        starts = starts[group] + inside * hop
        lengths = np.full(len(starts), window, np.int64)
        columns = keys(groups, firsts[group])
        last = starts + window - 1
        columns["row"] = last if order is None else order[last]
    out = plan.rows(values, starts, lengths, adapt=window is None, n_jobs=n_jobs, progress=progress)
    columns |= dict(zip(plan.columns, out.T))
    return table(held.like, columns)


def _runs(groups, n):
    """An order that brings groups together (None if they are), and where each starts and how long
    it is; rows without a key are left out."""
    if isinstance(groups, np.ndarray) and groups.dtype == np.int64 and groups.shape == (n,):
        # Whole numbers that ascend are codes already, found without a look for the least.
        runs = _core.group_runs(np.require(groups, requirements="CA"))
        if runs is not None:
            return None, *runs
    codes = np.ascontiguousarray(_edge.codes(groups, n))
    runs = _core.group_runs(codes)
    if runs is not None:
        return None, *runs
    # Narrow keys are sorted by counting.
    is_narrow = codes.min() >= 0 and codes.max() < 1 << 16
    order = np.argsort(codes.astype(np.uint16) if is_narrow else codes, kind="stable")
    codes = codes[order]
    missing = int(np.searchsorted(codes, 0))
    return order[missing:], *_core.group_runs(codes[missing:])


def keys(groups, rows):
    """The keys at `rows`, a column for each part, by name."""
    if is_narwhals(groups):
        groups = groups.to_native()
    pd, pl = pandas(), polars()
    if pd is not None and isinstance(groups, pd.DataFrame):
        return {str(name): groups[name].take(rows) for name in groups.columns}
    if pl is not None and isinstance(groups, pl.DataFrame):
        return {column.name: column.gather(rows) for column in groups.get_columns()}
    first = groups[0] if isinstance(groups, list | tuple) and len(groups) else ""
    if hasattr(first, "__len__") and not isinstance(first, str | bytes | tuple):
        parts = [keys(part, rows) for part in groups]
        seen = {}
        for name, column in ((name, column) for part in parts for name, column in part.items()):
            seen[name if name not in seen else f"{name}_{len(seen)}"] = column
        return seen
    name = getattr(groups, "name", None) or "group"
    if pl is not None and isinstance(groups, pl.Series):
        return {name: groups.gather(rows)}
    if pd is not None and isinstance(groups, pd.Series | pd.Index):
        return {str(name): groups.take(rows)}
    if is_arrow(groups):
        import polars as pl

        return keys(pl.Series("group", groups), rows)
    array = np.asarray(groups)
    if array.ndim == 2:
        return {f"group_{k}": array[rows, k] for k in range(array.shape[1])}
    return {"group": array[rows]}


def table(like, columns, index=False):
    """Columns as a table of the caller's kind, a dict for arrays and lists."""
    if is_narwhals(like):
        return narwhals_of(like).from_native(table(like.to_native(), columns, index))
    pd, pl = pandas(), polars()
    if pd is not None and isinstance(like, pd.Series | pd.DataFrame | pd.Index):
        plain = {name: _values(column) for name, column in columns.items()}
        return pd.DataFrame(plain, index=like.index if index else None)
    if pl is not None and isinstance(like, pl.Series | pl.DataFrame):
        return pl.DataFrame([pl.Series(_lent(c)).alias(name) for name, c in columns.items()])
    if is_arrow(like):
        import polars as pl

        frame = pl.DataFrame([pl.Series(_lent(c)).alias(name) for name, c in columns.items()])
        is_pyarrow = type(like).__module__.partition(".")[0] == "pyarrow"
        return frame.to_arrow() if is_pyarrow else frame
    return {name: _values(column, True) for name, column in columns.items()}


def _values(column, plain=False):
    """A column without its index; as an array if `plain`."""
    if pandas() is not None and isinstance(column, pandas().Series):
        return column.to_numpy() if plain else column.array
    if polars() is not None and isinstance(column, polars().Series):
        return column.to_numpy()
    return np.asarray(column) if plain else column


def _lent(column):
    """A column for Polars, NaN as null."""
    column = _values(column) if not hasattr(column, "to_arrow") else column
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return _core.ArrowArray(np.ascontiguousarray(column))
    return column
