"""``linewatch flows``: who used how much, when, over what; segments; anomalies with reasons."""

import time as clock
import warnings
from importlib.util import find_spec
from pathlib import Path

REASONS = 3
# The dashboard drills down into this many sources, and shows this many destinations of each.
SOURCES_IN_DETAIL, DESTINATIONS_IN_DETAIL = 200, 20
# What the command reads, as far as the layout has it.
READ = ["ts", "te", "td", "sa", "da", "sp", "dp", "pr", "flg", "ipkt", "ibyt", "opkt", "obyt"]
READ += ["in", "out", "dir", "svln", "dvln", "ismc", "odmc", "idmc", "osmc"]
NEEDED = ["ts", "sa", "da", "dp", "pr", "ibyt"]
ADDRESSES, DEVICES = ("sa", "da"), ("ismc", "odmc", "idmc", "osmc")


def add_options(command):
    """The options of the command."""
    from linewatch.cli import _count

    command.add_argument("paths", metavar="FILE", nargs="+", help="CSV, .gz or .zst, or a pattern")
    command.add_argument(
        "--out", metavar="DIR", default="results", help="results folder, default ./results"
    )
    command.add_argument(
        "--by", metavar="COLUMN", default="sa", help="what makes a customer, default sa"
    )
    command.add_argument(
        "--connections",
        choices=["destination", "mac"],
        default="destination",
        help="what segments count as a connection, default destination (address, port, protocol)",
    )
    command.add_argument(
        "--window", metavar="TIME", default="10m", help="a source is looked at in, default 10m"
    )
    command.add_argument(
        "--threshold", type=float, default=0.7, help="an anomaly scores this or more, default 0.7"
    )
    command.add_argument(
        "--ratio-threshold",
        type=float,
        default=3.5,
        help="robust deviations from which a delivery ratio is unusual, default 3.5",
    )
    command.add_argument(
        "--time-zone", metavar="ZONE", help="hours of this zone; times of the file are then UTC"
    )
    command.add_argument(
        "--anonymize-key",
        metavar="FILE",
        help="pseudonymise addresses with the key in this file first (linewatch.privacy)",
    )
    command.add_argument(
        "--bad-rows",
        choices=["error", "skip"],
        default="error",
        help="whether a row with a fault is an error, default, or left out and counted",
    )
    command.add_argument(
        "--exports", action="store_true", help="write the CSV files of the original study as well"
    )
    command.add_argument(
        "--top", metavar="N", type=_count, default=10, help="rows of printed lists, default 10"
    )
    command.add_argument("--seed", type=int, default=0, help="of the forest, default 0")
    command.add_argument("--no-picture", action="store_true", help="write no PNG")


def run(options):
    """Read, analyse, print and write."""
    from linewatch import _results, privacy
    from linewatch.flow import _output

    check(options)
    key = privacy.Key.from_file(options.anonymize_key) if options.anonymize_key else None
    began = clock.perf_counter()
    flows, lacks, notes = read(options)
    name = Path(options.paths[0]).name
    if len(options.paths) > 1:
        name += f" and {len(options.paths) - 1} more"
    if not flows.height:
        raise ValueError(f"{name}: no flows in it")
    if key is not None:
        flows = pseudonymized(flows, key)
    _output.describe(name, flows, lacks, notes, key)
    tables, hours = analysed(flows, options)
    _output.show(tables, hours, options)
    files = _output.exports(flows, tables, options) if options.exports else []
    if not options.no_picture:
        if find_spec("matplotlib") is None:
            print('\nno picture: matplotlib is missing (pip install "linewatch[plots]")')
        else:
            files.append(("flows.png", lambda path: _output.draw(path, tables)))
    written = _results.write(
        options.out,
        kind="flows",
        tables=tables,
        parameters={
            "source": name,
            "by": options.by,
            "connections": options.connections,
            "window": options.window,
            "threshold": options.threshold,
            "ratio_threshold": options.ratio_threshold,
            "seed": options.seed,
            "pseudonymised": key is not None,
            "missing_columns": lacks,
        },
        units={"total_bytes": "byte", "bytes_in": "byte", "bytes_out": "byte", "total_td": "s"},
        time_zone=options.time_zone,
        summary={
            "flows": flows.height,
            "sources": tables["sources"].height,
            "unusual_ratios": int(tables["sources"]["is_unusual_ratio"].sum()),
            "anomalies": int(tables["source_windows"]["is_anomaly"].sum()),
        },
        files=files,
    )
    print(f"\n{clock.perf_counter() - began:.1f} s; files written:")
    for path in written:
        print(f"  {path}")


