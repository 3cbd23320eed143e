"""What ``linewatch flows`` prints, exports and draws."""

from linewatch.flow._command import REASONS


def describe(name, flows, lacks, notes, key):
    """What was read, what its layout lacks, what the reader says."""
    from linewatch._tables import counted
    from linewatch.flow._columns import MEANING

    n_bytes = int(flows["ibyt"].sum()) + (
        int(flows["obyt"].sum()) if "obyt" in flows.columns else 0
    )
    sources = counted(flows["sa"].n_unique(), "source")
    print(f"{name}: {counted(flows.height, 'flow')}, {counted(n_bytes, 'byte')}, {sources}")
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


def show(tables, hours, options):
    """The printed lists."""
    import polars as pl

    from linewatch._tables import counted

    sources, scores = tables["sources"], tables["source_windows"]
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
        both_ways = counted(sources.height - one_way, "source")
        print(
            f"\nunusual delivery ratios (bytes in / bytes out, {options.ratio_threshold:g} robust "
            f"deviations or more): {found.height:,} of {both_ways}; "
            f"{one_way:,} {'is' if one_way == 1 else 'are'} one-way"
        )
        columns = {"source": "", "bytes_in": ",", "bytes_out": ",", "delivery_ratio": ".4g"}
        _print_table(found, columns | {"ratio_zscore": ".1f"}, top)
    print("\nsegments (usage, frequency, connections)")
    from linewatch import flow

    found = flow.segment_table(tables["segments"])
    columns = {"ufm_level": "", "customers": ",", "usage_mean": ",.0f"}
    _print_table(found, columns | {"frequency_mean": ",.1f", "connections_mean": ",.1f"}, 4)
    found = scores.filter("is_anomaly")
    verb = "scores" if scores.height == 1 else "score"
    print(
        f"\nanomalies: {found.height:,} of {_stretches(scores.height)} of {options.window} {verb} "
        f"{options.threshold:g} or more (higher = more anomalous)"
    )
    why = pl.concat_str(
        [f"reason_{k + 1}" for k in range(REASONS)], separator="; ", ignore_nulls=True
    )
    columns = {"source": "", "time": "%Y-%m-%d %H:%M", "score": ".3f", "why": ""}
    _print_table(found.with_columns(why=why), columns, top)


def _stretches(count):
    return f"{count:,} stretch{'' if count == 1 else 'es'}"


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


def exports(flows, tables, options):
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


def draw(path, tables):
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
