"""Interactive pages of a results folder: live in the browser, or one file that needs no network.

Each chart is defined once, as a function that gives a Plotly figure: `kpi`, `traffic`, `calls` and
`detector` hold those of one page each. `report` writes them into one HTML file, `app` serves them,
and a notebook shows what the functions return.
"""

from linewatch.dashboards._live import app, serve
from linewatch.dashboards._report import report
from linewatch.dashboards._source import Results, open_results

__all__ = ["Results", "app", "open_results", "report", "serve"]
