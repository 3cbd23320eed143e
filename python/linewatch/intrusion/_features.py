"""Columns made from the 41: encodings, telecom features, and what to look at before modelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw
import numpy as np

from linewatch._arguments import quoted
from linewatch._nsl_kdd import CATEGORICAL, CATEGORY_OF, FEATURES

if TYPE_CHECKING:
    from narwhals.typing import IntoDataFrame
    from numpy.typing import NDArray

    from linewatch._typing import Column, Float64, FrameT


PROTOCOL_CODES = {"tcp": 0, "udp": 1, "icmp": 2, "gtp": 3, "sip": 4, "diameter": 5}
OTHER_PROTOCOL = 6
SERVICE_CODES = {
    "http": 0, "smtp": 1, "ftp": 2, "ssh": 3, "amf": 10, "smf": 11, "upf": 12, "ausf": 13,
}  # fmt: skip
OTHER_SERVICE = 99
# A service of the core belongs to a function by its name or its protocol.
NETWORK_FUNCTIONS = ("amf", "smf", "upf", "ausf", "gtp", "sip", "diameter")
SIGNALING_PROTOCOLS = ("gtp", "sip", "diameter")
SIGNALING_SERVICES = ("amf", "smf", "ausf")


def encode(frame: FrameT) -> FrameT:
    """The three text columns as the numbers of the original notebook.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        With the columns ``protocol_type``, ``service`` and ``flag``.

    Returns
    -------
    DataFrame of the same kind
        ``protocol_type``: tcp 0, udp 1, icmp 2, gtp 3, sip 4, diameter 5, other 6. ``service``:
        http 0, smtp 1, ftp 2, ssh 3, amf 10, smf 11, upf 12, ausf 13, other 99. ``flag``: its place
        in the sorted list of those present.

    Raises
    ------
    ValueError
        If a column is missing.

    Notes
    -----
    These codes are kept to compare with: they put the services in an order they do not have, and
    66 of the 70 services of NSL-KDD become 99. :func:`train` treats categories as categories.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import intrusion
    >>> frame = pl.DataFrame({"protocol_type": ["tcp", "sctp"], "service": ["amf", "telnet"],
    ...                       "flag": ["SF", "REJ"]})
    >>> intrusion.encode(frame).rows()
    [(0, 10, 1), (6, 99, 0)]
    """
    table = _table(frame, CATEGORICAL)
    for name in CATEGORICAL:
        if missing := table[name].null_count():
            values = "missing value" if missing == 1 else "missing values"
            raise ValueError(f'column "{name}" has {missing} {values}; expected text')
    flags = sorted(set(table["flag"].to_list()))
    codes = {
        "protocol_type": (PROTOCOL_CODES, OTHER_PROTOCOL),
        "service": (SERVICE_CODES, OTHER_SERVICE),
        "flag": ({name: place for place, name in enumerate(flags)}, len(flags)),
    }
    columns = []
    for name, (known, other) in codes.items():
        values = [known.get(value, other) for value in table[name].to_list()]
        columns.append(_new(table, name, np.array(values, dtype=np.int64)))
    return table.with_columns(*columns).to_native()


def telecom_features(frame: FrameT) -> FrameT:
    """Burstiness, symmetry, traffic of each function of the core, and whether it is signalling.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        With ``protocol_type``, ``service``, ``duration`` (seconds), ``src_bytes``, ``dst_bytes``
        and ``srv_count``.

    Returns
    -------
    frame : DataFrame of the same kind, with columns added
        ``burstiness``: ``srv_count / (duration + 0.001)``, connections to the service in two
        seconds for each second this one lasted. ``symmetry_ratio``:
        ``src_bytes / (dst_bytes + 1)``. ``amf_traffic``, ``smf_traffic``, ``upf_traffic``,
        ``ausf_traffic``, ``gtp_traffic``, ``sip_traffic``, ``diameter_traffic``: ``src_bytes`` of
        a record of that function, else 0. ``is_signaling``: 1 for GTP control, SIP, Diameter,
        AMF, SMF and AUSF, else 0.
        A column that could only be constant is left out: see :func:`network_functions`.

    Raises
    ------
    ValueError
        If a column is missing.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> core = intrusion.simulate_core(200, seed=0)
    >>> intrusion.telecom_features(core).columns[-3:]
    ['sip_traffic', 'diameter_traffic', 'is_signaling']
    """
    needed = ("protocol_type", "service", "duration", "src_bytes", "dst_bytes", "srv_count")
    table = _table(frame, needed)
    number = {name: table[name].to_numpy().astype(np.float64) for name in needed[2:]}
    function = _functions(table)
    burstiness = number["srv_count"] / (number["duration"] + 0.001)
    symmetry = number["src_bytes"] / (number["dst_bytes"] + 1)
    columns = [_new(table, "burstiness", burstiness), _new(table, "symmetry_ratio", symmetry)]
    present = [name for name in NETWORK_FUNCTIONS if (function == name).any()]
    for name in present:
        traffic = np.where(function == name, number["src_bytes"], 0.0)
        columns.append(_new(table, f"{name}_traffic", traffic))
    if present:
        columns.append(_new(table, "is_signaling", _signaling(table).astype(np.int64)))
    return table.with_columns(*columns).to_native()


def network_functions(frame: IntoDataFrame) -> tuple[dict[str, int], str]:
    """How many records each function of the 5G core has, and a plain word if it has none.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        With ``protocol_type`` and ``service``.

    Returns
    -------
    counts : dict of str to int
        For AMF, SMF, UPF, AUSF, GTP, SIP and Diameter.
    note : str
        One sentence for a reader.

    Raises
    ------
    ValueError
        If a column is missing.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import intrusion
    >>> counts, note = intrusion.network_functions(
    ...     pl.DataFrame({"protocol_type": ["tcp", "udp"], "service": ["http", "domain_u"]}))
    >>> print(note)
    No record of AMF, SMF, UPF, AUSF, GTP, SIP or Diameter: features of the 5G core cannot be made.
    """
    function = _functions(_table(frame, ("protocol_type", "service")))
    counts = {name: int((function == name).sum()) for name in NETWORK_FUNCTIONS}
    absent = [_title(name) for name, count in counts.items() if not count]
    if len(absent) == len(counts):
        note = f"No record of {_listed(absent, 'or')}: features of the 5G core cannot be made."
    elif absent:
        note = f"No record of {_listed(absent, 'or')}: their features are left out."
    else:
        note = "Every function of the 5G core has records."
    return counts, note


def attack_category(label: Column) -> NDArray[np.str_]:
    """The class of each attack name: normal, dos, probe, r2l or u2r.

    Parameters
    ----------
    label : array-like of str, shape (n,)
        Names as in the files.

    Returns
    -------
    ndarray of str, shape (n,)

    Raises
    ------
    ValueError
        If a name is not one of NSL-KDD.

    Examples
    --------
    >>> from linewatch import intrusion
    >>> intrusion.attack_category(["normal", "neptune", "spy"]).tolist()
    ['normal', 'dos', 'r2l']
    """
    if isinstance(label, str):
        raise TypeError(f"label must be a column of names, got {label!r} (try [{label!r}])")
    label = list(label)
    for name in label:
        if name not in CATEGORY_OF:
            raise ValueError(f"label {name!r} is not a name of NSL-KDD")
    return np.array([CATEGORY_OF[name] for name in label], dtype="<U6")


def missing_counts(frame: IntoDataFrame) -> dict[str, int]:
    """Missing values of each column: null, and NaN among numbers.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)

    Returns
    -------
    dict of str to int, in the order of the columns

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import intrusion
    >>> intrusion.missing_counts(pl.DataFrame({"duration": [1.0, None], "flag": ["SF", "S0"]}))
    {'duration': 1, 'flag': 0}
    """
    table = nw.from_native(frame, eager_only=True)
    counts = {}
    for name in table.columns:
        column = table[name]
        missing = column.is_null().sum()
        if column.dtype.is_float() and table.implementation.name != "PANDAS":
            missing += column.is_nan().sum() or 0
        counts[name] = int(missing)
    return counts


def correlated_columns(frame: IntoDataFrame, threshold: float = 0.95) -> dict[str, str]:
    """Columns whose correlation with an earlier one is above a threshold, and that earlier one.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
        Columns that hold no numbers are passed over, constant ones have no correlation.
    threshold : float, default=0.95
        For the absolute Pearson correlation.

    Returns
    -------
    dict of str to str
        Column to leave out: the first earlier column that says the same.

    Raises
    ------
    ValueError
        If `threshold` is not from 0 to 1.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import intrusion
    >>> frame = pl.DataFrame({"bytes": [1, 2, 4], "kilobytes": [.001, .002, .004], "n": [3, 1, 3]})
    >>> intrusion.correlated_columns(frame)
    {'kilobytes': 'bytes'}
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be from 0 to 1, got {threshold}")
    names, correlation = correlations(frame)
    above = np.triu(np.abs(correlation) > threshold, 1)
    return {
        name: names[int(above[:, i].argmax())] for i, name in enumerate(names) if above[:, i].any()
    }


