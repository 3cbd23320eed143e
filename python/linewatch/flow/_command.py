"""``linewatch flows``: who used how much, when, over what; segments; anomalies with reasons."""

import time as clock
import warnings
from importlib.util import find_spec
from pathlib import Path

REASONS = 3
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

    _results.check(options.out)
    key = privacy.Key.from_file(options.anonymize_key) if options.anonymize_key else None
    began = clock.perf_counter()
    flows, lacks, notes = read(options.paths, options.by, options.bad_rows)
    name = Path(options.paths[0]).name
    if len(options.paths) > 1:
        name += f" and {len(options.paths) - 1} more"
    if not flows.height:
        raise ValueError(f"{name}: no flows in it")
    if key is not None:
        flows = pseudonymized(flows, key)
    _describe(name, flows, lacks, notes, key)
    tables, extra = analysed(flows, options)
    _print(tables, extra, options)
    files = _exports(flows, tables, options) if options.exports else []
    if not options.no_picture:
        if find_spec("matplotlib") is None:
            print('\nno picture: matplotlib is missing (pip install "linewatch[plots]")')
        else:
            files.append(("flows.png", lambda path: _draw(path, tables)))
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
            "anomalies": int(tables["scores"]["is_anomaly"].sum()),
        },
        files=files,
    )
    print(f"\n{clock.perf_counter() - began:.1f} s; files written:")
    for path in written:
        print(f"  {path}")


def read(paths, by, bad_rows):
    """The flows, names of columns that their layout lacks, and what the reader has to say."""
    from linewatch import flow
    from linewatch.flow._columns import require

    paths = list(paths)
    has = flow.scan_nfdump(paths).columns
    require(has, list(dict.fromkeys([*NEEDED, by])), "results folder")
    wanted = [name for name in READ if name in has]
    if by not in wanted:
        wanted.append(by)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        flows = flow.read_nfdump(paths, columns=wanted, addresses="category", on_bad_row=bad_rows)
    lacks = [name for name in ("obyt", "opkt", "ismc", "flg", "td") if name not in has]
    return flows, lacks, [str(warning.message) for warning in caught]


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
    services = services_of(flows)
    protocols = flow.protocol_table(flows, [n for n in ("pr", "flg") if n in flows.columns])
    protocols = protocols.rename({"pr": "protocol", "flg": "flags"}, strict=False)
    tables = {
        "flows_by_minute": series,
        "sources": sources,
        "segments": segments.sort(["usage", by], descending=[True, False]),
        "scores": scores,
        "reasons": reasons,
        "services": services,
        "protocols": protocols,
    }
    return {name: _laid_out(name, table, by) for name, table in tables.items()}, hours


def services_of(flows):
    """Flows and bytes of each destination port, with its service and category."""
    import polars as pl

    from linewatch import flow

    found = flow.top_talkers(flows, flows.height, by=["dp", "pr"])
    found = found.rename({"dp": "port", "pr": "protocol"})
    place = found["port"], found["protocol"]
    service, category = flow.port_service(*place), flow.port_category(*place)
    return found.with_columns(service=pl.Series(service), category=pl.Series(category))


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


def _describe(name, flows, lacks, notes, key):
    from linewatch.flow._columns import MEANING

    n_bytes = int(flows["ibyt"].sum()) + (
        int(flows["obyt"].sum()) if "obyt" in flows.columns else 0
    )
    print(f"{name}: {flows.height:,} flows, {n_bytes:,} bytes, {flows['sa'].n_unique():,} sources")
    if flows["ts"].count():
        print(
            f"from {flows['ts'].min():%Y-%m-%d %H:%M:%S} to {flows['ts'].max():%Y-%m-%d %H:%M:%S}"
        )
    for note in notes:
        print(f"note: {note}")
    if "obyt" in lacks:
        print("note: the layout has no obyt (bytes out), so there is no delivery ratio")
    other = [f"{column} ({MEANING[column]})" for column in lacks if column != "obyt"]
    if other:
        print(f"note: the layout has no {', '.join(other)}")
    if key is not None:
        print("addresses are pseudonymised: the key links them back, so they stay personal data")


