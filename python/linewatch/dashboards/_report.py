"""One HTML file with all figures, to mail around; opened, it asks the network for nothing."""

from __future__ import annotations

import html
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from linewatch.dashboards import _theme
from linewatch.dashboards._source import in_order, open_results, to_json

if TYPE_CHECKING:
    from linewatch._typing import PathLike, Theme


# A larger file is slow to open and refused by many mail servers.
LARGE_BYTES = 30_000_000


def report(
    folder: PathLike,
    out: PathLike,
    *,
    theme: Theme = "light",
    most_rows: int = 30,
    n_out: int = 1500,
    progress: bool | None = None,
) -> int:
    """Write the pages of a results folder into one HTML file.

    The file holds plotly.js and all figures; a row of a table, once clicked, shows its figures.
    A content security policy forbids every request.

    Parameters
    ----------
    folder : str or Path
        A results folder, or one that holds several.
    out : str or Path
        The file to write; one that is there is replaced when the new one is complete.
    theme : {"light", "dark"}, default="light"
    most_rows : int, default=30
        Rows of each table that can be clicked; each adds about 100 kB.
    n_out : int, default=1500
        Points of a line, besides the anomalies, which are all kept.
    progress : bool, optional
        Show a bar (needs tqdm).

    Returns
    -------
    int
        Bytes written; above 30,000,000 a `UserWarning` says how to make it smaller.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`open_results`; if `out` is a folder or its folder is missing.
    ModuleNotFoundError
        If plotly is not installed (``pip install "linewatch[dashboard]"``).

    Examples
    --------
    >>> from linewatch import dashboards
    >>> size = dashboards.report("results", "report.html")  # doctest: +SKIP
    """
    _theme.require("plotly")
    _theme.colors(theme)
    if most_rows < 1:
        raise ValueError(f"most_rows must be at least 1, got {most_rows}")
    out = Path(out)
    if out.is_dir():
        raise ValueError(f"{out} is a folder; name a file such as {out / 'report.html'}")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"{out.parent} is not a folder; make it first")
    text = page(open_results(folder), theme=theme, most_rows=most_rows, n_out=n_out,
                progress=progress).encode()  # fmt: skip
    handle, made = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.chmod(made, 0o644)
        os.replace(made, out)
    except BaseException:
        os.unlink(made)
        raise
    if len(text) > LARGE_BYTES:
        import warnings

        warnings.warn(
            f"{out} has {len(text) / 1e6:.0f} MB; most_rows={most_rows // 2 or 1} or a smaller "
            "n_out make it smaller",
            stacklevel=2,
        )
    return len(text)


def page(sources, *, theme, most_rows, n_out, progress=None):
    """The text of the file."""
    from plotly.offline import get_plotlyjs

    from linewatch.dashboards._pages import PAGES

    sections, figures = [], {}
    for name, results, key in _bar(in_order(sources), progress):
        sections.append(_section(f"{key}-{len(sections)}", name, results, PAGES[key], figures,
                                 theme=theme, most_rows=most_rows, n_out=n_out,
                                 several=len(sources) > 1))  # fmt: skip
    headline = ", ".join(dict.fromkeys(results.title for results in sources.values()))
    return "".join([
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; script-src '
        "'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        f"<title>{html.escape(headline)}</title><style>{_style(theme)}</style>",
        "<script>", get_plotlyjs(), "</script></head><body>",
        f"<header><h1>{html.escape(headline)}</h1></header>\n",
        *sections,
        '<script type="application/json" id="figures">', to_json(figures), "</script>",
        "<script>", SCRIPT, "</script></body></html>\n",
    ])  # fmt: skip


def _bar(parts, progress):
    if not progress:
        return parts
    from tqdm.auto import tqdm

    return tqdm(parts, desc="pages", leave=False)


def _section(place, name, results, page, figures, *, theme, most_rows, n_out, several):
    heading = f"{page.title}: {name}" if several else page.title
    made = [f'<section id="{place}"><h2>{html.escape(heading)}</h2><div class="tiles">']
    for tile in page.tiles(results):
        made.append(
            f'<div class="tile"><b>{html.escape(tile.value)}</b>'
            f"<span>{html.escape(tile.label)}</span><i>{html.escape(tile.note)}</i></div>"
        )
    made.append("</div>")
    if page.list is not None:
        rows = page.list(results, most=most_rows)
        made.append(_table(place, rows, bool(page.chosen)))
        if page.chosen:
            made.append(_chosen(place, results, page, rows, figures, theme, n_out))
    for part, draw in page.whole:
        figures[f"{place}/{part}"] = [draw(results, theme=theme).to_json()]
        made.append(f'<div class="figure" data-figure="{place}/{part}"></div>')
    made.append("</section>\n")
    return "".join(made)


