"""Colours and layout of all figures, and what they have in common."""

import html
import math
from importlib.util import find_spec

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#8A8A8A",
)  # fmt: skip
DIRECTION = {"increase": (ORANGE, "triangle-up"), "decrease": (RED, "triangle-down")}
THEMES = {
    "light": {"paper": "#ffffff", "text": "#1b1b1b", "grid": "#e3e3e3", "soft": "#f5f6f8"},
    "dark": {"paper": "#15191e", "text": "#e8e8e8", "grid": "#333a42", "soft": "#1f252c"},
}


def colors(theme):
    """The colours of a theme by name."""
    if theme not in THEMES:
        raise ValueError(f"theme must be one of {', '.join(THEMES)}, got {theme!r}")
    return THEMES[theme]


def figure(theme, *, title, x="", y="", height=320, **layout):
    """An empty figure in the colours of a theme."""
    import plotly.graph_objects as go

    paper = colors(theme)
    axis = {
        "gridcolor": paper["grid"],
        "zeroline": False,
        "linecolor": paper["grid"],
        "automargin": True,
    }
    made = go.Figure()
    made.update_layout(
        template="none",
        title={"text": safe(title), "x": 0, "xref": "paper", "xanchor": "left",
               "font": {"size": 15}},
        font={"family": "system-ui, sans-serif", "size": 12, "color": paper["text"]},
        paper_bgcolor=paper["paper"],
        plot_bgcolor=paper["paper"],
        margin={"l": 60, "r": 20, "t": 44, "b": 48},
        height=height,
        hoverlabel={"font": {"family": "system-ui, sans-serif"}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        xaxis={**axis, "title": {"text": safe(x)}},
        yaxis={**axis, "title": {"text": safe(y)}},
    )  # fmt: skip
    made.update_layout(**layout)
    return made


def right_axis(title):
    """A second axis of values, for `update_layout`."""
    return {
        "margin": {"l": 60, "r": 80, "t": 44, "b": 48},
        "yaxis2": {
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "automargin": True,
            "rangemode": "tozero",
            "tickmode": "auto",
            "title": {"text": safe(title)},
        },
    }


def empty(theme, title, why):
    """A figure that says why there is nothing to see."""
    made = figure(theme, title=title)
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False)
    made.add_annotation(text=safe(why), showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")
    return made


def safe(text):
    """Text for Plotly, which would read ``<b>`` or a link in it as markup."""
    return html.escape(str(text), quote=False)


def number(value, digits=4):
    """A number as people read it."""
    if value is None or value != value:
        return "-"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return (
        f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:.{digits}g}"
    )


def require(name):
    """Say how to get a library that is not installed."""
    if find_spec(name) is None:
        raise ModuleNotFoundError(
            f'{name} is not installed; try pip install "linewatch[dashboard]"'
        )
