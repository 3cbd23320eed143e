"""What ``linewatch kpi`` does with dated rows beyond scoring: clean, classify, explain, rank."""

from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path

from linewatch import _results, _tables
from linewatch.kpi._around import BASELINED
from linewatch.kpi._impact import no_pairs, traffic
from linewatch.kpi._instants import own_zone, usual_step
from linewatch.kpi._sites import WORDS, NoColumn

PERSISTENT_HOURS, PERSISTENT_LEAST = 12, 6


def check(options):
    """Refuse options that cannot be, by their names, before anything is read."""
    from linewatch.kpi import _score

    if not options.threshold > 0:
        raise ValueError(f"--threshold must be above 0, got {options.threshold:g}")
    if not options.floor >= 0:
        raise ValueError(f"--floor must be at least 0, got {options.floor:g}")
    try:
        quiet = _score.span(options.refractory)
    except (ValueError, OverflowError):
        raise ValueError(
            f'--refractory must be a time such as "6h" or "30min", got {options.refractory!r}'
        ) from None
    if quiet < timedelta(0):
        raise ValueError(f"--refractory must not be negative, got {options.refractory!r}")
    if options.since:
        since(options.since)
    if options.time_zone is not None:
        try:
            _tables._check_zone(options.time_zone)
        except ValueError:
            raise ValueError(
                f"--time-zone {options.time_zone!r} is not known; write it as in Africa/Casablanca"
            ) from None


class Steps:
    """The steps of one run: what was asked for, and what was found so far."""

    def __init__(self, options, columns, say):
        self.options, self.columns, self.say = options, columns, say
        self.table = self.report = self.detected = None
        self.sites, self.start = None, since(options.since) if options.since else None
        self.time_zone = options.time_zone
        if options.sites:
            say(f"reading {options.sites}")
            self.sites, self.site_lines = read_sites(options.sites)

    def refuse(self):
        """Times of day without dates have no events: say so if something asked needs them."""
        for name in ("since", "sites"):
            if getattr(self.options, name):
                raise ValueError(f"--{name} needs dates; these times are times of day only")

    def clean(self, frame):
        """The clean rows in local time; prints what was done."""
        self.say("cleaning")
        self.table, self.report, lines = cleaned(frame, self.columns, self.options.time_zone)
        print(f"cleaned: {lines[0]}", *lines[1:], sep="\n")
        if self.time_zone is None:
            self.time_zone = own_zone(frame[self.columns.time])
            if self.time_zone is not None:
                print(f"times in {self.time_zone} (--time-zone for another)")
        if self.sites is not None:
            print(*self.site_lines, sep="\n")
            self._compare()
        if self.start is not None and self.table[self.columns.time].max() < self.start:
            last = self.table[self.columns.time].max()
            raise ValueError(
                f"--since {self.options.since}: the last row is of {last:%Y-%m-%d %H:%M}"
            )
        return self.table

    def _compare(self):
        if self.columns.cell is None:
            raise ValueError("--sites needs a column of cells; the file is one series")
        cells = set(self.table[self.columns.cell])
        both = len(cells & set(self.sites["cell_id"]))
        if not both:
            raise ValueError(
                f'no cell is in both files: "{self.table[self.columns.cell][0]}" there, '
                f'"{self.sites["cell_id"][0]}" in {Path(self.options.sites).name}'
            )
        if both < len(cells):
            lost = len(cells) - both
            print(f"  {lost:,} of {len(cells):,} cells {'has' if lost == 1 else 'have'} no place")

    def since(self, scored):
        """The rows to report."""
        if self.start is None or self.table is None:
            return scored
        return scored.filter(scored["time"] >= self.start)

    def investigate(self, cells, summary):
        """Tables of classified events and what belongs to them; prints them."""
        from linewatch._frames import eager, to_polars

        kinds = dict(cells.select("cell", "baseline_kind").iter_rows())
        tables, self.detected = investigate(
            self.table, self.columns, kinds, self.sites, self.options, self.say
        )
        for name in ("gaps", "repairs"):
            part = to_polars(eager(getattr(self.report, name)))
            tables[name] = part.select(list(_results.TABLES[name]))
        show(tables, self.options, self.sites is not None)
        summary["classified_events"] = tables["classified_events"].height
        summary["persistent_cells"] = tables["persistent"]["cell"].n_unique()
        summary["repairs"] = tables["repairs"].height
        self.tables = tables
        return tables

    def pictures(self, series):
        """Name and function of a path for each picture."""
        files = [("heatmap.png", lambda path: _draw_heatmap(path, series))]
        if self.sites is not None:
            files.append(("map.png", lambda path: _draw_map(path, self.tables)))
        return files

    def parameters(self):
        """What the manifest says of these steps."""
        if self.table is None:
            return {}
        from linewatch import kpi

        return {
            "rules": list(kpi.DEFAULT_RULES),
            "sites": Path(self.options.sites).name if self.options.sites else None,
            "since": self.options.since,
        }


