"""The command line: ``linewatch demo``, ``linewatch kpi PATH``, ``linewatch packets CAPTURE``.

A command prints what it found, writes one results folder whole or not at all, and ends with
the files it wrote. What a user can mend goes to stderr as one line, with exit code 2.
"""

from __future__ import annotations

import argparse
import sys
import time as clock
import warnings
from datetime import timedelta
from importlib.util import find_spec
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import linewatch
from linewatch._tables import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


WORST_CELLS_DRAWN = 4

EXAMPLES = {
    "kpi": [
        "linewatch kpi kpis.csv",
        "linewatch kpi kpis.parquet --sites sites.csv --all --out results/week",
        "linewatch kpi kpis.csv --time ts --cell cell_name --value traffic_gb --threshold 5",
    ],
    "demo": ["linewatch demo", "linewatch demo --sites 20 --seed 1 --theme dark --out big"],
    "generate": [
        "linewatch generate --users 100000 --days 30 --seed 7 --out data",
        "linewatch generate --scenarios sim_box,wangiri --format csv --out fraud",
    ],
    "flows": [
        "linewatch flows flows.csv.gz",
        "linewatch flows 'nfdump/2026-01-*.csv' --time-zone Asia/Kolkata --out results/january",
    ],
    "packets": [
        "linewatch packets capture.pcap",
        "tcpdump -i eth0 -c 100000 -w - | linewatch packets - --window 10s",
    ],
    "score": [
        "linewatch score --model forest.lw --input cells.csv",
        "linewatch score --model forest.lw --input cells.log --follow --state cells.state",
    ],
    "report": [
        "linewatch report results",
        "linewatch report results --out week.html --theme dark --rows 50",
    ],
    "dashboard": [
        "linewatch dashboard results",
        "linewatch dashboard results --port 0 --no-browser",
    ],
}


