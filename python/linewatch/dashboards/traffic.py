"""The traffic page: minutes, sources with what they sent where, services, segments of customers.

Each function takes results and gives a Plotly figure, rows of a table or tiles; all of them on a
folder that ``linewatch flows`` wrote:

>>> import contextlib, io, tempfile
>>> import linewatch as lw
>>> from linewatch.dashboards import traffic
>>> path = tempfile.mkdtemp() + "/flows"
>>> lw.flow.write_nfdump(lw.flow.simulate(500, "1h", n_customers=20, seed=1), path + ".csv")
>>> with contextlib.redirect_stdout(io.StringIO()):
...     code = lw.cli.main(["flows", path + ".csv", "--out", path, "--no-picture"])
>>> results = lw.dashboards.open_results(path)["flows"]
>>> source = traffic.first_choice(results)["source"]
>>> len(traffic.tiles(results)) > 0, len(traffic.source_rows(results).columns) > 0
(True, True)
>>> figures = [traffic.by_minute(results), traffic.top_sources(results), traffic.services(results)]
>>> figures += [traffic.segments(results), traffic.in_and_out(results, source)]
>>> figures += [traffic.destinations(results, source)]
>>> {type(figure).__name__ for figure in figures}
{'Figure'}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linewatch.dashboards import _theme
from linewatch.dashboards._blocks import Rows, Tile
from linewatch.dashboards._theme import number, safe

if TYPE_CHECKING:
    from collections.abc import Callable

    import plotly.graph_objects as go

    from linewatch._typing import Theme
    from linewatch.dashboards._source import Results


__all__ = [
    "by_minute",
    "destinations",
    "in_and_out",
    "segments",
    "services",
    "source_rows",
    "tiles",
    "top_sources",
]

LEVELS = ["No Value", "Low", "Medium", "High"]
SHOWN = 15


def tiles(results: Results) -> list[Tile]:
    """Bytes, sources, the busiest minute, what is unusual.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of Tile
    """
    import polars as pl

    made = []
    minutes = results.table("flows_by_minute")
    if minutes.height:
        total = int(minutes["total_bytes"].sum())
        made.append(Tile("bytes", _bytes(total), f"{number(int(minutes['flows'].sum()))} flows"))
        peak = minutes.sort("total_bytes", descending=True).row(0, named=True)
        made.append(Tile("busiest minute", f"{peak['time']:%H:%M}",
                         f"{peak['time']:%Y-%m-%d}, {_bytes(peak['total_bytes'])}"))  # fmt: skip
    sources = _sources(results)
    made.insert(1, Tile("sources", number(sources.height)))
    bad = sources.filter(pl.col("is_anomaly").fill_null(False))
    made.append(Tile("unusual sources", number(bad.height), "by what they did in a short time"))
    if "is_unusual_ratio" in sources.columns and sources["is_unusual_ratio"].count():
        made.append(Tile("unusual delivery ratios",
                         number(int(sources["is_unusual_ratio"].sum()))))  # fmt: skip
    return made


def source_rows(
    results: Results,
    *,
    source: str | None = None,
    hour: str | None = None,
    level: str | None = None,
    most: int = 200,
) -> Rows:
    """The sources: the unusual ones first, then by bytes.

    Parameters
    ----------
    results : Results
    source : str, optional
        Only this one.
    hour : str, optional
        Only what was sent in this hour, such as ``"2026-01-05 14:00"``, of the sources kept minute
        by minute.
    level : str, optional
        Only customers of this UFM level.
    most : int, default=200
        Rows listed.

    Returns
    -------
    Rows
        With ``{"source": ...}`` as the keys.
    """
    import polars as pl

    sources = _sources(results)
    if hour:
        sources = _in_hour(results, sources, hour)
    segments = results.table("segments").select("source", "ufm_level", "value_level")
    has_levels = segments.height > 0
    if has_levels:
        sources = sources.join(segments, on="source", how="left", maintain_order="left")
    if source:
        sources = sources.filter(pl.col("source") == source)
    if level and has_levels:
        sources = sources.filter(pl.col("ufm_level") == level)
    flagged = pl.col("is_anomaly").fill_null(False)
    score = pl.when(flagged).then("score").otherwise(None)
    sources = sources.sort(score, "total_bytes", descending=True, nulls_last=True)
    counted = "flows" if results.has("sources") else "packets"
    columns = ["source", "bytes", counted, "score", "unusual"]
    columns += ["segment", "value"] if has_levels else []
    rows = [
        [
            row["source"],
            _bytes(row["total_bytes"]),
            number(row["flows"]),
            number(row["score"], 3),
            "yes" if row["is_anomaly"] else "",
            *([row["ufm_level"] or "", row["value_level"] or ""] if has_levels else []),
        ]
        for row in sources.head(most).iter_rows(named=True)
    ]
    keys = sources.head(most).select("source").to_dicts()
    return Rows("Sources", columns, rows, keys, sources.height, frozenset({1, 2, 3}))


def source_names(results: Results) -> list[str]:
    """The sources, those with the most bytes first, for a filter."""
    return _sources(results).sort("total_bytes", descending=True)["source"].to_list()


def levels(results: Results) -> list[str]:
    """The UFM levels, for a filter."""
    return results.table("segments")["ufm_level"].drop_nulls().unique().sort().to_list()


def hours(results: Results) -> list[str]:
    """The hours with flows, for a filter."""
    hour = results.table("flows_by_minute")["time"].dt.truncate("1h").unique().sort()
    return hour.dt.strftime("%Y-%m-%d %H:%M").to_list()


def first_choice(results: Results) -> dict[str, str]:
    """The source to show first."""
    listed = source_rows(results, most=1)
    return listed.keys[0] if listed.keys else {"source": ""}


def by_minute(results: Results, *, theme: Theme = "light") -> go.Figure:
    """Bytes and durations of each minute.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go

    minutes = results.table("flows_by_minute").sort("time")
    title = "Bytes and durations by minute"
    if not minutes.height:
        return _theme.empty(theme, title, "the folder has no table of minutes")
    x = minutes["time"].to_list()
    made = _theme.figure(theme, title=title, x=f"time ({results.time_zone})", y="bytes")
    made.add_trace(go.Scatter(x=x, y=minutes["total_bytes"].to_list(), name="bytes",
                              fill="tozeroy", mode="lines",
                              line={"color": _theme.BLUE, "width": 1}))  # fmt: skip
    if minutes["total_td"].count():
        made.add_trace(go.Bar(x=x, y=minutes["total_td"].to_list(), yaxis="y2", opacity=0.6,
                              name="sum of durations (right axis)",
                              marker={"color": _theme.ORANGE}))  # fmt: skip
        made.update_layout(**_theme.right_axis("sum of durations (s)"))
    return made


