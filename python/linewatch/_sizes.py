"""Refuses, before anything is allocated, what the memory of the machine cannot hold."""

import os

VALUE = 8  # bytes


def check_rows(rows, asked, columns=10):
    """Raise `ValueError` for a table that does not fit; `asked` says what makes so many rows.

    Examples
    --------
    >>> check_rows(10**15, "n_flows=1000000000000000")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: n_flows=1000000000000000 makes 1e+15 rows, about 7.5e+07 GiB; this process may ...
    """
    needed, most = VALUE * columns * float(min(rows, 10**300)), memory()
    if needed > most:
        raise ValueError(
            f"{asked} makes {float(min(rows, 10**300)):.3g} rows, about {needed / 2**30:.2g} GiB; "
            f"this process may use {most / 2**30:.2g} GiB"
        )


def memory():
    """Bytes that the process may use: those of the machine, or fewer where it has a limit."""
    most = []
    try:
        most.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        most += [limit] if limit != resource.RLIM_INFINITY else []
    except (ImportError, AttributeError, ValueError, OSError):
        pass  # a system that does not tell
    return min(most, default=2**62)