def drop_correlated(frame: FrameT, threshold: float = 0.95) -> FrameT:
    """The frame without the columns that :func:`correlated_columns` names.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)
    threshold : float, default=0.95

    Returns
    -------
    DataFrame of the same kind

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import intrusion
    >>> frame = pl.DataFrame({"bytes": [1, 2, 4], "kilobytes": [.001, .002, .004], "n": [3, 1, 3]})
    >>> intrusion.drop_correlated(frame).columns
    ['bytes', 'n']
    """
    table = nw.from_native(frame, eager_only=True)
    return table.drop(*correlated_columns(frame, threshold)).to_native()


def correlations(frame: IntoDataFrame) -> tuple[list[str], Float64]:
    """Pearson correlations of the columns that hold numbers; NaN for a constant column.

    Parameters
    ----------
    frame : DataFrame (pandas, Polars, pyarrow)

    Returns
    -------
    names : list of str
    correlation : ndarray, shape (n_columns, n_columns)

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import intrusion
    >>> names, r = intrusion.correlations(pl.DataFrame({"a": [1, 2, 3], "b": [3, 2, 1]}))
    >>> names, r.round(6).tolist()
    (['a', 'b'], [[1.0, -1.0], [-1.0, 1.0]])
    """
    table = nw.from_native(frame, eager_only=True)
    names = [name for name in table.columns if table[name].dtype.is_numeric()]
    if not names:
        return [], np.empty((0, 0))
    values = np.stack([table[name].to_numpy().astype(np.float64) for name in names])
    with np.errstate(invalid="ignore", divide="ignore"):
        return names, np.corrcoef(values).reshape(len(names), len(names))


