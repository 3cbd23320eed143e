"""Wavelet packets of one dimension: a tree in which details are split, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch._wavelets import as_discrete, mode_name
from linewatch._window_features import whole
from linewatch.wavelet._arrays import as_axis, as_numbers
from linewatch.wavelet._dwt import dwt, dwt_max_level, idwt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Literal

    from numpy.typing import ArrayLike

    from linewatch._typing import Column
    from linewatch._wavelets import Wavelet


_PARTS = ("a", "d")
# A signal is halved so often at most; and of each level all nodes can be listed up to this one.
_DEEPEST, _LISTED = 64, 20


def _order(level):
    """Paths of a level by frequency: the Gray code of their places."""
    paths = [""]
    for _ in range(level):
        paths = ["a" + path for path in paths] + ["d" + path for path in reversed(paths)]
    return paths


class Node:
    """A node of the tree: coefficients, and under them their approximation and detail.

    Attributes
    ----------
    data : ndarray or None
        Coefficients.
    path : str
        The way from the root, such as ``"aad"``.
    level : int
        Its length.
    parent : Node or None
    """

    data: Any
    path: str
    level: int
    parent: Node | None
    a: Node | None
    d: Node | None
    wavelet: Wavelet
    mode: str
    axes: int

    PART_LEN = 1
    PARTS = _PARTS

    def __init__(self, parent: Node | None, data: ArrayLike | None, node_name: str) -> None:
        self.parent = parent
        self.a = self.d = None
        self.data = data
        self._shape = None if data is None else np.shape(data)
        self.path, self.level = "", 0
        if parent is not None:
            self.path, self.level = parent.path + node_name, parent.level + 1
            self.wavelet, self.mode, self.axes = parent.wavelet, parent.mode, parent.axes
            self._maxlevel = parent.maxlevel

    @property
    def maxlevel(self) -> int | None:
        """Deepest level of the tree, or None while nothing tells it."""
        if self._maxlevel is None:
            self._maxlevel = self._from_parents()
        if self._maxlevel is None:
            self._maxlevel = self._from_subnodes()
        return self._maxlevel

    def _own_level(self):
        if self._maxlevel is not None or self.data is None:
            return self._maxlevel
        return self.level + dwt_max_level(np.shape(self.data)[self.axes], self.wavelet)

    def _from_parents(self):
        level = self._own_level()
        if level is None and self.parent is not None:
            return self.parent._from_parents()
        return level

    def _from_subnodes(self):
        level = self._own_level()
        for node in (self.a, self.d):
            if level is None and node is not None:
                level = node._from_subnodes()
        return level

    @property
    def node_name(self) -> str:
        """The last letter of the path."""
        return self.path[-1:]

    @property
    def path_tuple(self) -> tuple[str, ...]:
        """The path, a letter for each level."""
        return tuple(self.path)

    @property
    def is_empty(self) -> bool:
        """Whether there are no coefficients."""
        return self.data is None

    @property
    def has_any_subnode(self) -> bool:
        """Whether the node has been split."""
        return self.a is not None or self.d is not None

    def _new(self, part, data=None):
        node = Node(self, data, part)
        setattr(self, part, node)
        return node

    def decompose(self) -> tuple[Node, Node]:
        """Split the node into approximation and detail.

        Raises
        ------
        ValueError
            At the deepest level.
        """
        if self.maxlevel is None or self.level >= self.maxlevel:
            raise ValueError(f"the deepest level of this tree is {self.maxlevel}")
        if self.is_empty:
            for part in _PARTS:
                if getattr(self, part) is None:
                    self._new(part)
        else:
            for part, data in zip(_PARTS, dwt(self.data, self.wavelet, self.mode, self.axes)):
                self._new(part, data)
        return self.a, self.d

    def reconstruct(self, update: bool = False) -> Any:
        """Coefficients of the node from those below it.

        Parameters
        ----------
        update : bool
            Keep them in `data`.
        """
        if not self.has_any_subnode:
            return self.data
        parts = [None if node is None else node.reconstruct() for node in (self.a, self.d)]
        if parts[0] is None and parts[1] is None:
            raise ValueError(f"the nodes below {self.path!r} hold no coefficients")
        out = idwt(*parts, self.wavelet, self.mode, self.axes)
        if self._shape is not None:
            out = out[tuple(slice(n) for n in self._shape)]
        if update:
            self.data = out
        return out

    def get_subnode(self, part: Literal["a", "d"], decompose: bool = True) -> Node | None:
        """The node ``"a"`` or ``"d"`` below this one, made if it must be and may be."""
        self._check_part(part)
        if getattr(self, part) is None and decompose and not self.is_empty:
            self.decompose()
        return getattr(self, part)

    @staticmethod
    def _check_part(part):
        if part not in _PARTS:
            raise ValueError(f"a node is called 'a' or 'd', not {part!r}")

    @staticmethod
    def _path(path):
        if isinstance(path, tuple) and all(isinstance(part, str) for part in path):
            return "".join(path)
        if not isinstance(path, str):
            raise TypeError(f"a path is text such as 'aad', got {type(path).__name__}")
        return path

    def _check_depth(self, depth):
        if self.maxlevel is not None and depth > self.maxlevel:
            raise IndexError(
                f"a path of {depth} levels; the deepest of this tree is {self.maxlevel}"
            )

    def __getitem__(self, path: str | Sequence[str]) -> Node:
        path = self._path(path)
        self._check_depth(self.level + len(path))
        node = self
        for part in path:
            node = node.get_subnode(part)
            if node is None:
                raise IndexError(f"there is no node {path!r}: its parents hold no coefficients")
        return node

    def __setitem__(self, path: str | Sequence[str], data: Any) -> None:
        path = self._path(path)
        self._check_depth(self.level + len(path))
        node = self
        for part in path:
            self._check_part(part)
            below = getattr(node, part)
            node = node._new(part) if below is None else below
        node.data = as_numbers(data.data if isinstance(data, Node) else data)

    def __delitem__(self, path: str | Sequence[str]) -> None:
        node = self[path]
        parent, node.parent = node.parent, None
        if parent is not None:
            setattr(parent, node.node_name, None)

    def walk(
        self,
        func: Callable[..., object],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        decompose: bool = True,
    ) -> None:
        """Call `func` on the node and, where it returns True, on those below."""
        if func(self, *args, **(kwargs or {})) and self._has_deeper():
            for part in _PARTS:
                node = self.get_subnode(part, decompose)
                if node is not None:
                    node.walk(func, args, kwargs, decompose)

    def walk_depth(
        self,
        func: Callable[..., object],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        decompose: bool = True,
    ) -> None:
        """Call `func` on the nodes below, then on the node."""
        if self._has_deeper():
            for part in _PARTS:
                node = self.get_subnode(part, decompose)
                if node is not None:
                    node.walk_depth(func, args, kwargs, decompose)
        func(self, *args, **(kwargs or {}))

    def _has_deeper(self):
        return self.maxlevel is not None and self.level < self.maxlevel

    def get_leaf_nodes(self, decompose: bool = False) -> list[Node]:
        """The nodes that are not split; with `decompose` those of the deepest level."""
        if decompose and self.maxlevel is not None and self.maxlevel > self.level + _LISTED:
            raise ValueError(
                f"maxlevel must be at most {self.level + _LISTED} to list all leaves, got "
                f"{self.maxlevel}"
            )
        leaves = []

        def collect(node):
            is_deepest = node.level == node.maxlevel and not node.is_empty
            if is_deepest or (not decompose and not node.has_any_subnode):
                leaves.append(node)
                return False
            return True

        self.walk(collect, decompose=decompose)
        return leaves

    def __str__(self) -> str:
        return f"{self.path}: {self.data}"


class WaveletPacket(Node):
    """Wavelet packets of a signal: a tree split where you look.

    Parameters
    ----------
    data : array-like or None
        The signal; None for a tree to be filled and reconstructed.
    wavelet : str or Wavelet
        See `wavelist`.
    mode : str, default="symmetric"
        As for `dwt`.
    maxlevel : int, optional
        Deepest level; `dwt_max_level` by default.
    axis : int, default=-1
        The axis to transform.

    Raises
    ------
    ValueError
        For an unknown wavelet or mode, an axis that `data` does not have, or a `maxlevel` above
        64.

    References
    ----------
    .. [1] Coifman, R. R. and Wickerhauser, M. V. (1992). Entropy-based algorithms for best basis
       selection. IEEE Transactions on Information Theory 38(2), 713-718.

    Examples
    --------
    >>> from linewatch import wavelet
    >>> packet = wavelet.WaveletPacket([1.0, 2, 3, 4, 5, 6, 7, 8], "haar")
    >>> packet["ad"].data.round(12)
    array([-2., -2.])
    >>> [node.path for node in packet.get_level(2, "freq")]
    ['aa', 'ad', 'dd', 'da']
    """

    data_size: tuple[int, ...] | None
    wavelet: Wavelet
    mode: str
    axes: int

    def __init__(
        self,
        data: Column | None,
        wavelet: str | Wavelet,
        mode: str | int = "symmetric",
        maxlevel: int | None = None,
        axis: int = -1,
    ) -> None:
        self._maxlevel = None
        super().__init__(None, data, "")
        self.wavelet, self.mode, self.axes = as_discrete(wavelet), mode_name(mode), axis
        self.data_size = None
        if data is not None:
            # The caller's own object stays in `data`; `dwt` converts it where it is split.
            self.data_size = self._shape = as_numbers(data).shape
            self.axes = as_axis(axis, len(self.data_size))
            if maxlevel is None:
                maxlevel = dwt_max_level(self.data_size[self.axes], self.wavelet)
        self._maxlevel = None if maxlevel is None else whole(maxlevel, "maxlevel", 0, _DEEPEST)

    def __reduce__(self) -> tuple[Any, ...]:
        settings = (self.data, self.wavelet, self.mode, self._maxlevel, self.axes)
        return WaveletPacket, settings

    def reconstruct(self, update: bool = True) -> Any:
        """The signal from the coefficients in the tree.

        Parameters
        ----------
        update : bool, default=True
            Keep it in `data`.
        """
        return super().reconstruct(update)

    def get_level(
        self, level: int, order: Literal["natural", "freq"] = "natural", decompose: bool = True
    ) -> list[Node]:
        """All nodes of a level.

        Parameters
        ----------
        level : int
            Which.
        order : {"natural", "freq"}
            From left to right in the tree, or from low to high frequencies.
        decompose : bool, default=True
            Split nodes to get there.

        Raises
        ------
        ValueError
            For a level below the deepest one or above 20, or another order.
        """
        if order not in ("natural", "freq"):
            raise ValueError(f"order must be 'natural' or 'freq', got {order!r}")
        if self.maxlevel is None or level > self.maxlevel:
            raise ValueError(f"level must be at most {self.maxlevel}, got {level}")
        if level > _LISTED:
            raise ValueError(
                f"level must be at most {_LISTED} to list its 2**level nodes, got {level} (name "
                "those you want by their paths)"
            )
        found = {}

        def collect(node):
            if node.level == level:
                found[node.path] = node
                return False
            return True

        self.walk(collect, decompose=decompose)
        if order == "freq":
            return [found[path] for path in _order(level) if path in found]
        return list(found.values())