def cleaned(frame, columns, time_zone):
    """The rows of a file cleaned, in local time, and what to say about it."""
    from linewatch import kpi

    kpis = [*columns.values, *columns.other_values]
    table, report = kpi.clean(
        frame, time=columns.time, cell=columns.cell, values=kpis, time_zone=time_zone,
        local=True, unreadable="missing",
    )  # fmt: skip
    return table, report, str(report).splitlines()


def read_sites(path):
    """A file of sites, cleaned, and what to say about it."""
    from linewatch import kpi

    table = _tables.read(path)
    try:
        sites, report = kpi.clean_sites(table)
    except NoColumn as error:
        names = " or ".join(f'"{name}"' for name in WORDS[error.what][:3])
        raise ValueError(
            f"--sites {Path(path).name}: no column for the {error.word}; name one of them {names}; "
            f"it has {error.has}"
        ) from None
    lines = str(report).splitlines()
    return sites, [f"sites: {Path(path).name}: {lines[0]}", *lines[1:]]


def since(text):
    """The time that ``--since`` says, local."""
    import polars as pl

    column = pl.Series("--since", [text])
    try:
        time = _tables.times(column)[0]
    except ValueError:
        time = None
    if not isinstance(time, datetime):
        raise ValueError(
            f'--since must be a time such as 2026-01-31 or "2026-01-31 14:00", got {text!r}'
        )
    if _tables.has_offset(column):
        raise ValueError(f"--since must be a local time, without an offset, got {text!r}")
    return time


def investigate(table, columns, kinds, sites, options, say):
    """Classified events of the scored KPIs, their impact and reasons, and the cells that stay bad.

    `table` is clean and local; `kinds` maps a cell to its kind of baseline. Returns tables for the
    results folder and the long frame of what was detected.
    """
    import polars as pl

    from linewatch import kpi
    from linewatch.kpi import _score

    say("classifying")
    settings = {
        "statistic": options.statistic,
        "floor": options.floor,
    }
    detected = _by_kind(
        kpi.detect, table, columns, columns.values, kinds,
        rules=_rules(options.threshold), merge_gap=_score.span(options.refractory) or None,
        direction="worse" if options.direction == "both" else "both", **settings,
    )  # fmt: skip
    found = kpi.classify_events(detected)
    if options.direction != "both":
        found = found.filter(pl.col("direction") == (1 if options.direction == "increase" else -1))
    start = since(options.since) if options.since else None
    if start is not None:
        found = found.filter(pl.col("end") >= start)
    say("explaining")
    around = _around(found, sites)
    rest = table.filter(pl.col(columns.cell).is_in(around)) if columns.cell else table
    others = columns.other_values if rest.height and found.height else []
    long = detected.select(BASELINED)
    if others:
        long = pl.concat([long, _by_kind(kpi.baseline, rest, columns, others, kinds, **settings)])
    measured, reasons, pairs, cells = _explained(long, found, sites)
    if options.direction == "increase":  # the greatest gain is the first
        measured = measured.sort("lost", "score", descending=[False, True], nulls_last=True)
        measured = measured.with_columns(
            rank=pl.when(pl.col("rank").is_not_null()).then(pl.int_range(1, pl.len() + 1))
        )
    bad = _persistent(detected)
    tables = {
        "classified_events": measured,
        "causes": reasons,
        "persistent": bad,
    }
    if sites is not None:
        tables |= {"neighbors": pairs, "sites": cells}
    return tables, detected


def _rules(threshold):
    from linewatch import kpi

    return {name: {"threshold": threshold} if name == "z" else {} for name in kpi.DEFAULT_RULES}


def _by_kind(function, table, columns, kpis, kinds, **options):
    """`function` of the cells of each kind of baseline, as one frame."""
    import polars as pl

    parts = []
    for kind in sorted(set(kinds.values())):
        rows = table
        if columns.cell:
            names = [name for name, its in kinds.items() if its == kind]
            rows = table.filter(pl.col(columns.cell).is_in(names))
        if rows.height:
            parts.append(
                function(
                    rows, time=columns.time, cell=columns.cell, kpis=kpis, method=kind, **options
                )
            )
    return pl.concat(parts)


