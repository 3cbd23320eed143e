"""Features of windows as Polars expressions: ``pl.col("size").lw.wavelet_features()``.

`linewatch.interop.polars` puts these methods into the namespace ``lw`` of expressions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars.plugins import register_plugin_function

from linewatch._window_features import TWELVE, plan, whole
from linewatch.interop import _polars_plugin

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from linewatch._typing import Keys
    from linewatch._wavelets import Wavelet


__all__ = ["Features"]


class Features:
    """Features of windows of an expression; a part of `linewatch.interop.polars.Expressions`."""

    def wavelet_features(
        self,
        window: int | None = None,
        hop: int | None = None,
        wavelet: str | Wavelet = "db4",
        level: int = 4,
        mode: str | int = "symmetric",
        *,
        features: Sequence[str] = TWELVE,
        every_row: bool = False,
        groups: Keys | None = None,
        q: float = 2.0,
        bands: Sequence[tuple[float, float]] | None = None,
        sampling_rate: float = 1.0,
        order: int = 3,
        delay: int = 1,
        normalize: bool = True,
        n_jobs: int | None = 1,
    ) -> pl.Expr:
        """What windows, or all rows, show of their bands, spectrum and order.

        Parameters
        ----------
        window : int, optional
            Rows in a window. Without it all rows are one window: those of the frame, of a group in
            ``group_by().agg()`` or ``over``, or of each of `groups`.
        hop : int, optional
            Rows from one window to the next; `window` by default.
        wavelet, level, mode, features
            As for `linewatch.wavelet.features`, all names of features included.
        every_row : bool, default=False
            An answer for each row, null but for the last row of each window, so that it can stand
            beside other columns. Needs `window` or `groups`.
        groups : expression or column name, or list of them, optional
            Keys of groups, each a series of its own. For many small groups faster than
            ``group_by().agg()`` and ``over``, which call the kernel for each. A row without a key
            is in no window.
        n_jobs : int, default=1
            Threads to use. Polars already computes several expressions at once.
        q, bands, sampling_rate, order, delay, normalize
            As for `linewatch.wavelet.features`.

        Returns
        -------
        Expr
            A struct of the features, named as the columns of `linewatch.wavelet.features`: Float32
            for Float32, otherwise Float64; null where the window has a missing value.
            Without `window` and `groups` it is one, as of an aggregation; ``over`` gives it to each
            row. Otherwise there is one for each window, or each of `groups` as they appear, and
            ``row`` comes first: the last row of the window; a list of them for each group of a
            ``group_by``. A group shorter than `window` has none.

        Raises
        ------
        ValueError
            If a name is unknown or an argument out of range.
        ComputeError
            From Polars, if `level` is too high for `window`, or the column does not hold numbers.

        See Also
        --------
        linewatch.wavelet.features : The definitions.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> packets = pl.DataFrame({"source": ["a"] * 32 + ["b"] * 32, "size": [5.0, 9] * 32})
        >>> packets = packets.with_columns(pl.col("size").cum_sum().over("source") % 7)
        >>> entropies = ["wavelet_entropy", "spectral_entropy"]
        >>> found = packets.group_by("source", maintain_order=True).agg(
        ...     pl.col("size").lw.wavelet_features(features=entropies, wavelet="haar", level=2)
        ... )
        >>> found.unnest("size").columns
        ['source', 'wavelet_entropy_symmetric', 'spectral_entropy']

        Windows of 8 rows beside the other columns:

        >>> teager = pl.col("size").lw.wavelet_features(
        ...     8, features=["teager_energy"], every_row=True, groups="source"
        ... )
        >>> found = packets.with_columns(teager.alias("found")).drop_nulls("found")
        >>> found.unnest("found").columns, found.height
        (['source', 'size', 'teager_energy'], 8)
        """
        frequencies = {"bands": bands, "sampling_rate": sampling_rate}
        patterns = {"order": order, "delay": delay, "normalize": normalize}
        chosen = plan(features, wavelet, level, mode, q=q, **frequencies, **patterns)
        if window is not None:
            window = whole(window, "window", 1)
            hop = window if hop is None else whole(hop, "hop", 1)
        elif hop is not None:
            raise ValueError("hop needs window: without it a group is one window")
        if not isinstance(every_row, bool):
            raise TypeError(f"every_row must be True or False, got {every_row!r}")
        if every_row and window is None and groups is None:
            text = "every_row needs window or groups: without them all rows are one window"
            raise ValueError(f"{text} (over gives its answer to each row)")
        return _plugin(
            self._expr,
            chosen,
            groups,
            window=window,
            hop=hop or 0,
            every_row=every_row,
            n_jobs=_polars_plugin.threads(n_jobs),
        )

    def wavelet_entropy(
        self, wavelet: str | Wavelet = "db4", level: int = 4, mode: str | int = "symmetric"
    ) -> pl.Expr:
        """Shannon entropy, in nats, of the shares of the bands in the energy of all rows.

        An aggregation: one number, for each group in ``group_by().agg()`` and ``over``. Windows and
        many small groups are asked for by `wavelet_features`.

        Parameters
        ----------
        wavelet, level, mode
            As for `wavelet_features`.

        Returns
        -------
        Expr
            Float32 for Float32, otherwise Float64; null if a value is missing.

        See Also
        --------
        linewatch.wavelet.wavelet_entropy : The definition.

        Examples
        --------
        >>> import polars as pl
        >>> import linewatch.interop.polars
        >>> x = pl.DataFrame({"x": [1.0, -1, 1, 1]})
        >>> x.select(pl.col("x").lw.wavelet_entropy("haar", 1)).item().__round__(6)
        0.693147
        """
        return self._number("wavelet_entropy", wavelet=wavelet, level=level, mode=mode)

    def wavelet_tsallis_entropy(
        self,
        wavelet: str | Wavelet = "db4",
        level: int = 4,
        mode: str | int = "symmetric",
        *,
        q: float = 2.0,
    ) -> pl.Expr:
        """Tsallis entropy of order `q` of the shares of the bands; see `wavelet_entropy`."""
        return self._number("wavelet_tsallis_entropy", wavelet=wavelet, level=level, mode=mode, q=q)

    def wavelet_log_energy(
        self, wavelet: str | Wavelet = "db4", level: int = 4, mode: str | int = "symmetric"
    ) -> pl.Expr:
        """Sum of the logarithms of the band energies; see `wavelet_entropy`."""
        return self._number("wavelet_log_energy", wavelet=wavelet, level=level, mode=mode)

    def spectral_entropy(self, *, normalize: bool = True) -> pl.Expr:
        """Entropy of the power spectrum, as `linewatch.spectral.entropy`; see `wavelet_entropy`."""
        return self._number("spectral_entropy", normalize=normalize)

    def dominant_frequency(self, *, sampling_rate: float = 1.0) -> pl.Expr:
        """The frequency with the most power, in hertz; see `wavelet_entropy`."""
        return self._number("dominant_frequency", sampling_rate=sampling_rate)

    def permutation_entropy(
        self, order: int = 3, delay: int = 1, *, normalize: bool = True
    ) -> pl.Expr:
        """Entropy of the order of neighbouring values; see `wavelet_entropy`.

        See Also
        --------
        linewatch.spectral.permutation_entropy : The definition and the parameters.
        """
        own = {"order": order, "delay": delay, "normalize": normalize}
        return self._number("permutation_entropy", **own)

    def teager_energy(self) -> pl.Expr:
        """Mean of ``x[i] ** 2 - x[i - 1] * x[i + 1]``; see `wavelet_entropy`."""
        return self._number("teager_energy")

    def _number(self, feature, **options):
        return _plugin(self._expr, plan(feature, **options), plain=True)


def _plugin(x, plan, groups=None, *, window=None, every_row=False, **options):
    keys = _polars_plugin.keys(groups)
    options |= {"window": window, "every_row": every_row, "columns": plan.columns}
    options |= {"mode": plan.mode, "level": plan.level, "scales": plan.scales}
    options["features"] = [(name, [float(v) for v in own]) for name, *own in plan.features]
    if plan.wavelet.short_family_name:
        options["wavelet"] = plan.wavelet.name
    else:
        options["filters"] = [[float(tap) for tap in taps] for taps in plan.wavelet.filter_bank]
    is_one = window is None and not keys
    return register_plugin_function(
        plugin_path=_polars_plugin.library(),
        function_name="window_features",
        args=[x, *keys],
        # Read once for each group of an `over`: the shorter, the faster.
        kwargs={k: v for k, v in options.items() if v not in (None, False, [])},
        # A window reads other rows.
        is_elementwise=False,
        changes_length=not every_row,
        returns_scalar=is_one,
    )
