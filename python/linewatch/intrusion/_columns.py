"""The 41 columns of a frame as arrays, checked."""

import numpy as np

from linewatch._nsl_kdd import CATEGORICAL, FEATURES
from linewatch.intrusion._features import _table

# Never vary in the training data, so nothing was learned of them.
UNUSED = ("num_outbound_cmds", "is_host_login")
NUMERIC = tuple(name for name in FEATURES if name not in CATEGORICAL and name not in UNUSED)
EXAMPLES = {"protocol_type": "tcp", "service": "http", "flag": "SF"}


def raw_columns(X):
    """The numbers (n, 36) and the three text columns of a frame, checked."""
    table = _table(X, FEATURES)
    if not len(table):
        raise ValueError("X is empty; expected at least one row")
    schema = table.schema
    for name in NUMERIC:
        if not (schema[name].is_numeric() or str(schema[name]) == "Boolean"):
            raise TypeError(f'column "{name}" of X has dtype {schema[name]}; expected numbers')
    numbers = table.select(NUMERIC).to_numpy()
    if numbers.dtype == object:  # nullable columns
        numbers = np.stack([table[name].to_numpy() for name in NUMERIC], axis=1)
    numbers = numbers.astype(np.float64)
    bad = ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f'column "{NUMERIC[column]}" of X holds {numbers[row, column]} in row {row}; expected '
            "finite numbers from 0"
        )
    texts = {}
    for name in CATEGORICAL:
        values = table[name].to_list()
        for row, value in enumerate(values):
            if not isinstance(value, str):
                raise ValueError(
                    f'column "{name}" of X holds {value!r} in row {row}; expected text such as '
                    f'"{EXAMPLES[name]}"'
                )
        texts[name] = np.array(values, dtype=object)
    return numbers, texts


def by_frequency(normal, rows):
    """Names in `rows`, the most frequent among `normal` first, then by name."""
    names, counts = np.unique(normal.astype(str), return_counts=True)
    often = dict(zip(names.tolist(), counts.tolist()))
    every = np.unique(rows.astype(str)).tolist()
    return sorted(every, key=lambda name: (-often.get(name, 0), name))
