"""The pages served by Dash: filters, a table whose rows choose the figures, zoom, refresh.

What a reader chose lives in the browser; the server keeps nothing but the tables it read.
"""

from __future__ import annotations

import errno
from threading import Lock
from typing import TYPE_CHECKING

from linewatch.dashboards import _theme
from linewatch.dashboards._source import in_order, open_results

if TYPE_CHECKING:
    from collections.abc import Callable

    import dash

    from linewatch._typing import PathLike, Theme


LISTED = 200
CHOICES = 50
POINTS = 2000


def app(folder: PathLike, *, theme: Theme = "light", refresh_s: float = 5.0) -> dash.Dash:
    """The Dash application of a results folder.

    Parameters
    ----------
    folder : str or Path
        A results folder, or one that holds several; nothing else is read.
    theme : {"light", "dark"}, default="light"
    refresh_s : float, default=5.0
        Seconds between looks whether the folder was written anew; 0 looks never.

    Returns
    -------
    dash.Dash
        With ``.server``, a WSGI application, and ``.run()``.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`open_results`.
    ModuleNotFoundError
        If Dash is not installed (``pip install "linewatch[dashboard]"``).

    Examples
    --------
    >>> from linewatch import dashboards
    >>> page = dashboards.app("results")  # doctest: +SKIP
    >>> page.run()  # doctest: +SKIP
    """
    for name in ("plotly", "dash"):
        _theme.require(name)
    _theme.colors(theme)
    if refresh_s < 0:
        raise ValueError(f"refresh_s must not be negative, got {refresh_s}")
    from dash import Dash, dcc, html

    from linewatch.dashboards._pages import PAGES
    from linewatch.dashboards._report import _style

    sources = open_results(folder)
    fresh = {name: _Fresh(results) for name, results in sources.items()}
    headline = ", ".join(dict.fromkeys(results.title for results in sources.values()))
    made = Dash("linewatch", title=f"linewatch: {headline}", update_title=None, assets_folder="-")
    made.index_string = made.index_string.replace("{%css%}", "{%css%}<style>" + _style(theme)
                                                  + FILTERS + "</style>")  # fmt: skip
    tabs, register = [], []
    for name, _, key in in_order(sources):
        page = _Page(f"{name}-{key}", fresh[name], PAGES[key], theme)
        title = PAGES[key].title + (f": {name}" if len(sources) > 1 else "")
        tabs.append(dcc.Tab(page.layout(), label=title, value=page.name, id=f"tab-{page.name}"))
        register.append(page)
    made.layout = html.Div([
        html.Header(html.H1(headline)),
        dcc.Interval(id="tick", interval=int(refresh_s * 1000) or 1000, disabled=refresh_s == 0),
        dcc.Tabs(tabs, value=register[0].name, id="tabs"),
    ])  # fmt: skip
    for page in register:
        page.register(made)
    return made


def serve(
    folder: PathLike,
    *,
    host: str = "127.0.0.1",
    port: int = 8050,
    theme: Theme = "light",
    refresh_s: float = 5.0,
    ready: Callable[..., object] | None = None,
) -> None:
    """Serve the pages until Ctrl-C.

    Parameters
    ----------
    folder : str or Path
        A results folder, or one that holds several.
    host : str, default="127.0.0.1"
        Only this machine can open the page unless another address is given; there is no password.
    port : int, default=8050
        0 takes a free one.
    theme, refresh_s
        As :func:`app`.
    ready : callable, optional
        Called with the address once the page can be opened.

    Raises
    ------
    ValueError
        If the port is in use or no port number.
    """
    if not 0 <= port < 65536:
        raise ValueError(f"port must be from 0 to 65535, got {port}")
    page = app(folder, theme=theme, refresh_s=refresh_s)
    import logging

    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = _listen(make_server, host, port, page.server)
    try:
        if ready is not None:
            shown = f"[{host}]" if ":" in host else host
            ready(f"http://{shown}:{server.port}/")
        server.serve_forever()
    finally:
        server.server_close()


def _listen(make_server, host, port, application):
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
        # The server works on a copy of the file descriptor.
        return make_server(host, port, application, threaded=True, fd=listener.fileno())
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(
                f"port {port} of {host} is in use; choose another one (0 takes a free one)"
            ) from None
        raise ValueError(f"{host}:{port} cannot be served: {error.strerror}") from None
    finally:
        listener.close()


class _Fresh:
    """Results that are read anew when their folder is; a request sees one state."""

    def __init__(self, results):
        self.results = results
        self._lock = Lock()

    def look(self):
        """Read anew if need be; what tells one state from another."""
        with self._lock:
            if self.results.has_changed():
                self.results.refresh()
            return self.results.stamp