def in_and_out(results: Results, source: str, *, theme: Theme = "light") -> go.Figure:
    """Bytes in and out of one source, minute by minute.

    Parameters
    ----------
    results : Results
    source : str
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    title = f"{source}: bytes in and out by minute"
    minutes = results.table("source_minutes").filter(pl.col("source") == source).sort("time")
    if not minutes.height:
        return _theme.empty(theme, title, "kept for the sources with the most bytes only")
    x = minutes["time"].to_list()
    made = _theme.figure(theme, title=title, x=f"time ({results.time_zone})", y="bytes in")
    made.add_trace(go.Scatter(x=x, y=minutes["bytes_in"].to_list(), name="in",
                              mode="lines+markers", marker={"size": 4},
                              line={"color": _theme.BLUE}))  # fmt: skip
    if minutes["bytes_out"].count():
        made.add_trace(go.Scatter(x=x, y=minutes["bytes_out"].to_list(),
                                  name="out (right axis)", mode="lines+markers", yaxis="y2",
                                  marker={"size": 4, "symbol": "diamond"},
                                  line={"color": _theme.RED, "dash": "dot"}))  # fmt: skip
        made.update_layout(**_theme.right_axis("bytes out"))
    made.update_yaxes(rangemode="tozero")
    return made


def destinations(results: Results, source: str, *, theme: Theme = "light") -> go.Figure:
    """Where one source sent the most, by destination and service.

    Parameters
    ----------
    results : Results
    source : str
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    title = f"{source}: where the bytes went"
    found = results.table("conversations").filter(pl.col("source") == source)
    if not found.height:
        return _theme.empty(theme, title, "kept for the sources with the most bytes only")
    found = found.sort("total_bytes", descending=True).head(SHOWN).reverse()
    names = [
        safe(f"{row['destination']} {row['port']}/{(row['protocol'] or '').lower()}"
             + (f" ({row['service']})" if row["service"] else ""))
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    made = _theme.figure(theme, title=title, x="bytes", height=120 + 22 * len(names))
    made.add_trace(go.Bar(x=found["total_bytes"].to_list(), y=names, orientation="h",
                          marker={"color": _theme.BLUE}, customdata=found["flows"].to_list(),
                          hovertemplate="%{y}<br>%{x:,} bytes, %{customdata:,} flows"
                          "<extra></extra>"))  # fmt: skip
    return made


def top_sources(results: Results, *, theme: Theme = "light") -> go.Figure:
    """The sources with the most bytes.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    top = _sources(results).sort("total_bytes", descending=True).head(SHOWN).reverse()
    made = _theme.figure(theme, title="Sources with the most bytes", x="bytes",
                         height=120 + 22 * top.height)  # fmt: skip
    bad = top.select(pl.col("is_anomaly").fill_null(False)).to_series().to_list()
    made.add_trace(go.Bar(x=top["total_bytes"].to_list(),
                          y=[safe(name) for name in top["source"].to_list()], orientation="h",
                          marker={"color": [_theme.RED if b else _theme.BLUE for b in bad]},
                          hovertemplate="%{y}: %{x:,} bytes<extra></extra>"))  # fmt: skip
    made.update_layout(title_text="Sources with the most bytes (another colour: unusual)")
    return made


def services(results: Results, *, theme: Theme = "light") -> go.Figure:
    """The share of each service in the bytes.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    title = "Services by bytes (IANA registry)"
    found = results.table("services")
    if not found.height:
        return _theme.empty(theme, title, "the folder has no table of services")
    port = pl.format("{}/{}", "port", pl.col("protocol").cast(pl.String).str.to_lowercase())
    found = found.with_columns(name=pl.coalesce("service", port))
    found = found.group_by("name").agg(pl.col("total_bytes").sum(), pl.col("flows").sum())
    found = found.sort("total_bytes", "name", descending=[True, False])
    total = found["total_bytes"].sum() or 1
    top = found.head(SHOWN).reverse()
    made = _theme.figure(theme, title=title, x="share of the bytes (%)",
                         height=120 + 22 * top.height)  # fmt: skip
    made.add_trace(go.Bar(x=(top["total_bytes"] / total * 100).round(3).to_list(),
                          y=[safe(name) for name in top["name"].to_list()], orientation="h",
                          marker={"color": _theme.GREEN}, customdata=top["flows"].to_list(),
                          hovertemplate="%{y}: %{x:.2f} %, %{customdata:,} flows"
                          "<extra></extra>"))  # fmt: skip
    return made


def segments(results: Results, *, theme: Theme = "light") -> go.Figure:
    """Customers by value level and UFM level, as a treemap.

    Parameters
    ----------
    results : Results
    theme : {"light", "dark"}

    Returns
    -------
    plotly.graph_objects.Figure
    """
    import plotly.graph_objects as go
    import polars as pl

    title = "Customers by value level and UFM level"
    found = results.table("segments")
    if not found.height:
        return _theme.empty(theme, title, "the folder has no table of segments")
    counts = found.group_by("value_level", "ufm_level").agg(
        n=pl.len(), usage=pl.col("usage").mean()
    )
    counts = counts.sort("value_level", "ufm_level")
    values = [level for level in LEVELS if level in counts["value_level"].to_list()]
    ids = [f"v:{level}" for level in values]
    labels = [safe(level) for level in values]
    parents, sizes = [""] * len(values), []
    for level in values:
        sizes.append(int(counts.filter(pl.col("value_level") == level)["n"].sum()))
    for row in counts.iter_rows(named=True):
        ids.append(f"{row['value_level']}/{row['ufm_level']}")
        labels.append(safe(row["ufm_level"]))
        parents.append(f"v:{row['value_level']}")
        sizes.append(row["n"])
    palette = dict(zip(LEVELS, (_theme.GREY, _theme.SKY, _theme.GREEN, _theme.ORANGE)))
    tints = [palette[level] for level in values]
    tints += [palette[row["value_level"]] for row in counts.iter_rows(named=True)]
    made = _theme.figure(theme, title=title, height=420)
    made.add_trace(go.Treemap(ids=ids, labels=labels, parents=parents, values=sizes,
                              branchvalues="total", marker={"colors": tints},
                              texttemplate="%{label}<br>%{value:,}",
                              hovertemplate="%{label}: %{value:,} customers"
                              "<extra></extra>"))  # fmt: skip
    return made


CHOSEN: tuple[tuple[str, Callable[..., go.Figure]], ...] = (
    ("in_and_out", lambda results, key, **how: in_and_out(results, key["source"], **how)),
    ("destinations", lambda results, key, **how: destinations(results, key["source"], **how)),
)
WHOLE = (
    ("by_minute", by_minute),
    ("top_sources", top_sources),
    ("services", services),
    ("segments", segments),
)


def _sources(results):
    """The sources of flows, or of packets under the same names."""
    import polars as pl

    if results.has("sources") or not results.has("packets_by_source"):
        return results.table("sources")
    packets = results.table("packets_by_source")
    return packets.rename({"n_packets": "flows", "n_bytes": "total_bytes"}).with_columns(
        pl.col("score").cast(pl.Float64)
    )


def _in_hour(results, sources, hour):
    """The sources with the flows and bytes of one hour instead of all."""
    import polars as pl

    minutes = results.table("source_minutes")
    text = pl.col("time").dt.truncate("1h").dt.strftime("%Y-%m-%d %H:%M")
    sums = minutes.filter(text == hour).group_by("source").agg(
        pl.col("flows").sum(), pl.col("total_bytes").sum()
    )  # fmt: skip
    return sums.join(
        sources.drop("flows", "total_bytes"), on="source", how="left", maintain_order="left"
    )


def _bytes(value):
    """1.2 MB."""
    if value is None:
        return "-"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.0f} PB"
