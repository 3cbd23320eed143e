"""Flows as a file of nfdump."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linewatch._typing import AnyFrame, PathLike


# The columns of nfdump 1.7.3 -o csv, and what stands in those that a table does not have.
_LAYOUT = {
    **dict.fromkeys(["ts", "te", "td", "sa", "da", "sp", "dp", "pr", "flg"]),
    **dict.fromkeys(["fwd", "stos", "ipkt", "ibyt", "opkt", "obyt", "in", "out"], "0"),
    **dict.fromkeys(["sas", "das", "smk", "dmk", "dtos", "dir"], "0"),
    **dict.fromkeys(["nh", "nhb"], "0.0.0.0"),
    **dict.fromkeys(["svln", "dvln"], "0"),
    **dict.fromkeys(["ismc", "odmc", "idmc", "osmc"], "00:00:00:00:00:00"),
    **{f"mpls{k}": "0-0-0" for k in range(1, 11)},
    **dict.fromkeys(["cl", "sl", "al"], "    0.000"),
    "ra": "0.0.0.0",
    "eng": "0/0",
    "exid": "0",
}


def write_nfdump(flows: AnyFrame, path: PathLike) -> None:
    """Write flows as ``nfdump -o csv`` up to 1.7.3 does: 48 columns, and a trailer of 3 lines.

    Parameters
    ----------
    flows : pandas, Polars or pyarrow frame
        With ``ts te td sa da sp dp pr flg``; zeros stand in columns that it does not have, and
        columns that nfdump does not know (labels) are left out.
    path : str or path
        A CSV file; gzip if it ends in ``.gz``.

    Notes
    -----
    Times are cut to the second, as nfdump does.

    Examples
    --------
    >>> import os, tempfile
    >>> from linewatch import flow
    >>> path = os.path.join(tempfile.mkdtemp(), "flows.csv")
    >>> flow.write_nfdump(flow.simulate(n_flows=100, anomalies=[], seed=1), path)
    >>> flow.read_nfdump(path).shape
    (100, 48)
    """
    import gzip

    import polars as pl

    from linewatch import _frames
    from linewatch._files import whole
    from linewatch.flow._columns import require

    frame = _frames.to_polars(_frames.eager(flows))
    require(frame.columns, [name for name, other in _LAYOUT.items() if other is None], "file")
    seconds = [pl.col(name).dt.strftime("%Y-%m-%d %H:%M:%S") for name in ("ts", "te")]
    received = pl.col("te").dt.strftime("%Y-%m-%d %H:%M:%S.000").alias("tr")
    fixed = [pl.lit(x).alias(name) for name, x in _LAYOUT.items() if name not in frame.columns]
    frame = frame.with_columns(*fixed, received).with_columns(*seconds)
    body = frame.select(*_LAYOUT, "tr").write_csv(float_precision=3)
    totals = [frame.height, *(int(frame[name].cast(pl.Int64).sum()) for name in ("ibyt", "ipkt"))]
    trailer = "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n{},{},{},0,0,0\n"
    data = (body + trailer.format(*totals)).encode()
    if str(path).endswith(".gz"):
        data = gzip.compress(data)
    with whole(path) as made:
        made.write_bytes(data)