class Parser(argparse.ArgumentParser):
    """Says an error in one line, like everything else here."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"linewatch: error: {message} (see {self.prog} --help)\n")


class _Help(argparse.HelpFormatter):
    """Wraps text, but leaves the lines of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("examples:") else super()._fill_text(text, width, indent)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _warner()
                options.run(options)
        except KeyboardInterrupt:
            clock.sleep(0)  # one Ctrl-C can come twice, from Polars and from Python: let it
            raise
    except KeyboardInterrupt:
        left = getattr(options, "left_when_stopped", "nothing was written")
        print(f"linewatch: stopped; {left}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:
        print(f"linewatch: error: {_one_line(error)}", file=sys.stderr)
        return 2
    except Exception as error:
        if not _is_of_polars(error):
            raise
        print(f"linewatch: error: {_one_line(error)}", file=sys.stderr)
        return 2
    return 0


def _warner():
    """Says a warning in one line, as an error is said, and each of them once."""
    said = set()

    def say(message, category, *_):
        if issubclass(category, DeprecationWarning | PendingDeprecationWarning):
            return  # for those who write the library that calls another
        text = " ".join(str(message).split())
        if text.startswith("Glyph "):
            text = "a name has letters that the font of the pictures lacks; they are drawn as boxes"
        if text not in said:
            said.add(text)
            print(f"linewatch: warning: {text}", file=sys.stderr)

    return say


def _is_of_polars(error):
    """Whether Polars says what is wrong with the data; its errors are no ValueError."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(error, polars.exceptions.PolarsError)


def _one_line(error):
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())


def parser() -> Parser:
    """The options of every command."""
    from linewatch import _demo
    from linewatch.cdr import command
    from linewatch.dashboards import _command
    from linewatch.flow import _command as flow_command

    top = Parser(
        prog="linewatch",
        description="Find anomalies in telecom data.",
        epilog="linewatch COMMAND --help has the options of each, with examples; linewatch demo "
        "needs no data.",
    )
    top.add_argument("--version", action="version", version=f"linewatch {linewatch.__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    kpi = commands.add_parser(
        "kpi",
        help="score the KPIs of cells in a CSV, CSV.gz or Parquet file",
        description="Clean the table, score each value against the baseline of its cell, classify "
        "events, name what moved with them, rank the cells, draw the worst and write a results "
        "folder.",
    )
    kpi.add_argument("path", metavar="PATH", help="CSV, CSV.gz or Parquet file")
    kpi.add_argument("--time", metavar="COLUMN", help="found by name and content if not given")
    kpi.add_argument("--cell", metavar="COLUMN", help="found by name if not given")
    which = kpi.add_mutually_exclusive_group()
    which.add_argument(
        "--value",
        metavar="COLUMN",
        action="append",
        help="a KPI to score; may be repeated; the first one if not given",
    )
    which.add_argument("--all", action="store_true", help="score every KPI of the file")
    kpi.add_argument("--label", metavar="COLUMN", help="0 and 1, to compare with; found by name")
    kpi.add_argument(
        "--time-zone",
        metavar="ZONE",
        help="zone of the cells: of times without, for times with one",
    )
    kpi.add_argument(
        "--sites",
        metavar="FILE",
        help="cells with site, latitude, longitude and azimuth: names the neighbours that took "
        "traffic up, the scope and a map",
    )
    kpi.add_argument(
        "--since", metavar="TIME", help="report from here on; what is earlier makes baselines only"
    )
    _scoring(kpi)
    kpi.set_defaults(run=run_kpi)

    demo = commands.add_parser(
        "demo",
        help="generate a small network, find what was planted, draw a page; needs no data",
        description="Generate KPIs, flows and calls with planted faults, attacks and fraud, search "
        "them without looking, compare with the truth and write one page of it all.",
    )
    _demo.add_options(demo)
    demo.set_defaults(run=_demo.run, left_when_stopped=_demo.LEFT)

    generate = commands.add_parser(
        "generate",
        help="generate call records with labelled anomalies",
        description="Write users, towers, communities and calls with labelled anomalies to a new "
        "folder; the same seed gives the same bytes.",
    )
    command.add_options(generate)
    generate.set_defaults(run=command.run)

    flows = commands.add_parser(
        "flows",
        help="usage, peaks, segments and anomalies of the customers in nfdump's CSV files",
        description="Read the flows that nfdump printed (any CSV layout, plain, gzip or zstd), "
        "rank sources and services, find peaks and unusual delivery ratios, name the segment of "
        "each customer, find anomalies with reasons and write a results folder.",
    )
    flow_command.add_options(flows)
    flows.set_defaults(run=flow_command.run)

    packets = commands.add_parser(
        "packets",
        help="rank the sources of a capture by what they did in a few seconds",
        description="Read a pcap or pcapng capture (plain, gzip or standard input), look at what "
        "each source did in a trailing window, rank the sources and write a results folder.",
    )
    packets.add_argument("path", metavar="CAPTURE", help="pcap or pcapng; - is standard input")
    packets.add_argument(
        "--out", metavar="DIR", default="results", help="results folder, default ./results"
    )
    packets.add_argument("--window", metavar="TIME", default="5s", help="default 5s")
    packets.add_argument(
        "--top", metavar="N", type=_count, default=10, help="sources listed, default 10"
    )
    packets.add_argument(
        "--threshold", type=float, default=0.6, help="an anomaly scores this or more, default 0.6"
    )
    packets.add_argument("--seed", type=int, default=0, help="of the forest, default 0")
    packets.add_argument("--no-picture", action="store_true", help="write no PNG")
    packets.add_argument("--progress", action="store_true", help="say each step on stderr")
    packets.set_defaults(run=run_packets)

    score = commands.add_parser(
        "score",
        help="score the rows of a file, or the lines of a log as they come, with a saved detector",
        description="Score each row with a saved detector and write the scores, which rows are "
        "anomalies, and why, beside the columns that the detector does not use. The column row "
        "counts rows of data from 1, as a table shows them; results folders count from 0. A scores "
        "file that is there already is replaced. "
        "With --follow, score the lines of a growing CSV file with a header, or of JSON objects, "
        "and write each score as a line of JSON. A log may be renamed and made anew, or copied and "
        "emptied; a line that cannot be read is counted and reported on stderr; a line counts once "
        "it has ended. It runs until SIGTERM or Ctrl-C. With --state the next start goes on where "
        "this one was: no line of a file is lost or scored twice.",
    )
    score.add_argument("--model", metavar="FILE", required=True, help="what save() wrote")
    score.add_argument(
        "--input",
        metavar="FILE",
        required=True,
        help="CSV, CSV.gz or Parquet file; with --follow the log, - is standard input",
    )
    score.add_argument(
        "--output",
        "--out",
        metavar="FILE",
        help=".csv or .parquet, default INPUT.scores.csv (or .parquet); with --follow a file of "
        "JSON lines, default standard output",
    )
    score.add_argument(
        "--follow", action="store_true", help="score lines as they are written, until stopped"
    )
    score.add_argument(
        "--state",
        metavar="FILE",
        help="of --follow: what it remembers, saved every few seconds and at its end",
    )
    score.add_argument(
        "--columns",
        metavar="A,B,...",
        help="columns in the order of the fit, for a model that knows no names",
    )
    score.add_argument(
        "--top", metavar="N", type=_count, default=3, help="reasons for an anomaly, default 3"
    )
    score.add_argument("--json", action="store_true", help="print the summary as JSON")
    score.set_defaults(run=run_score)
    _command.add_parsers(commands)
    for name, lines in EXAMPLES.items():
        commands.choices[name].formatter_class = _Help
        commands.choices[name].epilog = "\n  ".join(["examples:", *lines])
    return top


def _scoring(command):
    command.add_argument(
        "--out", metavar="DIR", default="results", help="results folder, default ./results"
    )
    command.add_argument(
        "--top", metavar="N", type=_count, default=10, help="cells listed, default 10"
    )
    command.add_argument(
        "--baseline",
        choices=["auto", "hour-of-week", "time-of-day", "rolling"],
        default="auto",
        help="by default the richest one that the dates of a cell allow",
    )
    command.add_argument("--statistic", choices=["mean", "median"], default="mean")
    command.add_argument(
        "--threshold", type=float, default=6.0, help="an anomaly scores this or more, default 6"
    )
    command.add_argument(
        "--floor",
        type=float,
        default=1.0,
        help="least scale, as a multiple of what is typical of the cell, default 1",
    )
    command.add_argument(
        "--direction", choices=["both", "increase", "decrease"], default="both", help="default both"
    )
    command.add_argument(
        "--refractory",
        metavar="TIME",
        default="6h",
        help="anomalies no further apart are one event, default 6h",
    )
    command.add_argument("--no-picture", action="store_true", help="write no PNG")
    command.add_argument("--progress", action="store_true", help="say each step on stderr")


def _count(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


def run_kpi(options: argparse.Namespace) -> None:
    """``linewatch kpi``."""
    import polars as pl

    from linewatch import _results, _tables
    from linewatch.kpi import _command

    _command.check(options)
    _results.check(options.out, "kpi")
    say = _sayer(options)
    say(f"reading {options.path}")
    frame = _tables.read(options.path)
    columns = _tables.detect(
        frame, time=options.time, cell=options.cell, values=options.value, label=options.label
    )
    if options.all:
        columns.values, columns.other_values = [*columns.values, *columns.other_values], []
    try:
        time = _tables.times(frame[columns.time], options.time_zone)
        values = {name: _tables.numbers(frame[name]) for name in columns.values}
        label = _tables.labels(frame[columns.label]) if columns.label else None
    except _tables.BadValue as error:
        line = _tables.line_of(options.path, error.column, error.value)
        where = f"{options.path}, line {line}" if line else options.path
        raise ValueError(f"{where}: {error}") from None
    _refuse_gaps(options.path, columns, time, values)
    cell = frame[columns.cell] if columns.cell else None
    print(f"{Path(options.path).name}: {counted(frame.height, 'row')}, {_cells(cell)}")
    print(f"columns: {_columns_text(columns)}")
    steps = _command.Steps(options, columns, say)
    if time.dtype == pl.Time:
        steps.refuse()
        _print_order(cell)
    else:
        table = steps.clean(frame)
        time, cell = table[columns.time], table[columns.cell] if columns.cell else None
        values = {name: table[name] for name in columns.values}
        label = _tables.labels(table[columns.label]) if columns.label else None
    _report(
        options, time, cell, values, label, source=Path(options.path).name, say=say, steps=steps
    )


def run_packets(options: argparse.Namespace) -> None:
    """``linewatch packets``."""
    from linewatch.packets import _command

    _command.run(options)


def run_score(options: argparse.Namespace) -> None:
    """``linewatch score``."""
    if options.follow:
        from linewatch import _follow

        _follow.run(options)
        return
    if options.state:
        raise ValueError("--state is for --follow")
    from linewatch import _score

    _score.run(options)


def _report(options, time, cell, values, label, *, source, say, steps=None):
    """Score, print and write; the same for a file and for generated cells."""
    import polars as pl

    from linewatch import _results, plots
    from linewatch.kpi import _score

    began = clock.perf_counter()
    asked = {
        "baseline": options.baseline.replace("-", " "),
        "statistic": options.statistic,
        "threshold": options.threshold,
        "floor": options.floor,
        "direction": options.direction,
        "refractory": options.refractory,
    }
    dated = time.dtype != pl.Time
    parts, summary = {"series": [], "events": [], "cells": []}, {}
    for name, value in values.items():
        say(f"scoring {name}")
        scored = _score.score_table(time, cell, value, **asked)
        labels = label if label is not None else pl.Series([None] * len(time), dtype=pl.Boolean)
        scored = scored.with_columns(labels.alias("label"))
        if steps is not None:
            scored = steps.since(scored)
        cells = _score.rank_table(scored).join(
            scored.group_by("cell").agg(pl.col("baseline_kind").first()), on="cell", how="left"
        )
        _print_kpi(name, scored, cells, options, dated)
        summary[name] = {"anomalies": int(scored["is_anomaly"].sum())}
        if label is not None:
            summary[name] |= _score.evaluate_table(scored)
            _print_evaluation(summary[name], dated)
        kpi_name = pl.lit(name).alias("kpi")
        parts["series"].append(scored.with_columns(kpi_name))
        parts["cells"].append(cells.with_columns(kpi_name))
        if dated:
            parts["events"].append(_score.events_table(scored).with_columns(kpi_name))
    units = {name: unit for name in values if (unit := plots.unit_of(name))}
    tables = {
        table: pl.concat(rows).select(list(_results.TABLES[table]))
        for table, rows in parts.items()
        if rows
    }
    files = []
    if steps is not None and dated:
        tables |= steps.investigate(parts["cells"][0], summary)
    if not options.no_picture:
        if find_spec("matplotlib") is None:
            print('\nno picture: matplotlib is missing (pip install "linewatch[plots]")')
        else:
            classified = tables.get("classified_events")
            files.append(
                ("kpi.png", lambda path: _draw(path, parts, options.threshold, plots, classified))
            )
            if steps is not None and dated:
                files += steps.pictures(parts["series"][0])
    say("writing")
    written = _results.write(
        options.out,
        kind="kpi",
        tables=tables,
        parameters=asked
        | {"source": source, "baselines": _score.BASELINES}
        | (steps.parameters() if steps is not None else {}),
        units=units,
        time_zone=steps.time_zone if steps is not None else None,
        summary=summary,
        files=files,
    )
    print(f"\n{clock.perf_counter() - began:.1f} s; files written:")
    for path in written:
        print(f"  {path}")


def _print_kpi(name, scored, cells, options, dated):
    import polars as pl

    from linewatch import kpi

    kinds = (
        cells.filter(pl.col("n_scored") > 0)
        .group_by("baseline_kind")
        .len()
        .sort("len", descending=True)
    )
    print(f"\n{name}")
    if not kinds.height:
        print("  no cell has enough history for a baseline")
    center = "mean and standard deviation" if options.statistic == "mean" else "median and MAD"
    for kind, count in kinds.iter_rows():
        rule = kpi.BASELINES.get(kind)
        if rule is None:
            how = "leave one out; the file has times of day but no dates"
        elif kind == "rolling":
            how = f"the {rule['window']} values before, from {rule['min_periods']} on"
        else:
            history = rule["history"].days
            how = f"the {rule['window'][:-1]} days before, from {history} days on"
        print(f"  baseline: {kind} ({how}), {center}: {counted(count, 'cell')}")
    n_scored = scored["score"].count()
    share = n_scored / scored.height
    print(
        f"  scored {n_scored:,} of {scored.height:,} rows ({share:.0%}); anomaly: score >= "
        f"{options.threshold:g} (higher = more anomalous), {_sides(options.direction)}, scale at "
        f"least {options.floor:g} x typical"
    )
    if dated:
        events = int(scored["is_alarm"].sum())
        print(
            f"  {_anomalies(scored)} in {counted(events, 'event')} (no further apart than "
            f"{options.refractory} = one event)"
        )
    else:
        print(
            f"  {_anomalies(scored)}; rows have no order, so there are no "
            "events, no refractory period and no rolling window"
        )
    bad = cells.filter(pl.col("n_anomalies") > 0)
    if not bad.height:
        print("  no cell has an anomaly")
        return
    _print_table(bad.head(options.top), dated)
    if bad.height > options.top:
        more = counted(bad.height - options.top, "more cell")
        print(f"  ... and {more} with anomalies (--top, cells.parquet)")


def _anomalies(scored):
    count = int(scored["is_anomaly"].sum())
    return "1 anomaly" if count == 1 else f"{count:,} anomalies"


def _sides(direction):
    return "increases and decreases" if direction == "both" else f"{direction}s only"


def _print_table(cells, dated):
    form = "%Y-%m-%d %H:%M" if dated else "%H:%M"
    names = ["cell", "anomalies", "events", "worst time", "value", "baseline", "score", "direction"]
    rows = [
        [
            row["cell"] or "(one series)",
            f"{row['n_anomalies']:,}",
            "-" if row["n_events"] is None else f"{row['n_events']:,}",
            row["worst_time"].strftime(form),
            f"{row['value']:.4g}",
            f"{row['baseline']:.4g}",
            f"{row['score']:.1f}",
            row["direction"],
        ]
        for row in cells.iter_rows(named=True)
    ]
    if not dated:
        names.pop(2)
        rows = [row[:2] + row[3:] for row in rows]
    widths = [max(len(row[k]) for row in [names, *rows]) for k in range(len(names))]
    left = {0, len(names) - 1}
    print()
    for row in [names, *rows]:
        fields = [
            f.ljust(w) if k in left else f.rjust(w)
            for k, (f, w) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(fields).rstrip())


def _print_evaluation(found, dated):
    if not found["labelled"]:
        print("\n  the label marks no row: nothing to compare with")
        return
    share = {k: "-" if isnan(found[k]) else f"{found[k]:.2f}" for k in ("precision", "recall")}
    cells = counted(found["n_cells_auroc"], "cell")
    print(
        f"\n  against the label ({counted(found['labelled'], 'row')}): precision "
        f"{share['precision']}, recall {share['recall']} by rows; AUROC {found['auroc']:.3f}, mean "
        f"of {cells} {found['auroc_cells']:.3f} (0.5 is chance)"
    )
    if dated:
        print(
            f"  {found['stretches_found']} of {found['stretches']} labelled "
            f"stretch{'' if found['stretches'] == 1 else 'es'} with an anomaly; "
            f"{found['events_labelled']} of {counted(found['events'], 'event')} at the label"
        )


def _print_order(cell):
    """Say what a file of times of day is."""
    if cell is not None and cell.null_count():
        print(f"{counted(cell.null_count(), 'row')} without a cell: not scored")
    print("times of day without dates: rows are scored one by one, without order")


def _refuse_gaps(path, columns, time, values):
    if time.null_count():
        row = time.is_null().arg_true()[0]
        raise ValueError(
            f'{path}: column "{columns.time}" has {counted(time.null_count(), "missing time")}, '
            f"the first in row {row + 1}"
        )
    for name, value in values.items():
        if value.fill_nan(None).null_count() == len(value):
            raise ValueError(f'{path}: column "{name}" has no values')


def _cells(cell):
    if cell is None:
        return "one series (no cell column)"
    return counted(cell.drop_nulls().n_unique(), "cell")


def _columns_text(columns):
    text = f"time {columns.time}, cell {columns.cell or '-'}, value {', '.join(columns.values)}"
    if columns.label:
        text += f", label {columns.label}"
    if columns.other_values:
        text += f" (other KPIs for --value: {', '.join(columns.other_values)})"
    return text


def _draw(path, parts, threshold, plots, classified):
    """The worst cells of the first KPI, below each other, two weeks around their worst time."""
    import polars as pl

    cells, series = parts["cells"][0].head(WORST_CELLS_DRAWN), parts["series"][0]
    figure = plots.new_figure(cells.height)
    name = plots.unit_label(cells["kpi"][0])
    for k, (ax, cell) in enumerate(zip(figure.axes, cells.iter_rows(named=True), strict=True)):
        rows = series.filter(pl.col("cell") == cell["cell"]).sort("time")
        title = cell["cell"]
        if cell["score"] is not None:
            title += f"   worst score {cell['score']:.1f}"
        events = None
        if rows["time"].dtype != pl.Time:
            rows = _around(rows, cell["worst_time"])
        if classified is not None:
            events = classified.filter(
                (pl.col("cell") == cell["cell"])
                & (pl.col("kpi") == cell["kpi"])
                & (pl.col("end") >= rows["time"][0])
                & (pl.col("start") <= rows["time"][-1])
            )
        plots.draw_band(
            rows, name, threshold, title=title.strip(), events=events, legend=k == 0, ax=ax
        )
    figure.savefig(path, dpi=110)


def _around(rows, worst):
    """The ten days before the worst time and the four after; the end, if nothing is wrong."""
    first, last = rows["time"][0], rows["time"][-1]
    end = min(last, worst + timedelta(days=4)) if worst else last
    start = max(first, end - timedelta(days=14))
    end = min(last, start + timedelta(days=14))
    return rows.filter(rows["time"].is_between(start, end))


def _sayer(options):
    if not options.progress:
        return lambda text: None
    return lambda text: print(f"linewatch: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