def check(options):
    """Refuse what cannot be done, by the name of its option, before the flows are read."""
    from linewatch import _results, _tables
    from linewatch.flow._anomalies import check_score
    from linewatch.flow._derive import check_threshold
    from linewatch.flow._peaks import length

    _results.check(options.out, "flows")
    try:
        length(options.window)
    except ValueError:
        raise ValueError(
            "--window must be a number with s, m, h or d, such as 30s, 10m or 1h, "
            f"got {options.window!r}"
        ) from None
    check_score("--threshold", options.threshold)
    check_threshold(options.ratio_threshold, "--ratio-threshold")
    if options.time_zone is not None:
        try:
            _tables._check_zone(options.time_zone)
        except ValueError as error:
            raise ValueError(f"--time-zone: {error}") from None


def read(options):
    """The flows, names of columns that their layout lacks, and what the reader has to say."""
    from linewatch import flow
    from linewatch.flow._columns import require

    paths, by = list(options.paths), options.by
    try:
        has = flow.scan_nfdump(paths).columns
        require(has, NEEDED, "results folder")
        require_for(f"--by {by}", has, by)
        if options.connections == "mac":
            require_for("--connections mac", has, "ismc")
        wanted = [name for name in READ if name in has]
        if by not in wanted:
            wanted.append(by)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            flows = flow.read_nfdump(
                paths, columns=wanted, addresses="category", on_bad_row=options.bad_rows
            )
    except ValueError as error:
        raise ValueError(_of_command(str(error))) from None
    lacks = [name for name in ("obyt", "opkt", "ismc", "flg", "td") if name not in has]
    return flows, lacks, [str(warning.message) for warning in caught]


def require_for(option, has, column):
    """A column that an option needs."""
    from linewatch.flow._columns import require

    try:
        require(has, [column], "")
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def _of_command(message):
    """What the reader says, with the ways out that the command has."""
    return message.replace('on_bad_row="skip"', "--bad-rows skip").replace(
        "; name the columns to read with columns=", "; give files of one layout at a time"
    )


def pseudonymized(flows, key):
    """Flows with pseudonyms of addresses and devices; no flow of the result shows a real one."""
    import polars as pl

    from linewatch import privacy

    pan = privacy.CryptoPan(key)
    made = {name: pan.pseudonymize(flows[name]) for name in ADDRESSES}
    for name in DEVICES:
        if name in flows.columns:
            texts = flows[name].cast(pl.String)
            pseudonyms = privacy.pseudonymize(texts, key, purpose="MAC of flows", digits=16)
            made[name] = pseudonyms.cast(pl.Categorical)
    return flows.with_columns(**made)


