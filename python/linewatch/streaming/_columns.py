"""The columns that a scorer of streams wants, from events of any kind."""

import math
from collections.abc import Mapping

import numpy as np

from linewatch import _features
from linewatch._arguments import quoted
from linewatch.streaming._events import is_column, values_of


def columns_of(events, wanted):
    """The wanted columns of events, whether there is one only, and how many there are."""
    wanted = [name for name in wanted if name is not None]
    one = False
    if isinstance(events, Mapping):
        table, names = events, list(events)
    else:
        table = _features.frame(events)
        if table is None:
            raise TypeError(
                f"events must be a dict or a pandas, Polars or pyarrow frame, got "
                f"{type(events).__name__}"
            )
        names = list(table.columns)
    for name in wanted:
        if name not in names:
            raise ValueError(f'column "{name}" is missing; the events have {quoted(names)}')
    if isinstance(events, Mapping):
        several = {name: is_column(events[name]) for name in wanted}
        one = not any(several.values())
        if one:
            table = {name: [events[name]] for name in wanted}
        elif not all(several.values()):
            name = next(name for name, is_several in several.items() if not is_several)
            raise ValueError(f'column "{name}" holds one value, others hold several')
    n = len(table[wanted[0]]) if wanted else len(table)
    return table, one, n


def column_values(column, name, n, one):
    if n == 0:
        return np.empty(0)
    if one and (column[0] is None or isinstance(column[0], float)):
        return np.array([math.nan if column[0] is None else column[0]])
    return read_column(values_of, column, name, n)


def read_column(read, column, name, n):
    """What `read` makes of a column, with the column's name in its errors."""
    try:
        return read(column, n)
    except (ValueError, TypeError) as error:
        text = str(error).removeprefix("value ").removeprefix("key ")
        raise type(error)(f'column "{name}": {text}') from None