def _table(place, rows, choice):
    if not rows.rows:
        return f"<h3>{html.escape(rows.title)}</h3><p>none</p>"
    head = "".join(f"<th>{html.escape(column)}</th>" for column in rows.columns)
    body = []
    for k, row in enumerate(rows.rows):
        cells = "".join(
            f"<td{' class=right' if j in rows.right else ''}>{html.escape(str(value))}</td>"
            for j, value in enumerate(row)
        )
        press = f' tabindex="0" data-table="{place}" data-row="{k}"' if choice else ""
        body.append(f"<tr{press}>{cells}</tr>")
    note = f" <small>({html.escape(rows.note)})</small>" if rows.note else ""
    return (
        f'<h3>{html.escape(rows.title)}{note}</h3><div class="table"><table><thead><tr>{head}'
        f"</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _chosen(place, results, page, rows, figures, theme, n_out):
    """Figures of each row; equal ones are kept once."""
    from linewatch.dashboards._pages import chosen

    keys = rows.keys or [page.first(results)]
    made = []
    for part, draw in page.chosen:
        how = {"n_out": n_out} if part == "series" else {}
        drawn = {}
        for key in keys:
            mark = tuple(key.values())
            if mark not in drawn:
                drawn[mark] = chosen(draw, results, key, theme, **how).to_json()
        order = list(drawn)
        figures[f"{place}/{part}"] = list(drawn.values())
        figures[f"{place}/{part}/of"] = [order.index(tuple(key.values())) for key in keys]
        made.append(f'<div class="figure" data-figure="{place}/{part}"></div>')
    return "".join(made)


def _style(theme):
    paper = _theme.colors(theme)
    return (
        f"body{{font:14px system-ui,sans-serif;margin:0;background:{paper['paper']};"
        f"color:{paper['text']}}}header,section{{max-width:1200px;margin:auto;padding:8px 20px}}"
        "h1{font-size:22px}h2{font-size:19px;margin-top:28px}h3{font-size:15px;margin-bottom:6px}"
        f".tiles{{display:flex;flex-wrap:wrap;gap:12px}}.tile{{background:{paper['soft']};"
        "border-radius:8px;padding:10px 16px;display:flex;flex-direction:column;min-width:120px}"
        ".tile b{font-size:21px;overflow-wrap:anywhere}.tile i{font-size:12px;opacity:.75}"
        ".table{max-height:330px;overflow:auto}table{border-collapse:collapse;width:100%}"
        f"th{{position:sticky;top:0;background:{paper['soft']};text-align:left}}"
        f"th,td{{padding:4px 10px;border-bottom:1px solid {paper['grid']};white-space:nowrap}}"
        f".right{{text-align:right}}tr[tabindex]{{cursor:pointer}}tr[tabindex]:hover,"
        f"tr.chosen{{background:{paper['soft']}}}tr.chosen td:first-child{{font-weight:700}}"
        ".figure{margin-top:10px;min-height:60px}"
    )


# Figures are drawn when they come into sight; a row shows the figures made for it.
SCRIPT = """
(function () {
  var figures = JSON.parse(document.getElementById("figures").textContent);
  function draw(box, k) {
    var name = box.dataset.figure, of = figures[name + "/of"];
    var figure = JSON.parse(figures[name][of ? of[k] : 0]);
    box.dataset.drawn = k;
    Plotly.react(box, figure.data, figure.layout, {responsive: true, displaylogo: false});
  }
  var seen = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting && entry.target.dataset.drawn === undefined) {
        draw(entry.target, Number(entry.target.dataset.row || 0));
      }
    });
  }, {rootMargin: "400px"});
  document.querySelectorAll(".figure").forEach(function (box) { seen.observe(box); });
  function drawAll() {
    document.querySelectorAll(".figure").forEach(function (box) {
      if (box.dataset.drawn === undefined) { draw(box, Number(box.dataset.row || 0)); }
    });
  }
  window.addEventListener("beforeprint", drawAll);
  window.matchMedia("print").addEventListener("change", drawAll);
  function choose(row) {
    var table = row.dataset.table, k = Number(row.dataset.row);
    row.parentNode.querySelectorAll("tr").forEach(function (other) {
      other.classList.toggle("chosen", other === row);
    });
    document.querySelectorAll("#" + table + " .figure").forEach(function (box) {
      if (!figures[box.dataset.figure + "/of"]) { return; }
      box.dataset.row = k;
      if (box.dataset.drawn !== undefined) { draw(box, k); }
    });
  }
  document.querySelectorAll("tr[data-row]").forEach(function (row) {
    row.addEventListener("click", function () { choose(row); });
    row.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(row); }
    });
    if (row.dataset.row === "0") { row.classList.add("chosen"); }
  });
})();
"""