def _around(found, sites):
    """The cells of events, of their sites, and those that face them."""
    import polars as pl

    from linewatch.kpi import _around
    from linewatch.kpi._facing import HALF_SECTOR_DEG

    cells = set(found["cell"])
    if sites is None or not cells:
        return list(cells)
    at = sites.filter(pl.col("cell_id").is_in(list(cells)))["site_id"].unique().to_list()
    near = _around.neighbors(sites, sorted(cells), HALF_SECTOR_DEG)["neighbor_id"]
    return list(cells | set(near) | set(sites.filter(pl.col("site_id").is_in(at))["cell_id"]))


def _explained(long, found, sites):
    """The tables of events with impact and scope, of reasons, neighbours and places."""
    import polars as pl

    from linewatch import kpi

    known = sites is not None and bool(set(found["cell"]) & set(sites["cell_id"]))
    places = sites if known else None
    why = kpi.causes(long, found, places)
    events = found.with_columns(number=pl.int_range(pl.len(), dtype=pl.Int64)).join(
        why.select("scope", "site_moved", "region_moved", number="event").unique("number"),
        on="number",
        how="left",
    )
    names = long["kpi"].unique(maintain_order=True).to_list()
    cost = ["rank", "traffic", "expected", "lost", "lost_share", "site_share", "taken_up"]
    cost += ["net_lost"]
    pairs = cells = None
    carried = traffic(names)
    if carried is not None:
        out = kpi.impact(long, found, places, kpi=carried)
        events = events.join(
            out.events.select(*cost, number="event"), on="number", how="left"
        ).sort("rank")
        pairs, cells = out.neighbors, out.cells
    else:
        missing = {"rank": pl.Int64, "traffic": pl.String}
        events = events.with_columns(
            pl.lit(None, dtype=missing.get(name, pl.Float64)).alias(name) for name in cost
        )
        # As in kpi.rank: what leaves a history without any variation comes last.
        measured = pl.when(pl.col("score").is_finite()).then("score")
        events = events.sort(measured, pl.col("excess").abs(), descending=True, nulls_last=True)
    key = found.select("cell", "kpi", "start", event=pl.int_range(pl.len(), dtype=pl.Int64))
    reasons = why.drop_nulls("rank").select(list(_results.TABLES["causes"]))
    side = pl.when(pl.col("direction") > 0).then(pl.lit("increase"))
    events = events.with_columns(direction=side.otherwise(pl.lit("decrease")))
    events = events.select(list(_results.TABLES["classified_events"]))
    if sites is None:
        return events, reasons, None, None
    if pairs is None:
        pairs, cells = no_pairs(), None
    pairs = pairs.join(key, on="event").select(list(_results.TABLES["neighbors"]))
    table = sites.with_columns(pl.col("azimuth", "max_distance_km").cast(pl.Float64))
    count = found.group_by(pl.col("cell").alias("cell_id")).agg(n_events=pl.len().cast(pl.Int64))
    table = table.join(count, on="cell_id", how="left").with_columns(
        pl.col("n_events").fill_null(0)
    )
    if cells is not None:
        lost = cells.filter("is_anomaly").select("lost", cell_id="cell")
        table = table.join(lost, on="cell_id", how="left")
    else:
        table = table.with_columns(lost=pl.lit(None, dtype=pl.Float64))
    table = table.sort("lost", "cell_id", descending=[True, False], nulls_last=True)
    return events, reasons, pairs, table.select(list(_results.TABLES["sites"]))


def _persistent(detected):
    """Cells with at least 6 anomalies in the last 12 rows, by the classes of the original."""
    import polars as pl

    from linewatch import kpi

    classified = kpi.classify(detected)
    step = usual_step(detected, "time", "cell") or timedelta(hours=1)
    hours = PERSISTENT_HOURS * step / timedelta(hours=1)
    bad = pl.col("class").is_in(["INCREASE", "DEGRADATION"])
    rows = kpi.persistent(classified, hours=hours, min_anomalies=PERSISTENT_LEAST)
    late = rows.filter(pl.col("time") >= detected["time"].max() - PERSISTENT_HOURS * step)
    return (
        late.group_by("cell", "kpi")
        .agg(
            n_rows=pl.len().cast(pl.Int64),
            n_increases=(pl.col("class") == "INCREASE").sum().cast(pl.Int64),
            n_degradations=(pl.col("class") == "DEGRADATION").sum().cast(pl.Int64),
            n=bad.sum(),
        )
        .filter(pl.col("n") >= PERSISTENT_LEAST)
        .sort("n", "cell", "kpi", descending=[True, False, False])
        .select(list(_results.TABLES["persistent"]))
    )


