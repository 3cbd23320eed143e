"""Arguments of public functions, checked: the errors name the argument and what it was given."""

import numpy as np


def whole_number(name, value, at_least=None):
    """`value` as an int, of at least `at_least`."""
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    value = int(value)
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    # Beyond any array; keeps the kernels' arithmetic from overflowing.
    limit = 2**62
    return value if -limit < value < limit else limit if value > 0 else -limit


def check_number(name, value, expected, holds):
    """Refuse what is no number, or one for which `holds` does not; `expected` says what should."""
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise TypeError(f"{name} must be {expected}, got {value!r}")
    if not holds(value):
        raise ValueError(f"{name} must be {expected}, got {value!r}")


def check_choice(name, value, known):
    """Refuse all but the texts in `known`."""
    if not isinstance(value, str) or value not in known:
        *most, last = (f'"{k}"' for k in known)
        raise ValueError(f"{name} must be {', '.join(most)} or {last}, got {value!r}")


def check_flag(name, value):
    """`value` as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def quoted(names, most=8):
    """Names for an error: in quotes, the first `most` of them, or all."""
    names = list(names)
    shown = ", ".join(f'"{name}"' for name in names[:most])
    more = 0 if most is None else len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def check_columns(names, there):
    """Refuse the name of a column that is not `there`."""
    for name in names:
        if name not in there:
            raise ValueError(
                f'column "{name}" is missing; the table has {quoted(there, most=None)}'
            )