class _Page:
    """Layout and callbacks of one page."""

    def __init__(self, name, source, page, theme):
        self.name, self.source, self.page, self.theme = name, source, page, theme

    @property
    def results(self):
        return self.source.results

    def id(self, part):
        return f"{self.name}-{part}"

    def layout(self):
        from dash import dcc, html

        page, parts = self.page, []
        for key, label, _ in page.filters:
            parts.append(html.Label([label, dcc.Dropdown(
                id=self.id(f"filter-{key}"), options=[], value=None, placeholder="all",
                clearable=True,
            )], className="filter"))  # fmt: skip
        first = page.first(self.results) if page.first else None
        graphs = [
            dcc.Graph(id=self.id(part), className="figure", config={"displaylogo": False})
            for part, _ in (*page.chosen, *page.whole)
        ]
        return html.Section([
            dcc.Store(id=self.id("state"), data=0),
            dcc.Store(id=self.id("choice"), data=first),
            html.Div(id=self.id("tiles"), className="tiles"),
            html.Div(parts, className="filters"),
            html.Div(id=self.id("table")),
            *graphs,
        ])  # fmt: skip

    def register(self, application):
        from dash import ALL, Input, Output, State, ctx, no_update

        page, results = self.page, lambda: self.results

        @application.callback(
            Output(self.id("state"), "data"),
            Input("tick", "n_intervals"),
            State(self.id("state"), "data"),
        )
        def look(_, state):
            stamp = str(self.source.look())
            return no_update if stamp == state else stamp

        @application.callback(Output(self.id("tiles"), "children"),
                              Input(self.id("state"), "data"))  # fmt: skip
        def tiles(_):
            return [_tile(tile) for tile in page.tiles(results())]

        for key, _, values in page.filters:
            self._register_filter(application, key, values)

        if page.list is not None:
            names = [key for key, _, _ in page.filters]

            @application.callback(
                Output(self.id("table"), "children"),
                Input(self.id("state"), "data"),
                Input(self.id("choice"), "data"),
                *[Input(self.id(f"filter-{key}"), "value") for key in names],
            )
            def table(_, choice, *values):
                asked = dict(zip(names, values, strict=True))
                return self._table(page.list(results(), most=LISTED, **asked), choice)

        if page.chosen:

            @application.callback(
                Output(self.id("choice"), "data"),
                Input({"row": self.name, "key": ALL}, "n_clicks"),
                prevent_initial_call=True,
            )
            def choose(clicks):
                if not ctx.triggered_id or not any(clicks):
                    return no_update
                import json

                return json.loads(ctx.triggered_id["key"])

        for part, draw in page.chosen:
            self._register_chosen(application, part, draw)
        for part, draw in page.whole:
            self._register_whole(application, part, draw)

    def _register_filter(self, application, key, values):
        from dash import Input, Output, State

        name = self.id(f"filter-{key}")

        @application.callback(
            Output(name, "options"),
            Input(self.id("state"), "data"),
            Input(name, "search_value"),
            State(name, "value"),
        )
        def options(_, search, value):
            # Of a million names only those that match can be sent.
            found = [v for v in values(self.results) if not search or search.lower() in v.lower()]
            found = found[:CHOICES]
            return found if value is None or value in found else [value, *found]

    def _register_chosen(self, application, part, draw):
        from dash import Input, Output

        from linewatch.dashboards._pages import chosen

        inputs = [Input(self.id("state"), "data"), Input(self.id("choice"), "data")]
        zooms = part in self.page.zoom
        if zooms:
            inputs.append(Input(self.id(part), "relayoutData"))

        @application.callback(Output(self.id(part), "figure"), *inputs)
        def figure(_, choice, zoom=None):
            how = {"n_out": POINTS} | self._range(zoom) if zooms else {}
            # The row may be gone since it was chosen.
            made = chosen(draw, self.results, choice, self.theme, **how)
            if "start" in how:
                made.update_xaxes(range=[how["start"], how["end"]], autorange=False)
            return made

    def _range(self, zoom):
        """The stretch in sight, if the reader zoomed; another choice shows everything again."""
        from dash import ctx

        chose = any(key.startswith(self.id("choice")) for key in ctx.triggered_prop_ids)
        if chose or not zoom or "xaxis.range[0]" not in zoom:
            return {}
        return {"start": str(zoom["xaxis.range[0]"]), "end": str(zoom["xaxis.range[1]"])}

    def _register_whole(self, application, part, draw):
        from dash import Input, Output

        @application.callback(Output(self.id(part), "figure"), Input(self.id("state"), "data"))
        def figure(_):
            return draw(self.results, theme=self.theme)

    def _table(self, rows, choice):
        import json

        from dash import html

        if not rows.rows:
            return [html.H3(rows.title), html.P("none")]
        head = html.Tr([html.Th(column) for column in rows.columns])
        body, seen = [], set()
        for k, row in enumerate(rows.rows):
            cells = [
                html.Td(str(value), className="right" if j in rows.right else "")
                for j, value in enumerate(row)
            ]
            if not self.page.chosen:
                body.append(html.Tr(cells))
                continue
            key = json.dumps(rows.keys[k], sort_keys=True, default=str)
            # Several events of one cell: one id each, the key without the place.
            if key in seen:
                key = json.dumps(rows.keys[k] | {"_": k}, sort_keys=True, default=str)
            seen.add(key)
            chosen = choice is not None and rows.keys[k] == _plain(choice)
            body.append(html.Tr(cells, id={"row": self.name, "key": key}, n_clicks=0, tabIndex=0,
                                className="chosen" if chosen else ""))  # fmt: skip
        title = html.H3([rows.title, html.Small(f" ({rows.note})" if rows.note else "")])
        table = html.Table([html.Thead(head), html.Tbody(body)])
        return [title, html.Div(table, className="table")]


def _plain(choice):
    return {key: value for key, value in choice.items() if key != "_"}


def _tile(tile):
    from dash import html

    return html.Div([html.B(tile.value), html.Span(tile.label), html.I(tile.note)],
                    className="tile")  # fmt: skip


FILTERS = (
    ".filters{display:flex;flex-wrap:wrap;gap:14px;margin:14px 0}.filter{min-width:220px}"
    "tr[tabindex]{cursor:pointer}"
)