def analysed(flows, options):
    """The tables of the results folder, and what only the printed lists need."""
    import polars as pl

    from linewatch import flow

    by = options.by
    series = flow.by_time(flows, time_zone=options.time_zone)
    hours = flow.peaks(flows, "hour", time_zone=options.time_zone, top=options.top)
    usage = flow.usage_by_source(flows, by)
    has_ratio = "obyt" in flows.columns
    if has_ratio:
        unusual = flow.delivery_ratio(flows, by, threshold=options.ratio_threshold)
        kept = unusual.select(by, "ratio_zscore", "is_one_way", "is_unusual_ratio")
        usage = usage.join(kept, on=by, how="left", maintain_order="left")
    peak = flow.peaks(flows, by=by, time_zone=options.time_zone)
    peak = peak.select(by, peak_time="time", peak_bytes="total_bytes")
    scores = flow.anomalies(
        flows, options.window, by=by, threshold=options.threshold, top=REASONS, seed=options.seed
    )
    worst = scores.group_by(by).agg(
        worst_time=pl.col("time").sort_by("score").last(),
        score=pl.col("score").max(),
        is_anomaly=pl.col("is_anomaly").any(),
    )
    sources = usage.join(peak, on=by, how="left").join(worst, on=by, how="left")
    sources = sources.sort(["total_bytes", by], descending=[True, False])
    segments = flow.ufm_segments(flows, by, connections=options.connections)
    names = [f"reason_{k + 1}" for k in range(REASONS)]
    reasons = (
        scores.filter("is_anomaly")
        .unpivot([name for name in names if name in scores.columns], index=[by, "time"])
        .drop_nulls("value")
        .with_columns(rank=pl.col("variable").str.tail(1).cast(pl.Int64))
        .rename({"value": "reason"})
        .sort([by, "time", "rank"])
    )
    top = sources[by].head(SOURCES_IN_DETAIL).implode()

    def of_top(table):
        return table.filter(pl.col(by).is_in(top))

    services = services_of(flows)
    protocols = flow.protocol_table(flows, [n for n in ("pr", "flg") if n in flows.columns])
    protocols = protocols.rename({"pr": "protocol", "flg": "flags"}, strict=False)
    tables = {
        "flows_by_minute": series,
        "sources": sources,
        "segments": segments.sort(["usage", by], descending=[True, False]),
        "source_windows": scores,
        "source_minutes": of_top(flow.by_time(flows, by=by, time_zone=options.time_zone)),
        "conversations": of_top(conversations(flows, by)),
        **generic(scores, reasons, by),
        "services": services,
        "protocols": protocols,
    }
    return {name: _laid_out(name, table, by) for name, table in tables.items()}, hours


def conversations(flows, by):
    """What each source sent where: the largest destinations and services of each."""
    from linewatch import flow

    found = flow.top_talkers(flows, max(flows.height, 1), by=[by, "da", "dp", "pr"])
    found = found.group_by(by, maintain_order=True).head(DESTINATIONS_IN_DETAIL)
    return _named(found.rename({"da": "destination", "dp": "port", "pr": "protocol"}))


def generic(scores, reasons, by):
    """Stretches of sources as rows with a name, and the reasons of those that are anomalies."""
    import polars as pl

    name = pl.format("{} {}", by, pl.col("time").dt.strftime("%F %H:%M"))
    rows = scores.with_row_index("row").with_columns(
        name=name, label=pl.lit(None, pl.Boolean), row=pl.col("row").cast(pl.Int64)
    )
    place = rows.select(by, "time", "row")
    why = reasons.join(place, on=[by, "time"], how="left", maintain_order="left")
    return {"scores": rows, "score_reasons": why}


def services_of(flows):
    """Flows and bytes of each destination port, with its service and category."""
    from linewatch import flow

    found = flow.top_talkers(flows, max(flows.height, 1), by=["dp", "pr"])
    return _named(found.rename({"dp": "port", "pr": "protocol"}))


def _named(table):
    """With the service and the category of each port."""
    import polars as pl

    from linewatch import flow

    place = table["port"], table["protocol"]
    service, category = flow.port_service(*place), flow.port_category(*place)
    return table.with_columns(service=pl.Series(service), category=pl.Series(category))


def _laid_out(name, table, by):
    """A table with the columns that docs/results.md lists; null where the layout has none."""
    import polars as pl

    from linewatch._results import TABLES

    table = table.rename({by: "source"}, strict=False)
    dtypes = {"Int64": pl.Int64, "Float64": pl.Float64, "String": pl.String}
    dtypes |= {"Boolean": pl.Boolean}
    columns = []
    for column, (kind, _) in TABLES[name].items():
        if column not in table.columns:
            columns.append(pl.lit(None, dtypes[kind]).alias(column))
        elif kind in dtypes:
            columns.append(pl.col(column).cast(dtypes[kind]))
        else:
            columns.append(pl.col(column))
    return table.select(columns)