def _print(tables, hours, options):
    import polars as pl

    sources, scores = tables["sources"], tables["scores"]
    top = options.top
    zone = options.time_zone or "time of the file"
    print(f"\nbusiest hours ({zone})")
    columns = {"hour": "%Y-%m-%d %H:%M", "flows": ",", "total_bytes": ","}
    _print_table(hours.rename({"time": "hour"}), columns, top)
    print(f"\nsources by bytes, {sources.height:,} in all")
    columns = {"source": "", "flows": ",", "total_bytes": ",", "peak_time": "%Y-%m-%d %H:%M"}
    _print_table(sources, columns | {"peak_bytes": ","}, top)
    print("\ndestination ports by bytes")
    columns = {"port": "", "protocol": "", "service": "", "category": ""}
    columns = {k: v for k, v in columns.items() if tables["services"][k].count()}
    _print_table(tables["services"], columns | {"flows": ",", "total_bytes": ","}, top)
    if sources["is_unusual_ratio"].count():
        found = sources.filter("is_unusual_ratio")
        found = found.sort(pl.col("ratio_zscore").abs(), descending=True)
        one_way = int(sources["is_one_way"].sum())
        print(
            f"\nunusual delivery ratios (bytes in / bytes out, {options.ratio_threshold:g} robust "
            f"deviations or more): {found.height:,} of {sources.height - one_way:,} sources; "
            f"{one_way:,} are one-way"
        )
        columns = {"source": "", "bytes_in": ",", "bytes_out": ",", "delivery_ratio": ".4g"}
        _print_table(found, columns | {"ratio_zscore": ".1f"}, top)
    print("\nsegments (usage, frequency, connections)")
    from linewatch import flow

    found = flow.segment_table(tables["segments"])
    columns = {"ufm_level": "", "customers": ",", "usage_mean": ",.0f"}
    _print_table(found, columns | {"frequency_mean": ",.1f", "connections_mean": ",.1f"}, 4)
    found = scores.filter("is_anomaly")
    print(
        f"\nanomalies: {found.height:,} of {scores.height:,} stretches of {options.window} score "
        f"{options.threshold:g} or more (higher = more anomalous)"
    )
    why = pl.concat_str(
        [f"reason_{k + 1}" for k in range(REASONS)], separator="; ", ignore_nulls=True
    )
    columns = {"source": "", "time": "%Y-%m-%d %H:%M", "score": ".3f", "why": ""}
    _print_table(found.with_columns(why=why), columns, top)


def _print_table(table, columns, top):
    if not table.height:
        print("  none")
        return
    rows = [
        ["-" if row[name] is None else f"{row[name]:{form}}" for name, form in columns.items()]
        for row in table.head(top).iter_rows(named=True)
    ]
    names = [name.replace("_", " ") for name in columns]
    widths = [max(len(row[k]) for row in [names, *rows]) for k in range(len(names))]
    left = [form == "" and name != "port" for name, form in columns.items()]
    for row in [names, *rows]:
        fields = [
            field.ljust(width) if is_left else field.rjust(width)
            for field, width, is_left in zip(row, widths, left)
        ]
        print("  " + "  ".join(fields).rstrip())
    if table.height > top:
        print(f"  ... and {table.height - top:,} more (--top, or the table in the results)")


def _exports(flows, tables, options):
    """The CSV files of the original study, under its names."""
    import polars as pl

    from linewatch import flow

    by = options.by
    segments = tables["segments"]
    frames = {"new_sample": flows, "protoccol": flow.protocol_table(flows)}
    if "flg" in flows.columns:
        frames["prflg"] = flow.protocol_table(flows, ["pr", "flg"])
    frames["data"] = flow.usage_by_source(flows, by)
    if "ismc" in flows.columns:
        frames["dist2"] = flow.distribution_by_mac(flows, by)
        macs = flow.ufm_segments(flows, by, connections="mac")
        frames["mac_freq"] = _counts(macs, "connections")
    frames["usage_freq"] = _counts(segments, "usage")
    frames["frequency_freq"] = _counts(segments, "frequency")
    frames["segments"] = flow.segment_table(segments)

    def writer(frame):
        text = frame.with_columns(pl.selectors.categorical().cast(pl.String))
        return lambda path: text.write_csv(path)

    return [(f"{name}.csv", writer(frame)) for name, frame in frames.items()]


def _counts(segments, column):
    """How many customers have each value."""
    import polars as pl

    return segments.group_by(column).agg(customers=pl.len()).sort(column)


def _draw(path, tables):
    """Traffic, the busiest ports, the segments."""
    import polars as pl
    from matplotlib.figure import Figure

    from linewatch import flow

    figure = Figure(figsize=(12, 8), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[1, 1.3])
    series = tables["flows_by_minute"]
    flow.traffic_area(series, ax=figure.add_subplot(grid[0, :]))
    services = tables["services"].head(15)
    name = pl.format("{} {}", "port", "protocol")
    known = pl.col("service").is_not_null()
    name = pl.when(known).then(pl.format("{} ({})", "service", name)).otherwise(name)
    bars = flow.top_bars(
        services.with_columns(name=name), label="name", ax=figure.add_subplot(grid[1, 0])
    )
    bars.set_title("destination ports by bytes", loc="left", fontsize="medium")
    counts = flow.segment_table(tables["segments"], ["value_level", "ufm_level"])
    tree = flow.treemap(counts, ax=figure.add_subplot(grid[1, 1]))
    tree.set_title("customers by value level and segment", loc="left", fontsize="medium")
    figure.savefig(path, dpi=110)