def _table(frame, needed):
    """A narwhals frame that has the columns, or an error that names the first it lacks."""
    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise TypeError(
            f"expected a pandas, Polars or pyarrow frame with named columns, got "
            f"{type(frame).__name__}"
        ) from None
    for name in needed:
        if name not in table.columns:
            found = quoted(table.columns, most=6)
            raise ValueError(f'column "{name}" is missing; the frame has {found}')
    return table


def _new(table, name, values):
    return nw.new_series(name, values, backend=table.implementation)


def _functions(table):
    """The function of the core of each record, or an empty string."""
    service = np.array(table["service"].to_list(), dtype=str)
    protocol = np.array(table["protocol_type"].to_list(), dtype=str)
    out = np.where(np.isin(service, NETWORK_FUNCTIONS), service, "").astype("<U8")
    return np.where((out == "") & np.isin(protocol, SIGNALING_PROTOCOLS), protocol, out)


def _signaling(table):
    service = np.array(table["service"].to_list(), dtype=str)
    protocol = np.array(table["protocol_type"].to_list(), dtype=str)
    by_protocol = np.isin(protocol, SIGNALING_PROTOCOLS) & (service != "gtp_u")
    return by_protocol | np.isin(service, SIGNALING_SERVICES)


def _title(name):
    return name.capitalize() if name == "diameter" else name.upper()


def _listed(names, word):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


__all__ = [
    "FEATURES", "attack_category", "correlated_columns", "correlations", "drop_correlated",
    "encode", "missing_counts", "network_functions", "telecom_features",
]  # fmt: skip
