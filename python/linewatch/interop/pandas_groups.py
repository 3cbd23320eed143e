"""The groups of a pandas ``groupby`` as arrays: order of rows, code of each row, result index."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .pandas_kernels import VERSION, Unsupported

if TYPE_CHECKING:
    from typing import Any

    from linewatch._typing import Array, Int64


class Groups:
    """Rows of a ``groupby`` in the order of its rolling results: group by group.

    Parameters
    ----------
    grouper : pandas BaseGrouper
        What ``groupby(...)`` made of the keys.
    """

    def __init__(self, grouper: Any) -> None:
        if type(grouper).__name__ != "BaseGrouper":
            raise Unsupported("the groups are bins")
        if VERSION < (3, 0):
            raise Unsupported("groups before pandas 3")
        if VERSION < (3, 1) and len(grouper.levels) > 1 and not grouper._sort:
            raise Unsupported("groups of several keys, unsorted, have an order of their own")
        if isinstance(grouper.result_index, pd.CategoricalIndex):
            rows = np.bincount(grouper.ids[grouper.ids >= 0], minlength=grouper.ngroups)
            if not grouper._sort or not rows.all():
                raise Unsupported("the groups are categories, unsorted or without rows")
        self._grouper = grouper

    @functools.cached_property
    def order(self) -> Array | None:
        """Row numbers group by group, without rows of no group; None if that changes nothing."""
        ids = self._grouper.ids
        rows = None
        if len(ids) and ids.min() < 0:
            rows = np.flatnonzero(ids >= 0)
            ids = ids[rows]
        if (ids[1:] >= ids[:-1]).all():
            return rows
        # Two passes of a radix sort, as NumPy sorts 16 bits.
        order = np.argsort(ids.astype(np.uint16), kind="stable")
        if self._grouper.ngroups > 1 << 16:
            order = order[np.argsort((ids[order] >> 16).astype(np.uint16), kind="stable")]
        return order if rows is None else rows[order]

    @functools.cached_property
    def codes(self) -> Int64:
        """Number of the group of each row, in the new order."""
        return self.take(self._grouper.ids).astype(np.int64, copy=False)

    def take(self, array: Any) -> Any:
        """An array or index of the original rows in the new order."""
        return array if self.order is None else array.take(self.order)

    def are_sorted(self, times: Array) -> bool:
        """Whether times, in the new order, never go back inside a group."""
        return bool(((times[1:] >= times[:-1]) | (self.codes[1:] != self.codes[:-1])).all())

    def index(self, index: pd.Index) -> pd.MultiIndex:
        """The keys followed by the object's own index, as pandas names and orders them."""
        grouper = self._grouper
        codes = [self.take(code) for code in grouper.codes]
        levels = list(grouper.levels)
        names = [*grouper.names, *index.names]
        if (
            not isinstance(index, pd.MultiIndex)
            and index.is_monotonic_increasing
            and index.is_unique
        ):
            # Its own level already: no need to look for its distinct values.
            order = np.arange(len(index)) if self.order is None else self.order
            codes.append(order)
            levels.append(pd.Index(index.to_numpy()) if isinstance(index, pd.RangeIndex) else index)
        else:
            taken = self.take(index)
            if not isinstance(taken, pd.MultiIndex):
                taken = pd.MultiIndex.from_arrays([taken])
            codes.extend(taken.codes)
            levels.extend(taken.levels)
        return pd.MultiIndex(levels, codes, names=names, verify_integrity=False)