def show(tables, options, has_sites):
    """Print classified events with their cost and first reason, and the cells that stay bad."""
    import polars as pl

    events = tables["classified_events"]
    n = events.height
    print(f"\nclassified events (all rules, any KPI scored): {n:,}")
    if n:
        by_class = events.group_by("class").len().sort("len", "class", descending=[True, False])
        print("  " + ", ".join(f"{count:,} {name}" for name, count in by_class.iter_rows()))
        first = tables["causes"].filter(pl.col("rank") == 1)
        rows = events.head(options.top).join(
            first.select("cell", "kpi", "start", "cause_cell", "cause_kpi", "deviation"),
            on=["cell", "kpi", "start"],
            how="left",
            maintain_order="left",
        )
        _print_rows(rows, has_sites)
        if n > options.top:
            print(f"  ... and {n - options.top:,} more (--top, classified_events.parquet)")
    lost = events.filter(pl.col("lost") > 0)
    if lost.height:
        print(
            f"  in sum {_short(lost['lost'].sum())} of {events['traffic'].drop_nulls()[0]} lost in "
            f"{lost.height:,} event{'s' * (lost.height != 1)} (an hour of two events counts twice)"
        )
    bad = tables["persistent"]["cell"].unique(maintain_order=True).to_list()
    shown = ", ".join(name or "(one series)" for name in bad[: options.top])
    more = f" and {len(bad) - options.top:,} more" if len(bad) > options.top else ""
    print(
        f"  off their course in {PERSISTENT_LEAST} of the last {PERSISTENT_HOURS} rows: "
        f"{shown or 'no cell'}{more}"
    )


def _short(number):
    """Four digits, no exponent; - if it is missing."""
    if number is None:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _print_rows(rows, has_sites):
    names = ["cell", "kpi", "class", "start", "rows", "size", "lost"]
    names += ["taken up", "scope"] if has_sites else ["scope"]
    names += ["moved with it"]
    lines = [names]
    for row in rows.iter_rows(named=True):
        part = row["relative_size"]
        reason = "-"
        if row["cause_kpi"] is not None:
            where = "" if row["cause_cell"] == row["cell"] else f" of {row['cause_cell']}"
            reason = f"{row['cause_kpi']}{where} ({row['deviation']:+.1f})"
        lines.append(
            [
                row["cell"] or "(one series)",
                row["kpi"],
                row["class"],
                f"{row['start']:%Y-%m-%d %H:%M}",
                f"{row['n_rows']:,}",
                f"{100 * part:+.0f} %" if part is not None and isfinite(part) else "-",
                _short(row["lost"]),
                *([_short(row["taken_up"])] * has_sites),
                row["scope"] or "-",
                reason,
            ]
        )
    widths = [max(len(line[k]) for line in lines) for k in range(len(names))]
    right = {"rows", "size", "lost", "taken up"}
    print()
    for line in lines:
        fields = [
            field.rjust(width) if name in right else field.ljust(width)
            for field, width, name in zip(line, widths, names)
        ]
        print("  " + "  ".join(fields).rstrip())


def _draw_heatmap(path, series):
    """Cells by hours of the last two weeks of the first KPI."""
    figure = _heatmap(series)
    figure.savefig(path, dpi=110)


def _heatmap(series):
    """The figure; its title says how many cells have rows there, if not all do."""
    from matplotlib.figure import Figure

    from linewatch import plots

    last = series["time"].max()
    rows = series.filter(series["time"] > last - timedelta(days=14))
    shown, cells = rows["cell"].n_unique(), series["cell"].n_unique()
    n = min(shown, 40)
    figure = Figure(figsize=(11, min(0.22 * n + 1.4, 9)), layout="constrained")
    ax = plots.kpi_heatmap(rows, ax=figure.subplots())
    if shown < cells:
        has = "has" if shown == 1 else "have"
        note = f"{shown:,} of {cells:,} cells {has} rows in these last 14 days"
        ax.set_title(f"{ax.get_title(loc='left')}; {note}", loc="left", fontsize="medium")
    return figure


def _draw_map(path, tables):
    """Cells where they stand, colored by what they lost."""
    import polars as pl
    from matplotlib.figure import Figure

    from linewatch import plots

    sites = tables["sites"]
    lost = sites.filter(pl.col("lost") > 0)
    marked = sites.filter(pl.col("n_events") > 0)["cell_id"].to_list()
    traffic = tables["classified_events"]["traffic"].drop_nulls()
    label = f"{plots.unit_label(traffic[0])} lost" if len(traffic) else None
    figure = Figure(figsize=(8, 7), layout="constrained")
    values = dict(lost.select("cell_id", "lost").iter_rows())
    plots.kpi_map(sites, values, marked=marked, label=label, ax=figure.subplots())
    figure.savefig(path, dpi=110)
