"""``linewatch generate``."""

from __future__ import annotations

import sys
import time as clock
from typing import TYPE_CHECKING

from linewatch._tables import counted

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_options(command: ArgumentParser) -> None:
    """The options of the command."""
    command.add_argument("--users", type=int, metavar="N", help="default 1000")
    command.add_argument("--days", type=int, metavar="N", help="default 7")
    command.add_argument("--seed", type=int, metavar="N", help="default 0")
    command.add_argument("--out", metavar="DIR", required=True, help="a folder that does not exist")
    command.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    command.add_argument("--start", metavar="DATE", help="first day, default 2024-01-01")
    command.add_argument("--anomaly-ratio", type=float, metavar="SHARE", help="default 0.05")
    command.add_argument(
        "--scenarios", metavar="A,B,...", help="fraud and network faults to plant, one of each"
    )
    command.add_argument(
        "--columns", metavar="A,B,...", help="what calls say beside the basic columns, or all"
    )
    command.add_argument("--tables", metavar="A,B", help="sms, data_sessions, or all")
    command.add_argument("--config", metavar="FILE", help="TOML file with any field of the config")
    command.add_argument("--preset", choices=["realistic", "seed"], help="default realistic")
    command.add_argument("--n-jobs", type=int, metavar="N", help="threads, default all cores")
    command.add_argument(
        "--realism", action="store_true", help="print the realism table at the end"
    )
    command.add_argument("--no-picture", action="store_true", help="write no PNG")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: Namespace) -> None:
    """Write a data set and say what was written."""
    from linewatch import cdr
    from linewatch.cdr.presets import COLUMNS, TABLES
    from linewatch.cdr.write import check

    check(options.out)
    fields = {"start": options.start, "anomaly_ratio": options.anomaly_ratio}
    if options.scenarios:
        fields["scenarios"] = options.scenarios.split(",")
    for name, known in (("columns", COLUMNS), ("tables", TABLES)):
        if given := getattr(options, name):
            fields[name] = known if given == "all" else given.split(",")
    fields = {name: value for name, value in fields.items() if value is not None}
    began = clock.perf_counter()
    data = cdr.generate(
        options.users,
        options.days,
        options.seed,
        config=options.config,
        preset=options.preset,
        n_jobs=options.n_jobs,
        **fields,
    )
    c = data.config
    print(
        f"{data.rows:,} calls ({data.anomalies:,} anomalies) of {c.users:,} users in "
        f"{counted(c.days, 'day')} from {c.start}, seed {c.seed}"
    )
    for table in c.tables:
        print(f"{sum(data.rows_by_day(table)):,} rows of {table.replace('_', ' ')}")
    progress = None if options.quiet else _Progress(data)
    try:
        files = data.write(
            options.out,
            format=options.format,
            picture=False if options.no_picture else None,
            progress=progress,
        )
    finally:
        if progress:
            progress.end()
    took = clock.perf_counter() - began
    print(f"{took:.1f} s; files written:")
    shown = files if len(files) <= 12 else [*files[:3], None, *files[-5:]]
    for path in shown:
        print(f"  {path}" if path else f"  ... {len(files) - 8} more")
    if options.realism:
        _print_realism(data.realism())


def _print_realism(table):
    print("\nstatistic                          value      band")
    for name, value, low, high, inside in table.iter_rows():
        shown = "-" if value is None else f"{value:.3f}"
        mark = {True: "", False: "  outside", None: "  not in the data"}[inside]
        print(f"{name:32}  {shown:>7}   {low:g} to {high:g}{mark}")


class _Progress:
    """A line on stderr: rewritten on a terminal, every tenth of the work elsewhere."""

    def __init__(self, data):
        tables = ("calls", *data.config.tables)
        self.total = sum(sum(data.rows_by_day(table)) for table in tables)
        self.what = "rows" if data.config.tables else "calls"
        self.done, self.said = 0, -1
        self.is_terminal = sys.stderr.isatty()

    def __call__(self, rows):
        self.done += rows
        percent = 100 * self.done // max(self.total, 1)
        step = percent if self.is_terminal else percent // 10
        if step == self.said:
            return
        self.said = step
        text = f"linewatch: {self.done:,} of {self.total:,} {self.what} ({percent} %)"
        if self.is_terminal:
            print(f"\r{text}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def end(self):
        if self.is_terminal and self.said >= 0:
            print(file=sys.stderr)
