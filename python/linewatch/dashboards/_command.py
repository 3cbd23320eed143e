"""``linewatch report RESULTS`` and ``linewatch dashboard RESULTS``."""

import json
import sys
from pathlib import Path


def add_parsers(commands):
    """The options of both."""
    report = commands.add_parser(
        "report",
        help="write the pages of a results folder into one HTML file",
        description="Write the pages of a results folder into one HTML file that needs no network.",
    )
    report.add_argument("path", metavar="RESULTS", help="a results folder, or one that holds some")
    report.add_argument("--out", metavar="FILE", default="report.html", help="default report.html")
    report.add_argument(
        "--rows", metavar="N", type=_count, default=30, help="rows that can be chosen, default 30"
    )
    report.add_argument("--theme", choices=["light", "dark"], default="light")
    report.add_argument("--json", action="store_true", help="print file and size as JSON")
    report.set_defaults(run=run_report)

    live = commands.add_parser(
        "dashboard",
        help="open the pages of a results folder in the browser",
        description="Serve the pages of a results folder to the browser until Ctrl-C. The pages "
        "are drawn anew when the folder is written anew.",
    )
    live.add_argument("path", metavar="RESULTS", help="a results folder, or one that holds some")
    live.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on, default 127.0.0.1: this machine only; there is no password",
    )
    live.add_argument("--port", type=int, default=8050, help="default 8050; 0 takes a free one")
    live.add_argument(
        "--refresh", metavar="SECONDS", type=_seconds, default=5.0,
        help="between looks at the folder, default 5; 0 looks never",
    )  # fmt: skip
    live.add_argument("--theme", choices=["light", "dark"], default="light")
    live.add_argument("--no-browser", action="store_true", help="only print the address")
    live.set_defaults(run=run_dashboard)


def _count(text):
    from linewatch.cli import _count as count

    return count(text)


def _seconds(text):
    import argparse

    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0 on, got {text!r}")
    return value


def run_report(options):
    """``linewatch report``."""
    import warnings

    from linewatch import dashboards

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        size = dashboards.report(
            options.path, options.out, theme=options.theme, most_rows=options.rows
        )
    for warning in caught:
        print(f"linewatch: {warning.message}", file=sys.stderr)
    if options.json:
        print(json.dumps({"file": str(Path(options.out)), "bytes": size}))
    else:
        print(f"{options.out}: {size / 1e6:.1f} MB, opens without a network")


def run_dashboard(options):
    """``linewatch dashboard``."""
    from linewatch import dashboards

    def ready(address):
        print(f"serving {options.path} at {address} (Ctrl-C ends it)", flush=True)
        if not options.no_browser:
            import webbrowser

            if not webbrowser.open(address):
                print("no browser was found here; open the address in one", file=sys.stderr)

    try:
        dashboards.serve(
            options.path, host=options.host, port=options.port, theme=options.theme,
            refresh_s=options.refresh, ready=ready,
        )  # fmt: skip
    except KeyboardInterrupt:
        print("ended")
