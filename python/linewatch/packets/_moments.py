"""What each source did, moment by moment, of a capture of any length.

The capture passes once. A source is looked at once in a fifth of a window, at its last packet
there: a moment, with the features of the window that ends then. Moments go to files in a temporary
folder; memory holds the packets of a window and a batch, and one row for each source.
"""

from pathlib import Path

import numpy as np

#: Features of a moment that the forest looks at.
LOOKED_AT = [
    "packet_count",
    "byte_count",
    "length_mean",
    "length_std",
    "syn_without_ack_ratio",
    "rst_ratio",
    "destination_count",
    "destination_port_count",
    "destination_port_entropy",
    "source_port_entropy",
]
#: Packets that are worked on at once.
BATCH = 1 << 18
#: Moments that the forest draws from; of more, about so many are drawn first.
SAMPLE = 51_200
_COLUMNS = ["time", "source_address", "length", "tcp_flags", "destination_address"]
_COLUMNS += ["destination_port", "source_port"]


class Moments:
    """The moments of the packets that `add` was given, once `close` was called."""

    def __init__(self, folder, window, window_ns):
        self.folder = Path(folder)
        self.window = window
        self.window_ns = window_ns
        self.step = max(window_ns // 5, 1)
        self.files = 0
        self.n = 0
        self.counts = dict.fromkeys(
            ["packets", "bytes", "addressed", "malformed", "cut", "back", "late", "restarts"], 0
        )
        self.first = self.last = None
        self._kept = None  # what later windows still see, and the step that is not over
        self._done = None  # moments of steps below it are written
        self._came = []
        self._latest = None
        self._totals, self._visits = _Sums(), _Sums()

    def add(self, frame):
        """The next packets of the capture."""
        import polars as pl

        counts = self.counts
        counts["packets"] += frame.height
        counts["bytes"] += int(frame["length"].cast(pl.Int64).sum())
        counts["malformed"] += int(frame["malformed"].sum())
        counts["cut"] += int((frame["captured_length"] < frame["length"]).sum())
        counts["addressed"] += frame.height - frame["source_address"].null_count()
        first, last = frame["time"].min(), frame["time"].max()
        if first is not None:
            self.first = first if self.first is None else min(first, self.first)
            self.last = last if self.last is None else max(last, self.last)
        frame = frame.filter(pl.col("time").is_not_null() & pl.col("source_address").is_not_null())
        if not frame.height:
            return
        totals = frame.group_by("source_address").agg(
            n_packets=pl.len().cast(pl.Int64),
            n_bytes=pl.col("length").cast(pl.Int64).sum(),
            n_malformed=pl.col("malformed").cast(pl.Int64).sum(),
            start=pl.col("time").min(),
            end=pl.col("time").max(),
        )
        self._totals.add(_own(totals))
        times = frame["time"].cast(pl.Int64).to_numpy()
        before = times[0] if self._latest is None else self._latest
        counts["back"] += int((np.diff(times, prepend=before) < 0).sum())
        self._latest = times[-1]
        self._came.append(frame.select(_COLUMNS))
        waiting = sum(rows.height for rows in self._came)
        if waiting >= max(BATCH, 0 if self._kept is None else self._kept.height):
            self._work(is_end=False)

    def close(self):
        """There are no more packets."""
        self._work(is_end=True)

    def totals(self):
        """A row for each source: packets, bytes, malformed ones, first and last time."""
        return self._totals.table()

    def visits(self):
        """How many moments each source has."""
        return self._visits.table()

    def tables(self):
        """The moments, table by table, in the order in which they were written."""
        import polars as pl

        for k in range(self.files):
            yield k, pl.read_parquet(self.folder / f"moments-{k:06}.parquet")

    def _work(self, is_end):
        import polars as pl

        if self._came:
            came = pl.concat(self._came)
            self._came = []
            step = self._steps(came)
            if self._done is not None:
                late = int((step < self._done).sum())
                if 2 * late > came.height:
                    # Another clock, or captures one behind the other: windows begin anew.
                    self._write(self._kept, None)
                    self._kept = self._done = None
                    self.counts["restarts"] += 1
                else:
                    self.counts["late"] += late
            rows = came if self._kept is None else pl.concat([self._kept, came])
            self._kept = rows.sort("time", maintain_order=True).rechunk()
        if self._kept is None:
            return
        if is_end:
            self._write(self._kept, None)
            self._kept = None
            return
        limit = int(self._steps(self._kept)[-1])
        self._write(self._kept, limit)
        self._done = limit
        sees = pl.col("time").cast(pl.Int64) > limit * self.step - self.window_ns
        self._kept = _own(self._kept.filter(sees))

    def _steps(self, rows):
        import polars as pl

        return rows["time"].cast(pl.Int64) // self.step

    def _write(self, rows, limit):
        """Moments of the steps from the last ones written up to `limit`."""
        import polars as pl

        from linewatch import packets

        step = pl.col("step")
        wanted = step >= self._done if self._done is not None else pl.lit(True)
        if limit is not None:
            wanted = wanted & (step < limit)
        last = (
            rows.select("source_address", "time", step=self._steps(rows))
            .with_row_index("row")
            .filter(wanted)
            .group_by("source_address", "step", maintain_order=True)
            .agg(pl.col("row").last(), at=pl.col("time").last())
        )
        if not last.height:
            return
        found = packets.features(rows, self.window, features=LOOKED_AT)
        found.columns = LOOKED_AT
        moments = pl.concat(
            [last.select("source_address", "at"), found[last["row"]]], how="horizontal"
        )
        moments.write_parquet(self.folder / f"moments-{self.files:06}.parquet", compression="lz4")
        self.files += 1
        self.n += moments.height
        visits = moments.group_by("source_address").agg(n=pl.len().cast(pl.Int64))
        self._visits.add(_own(visits))


def _own(table):
    """The table with texts of its own: those of a batch would keep all the batch in memory."""
    import polars as pl

    return table.with_columns(
        pl.concat_str(name, pl.lit("")).alias(name)
        for name, kind in table.schema.items()
        if kind == pl.String
    )


class _Sums:
    """Rows of the same source added up, now and then and at the end."""

    def __init__(self):
        self._parts = []
        self._rows = 0
        self._merged = 0

    def add(self, part):
        self._parts.append(part)
        self._rows += part.height
        if self._rows > 2 * self._merged + 1_000_000:
            self._parts = [self.table()]
            self._rows = self._merged = self._parts[0].height

    def table(self):
        import polars as pl

        rows = pl.concat(self._parts)
        merge = {"start": pl.Expr.min, "end": pl.Expr.max}
        columns = [name for name in rows.columns if name != "source_address"]
        return (
            rows.group_by("source_address")
            .agg(merge.get(name, pl.Expr.sum)(pl.col(name)) for name in columns)
            .sort("source_address")
        )


def fit(moments, seed):
    """A forest in which each source has the same chance to be drawn, however much it sends."""
    import polars as pl

    from linewatch import IsolationForest

    draw = np.random.default_rng(seed)
    visits = moments.visits()
    parts, weights = [], []
    for _, table in moments.tables():
        chance = table.join(visits, on="source_address", how="left", maintain_order="left")["n"]
        weight = 1 / chance.to_numpy()
        if moments.n > SAMPLE:
            copies = draw.poisson(SAMPLE / visits.height * weight)
            table = table[np.repeat(np.arange(table.height), copies)]
            weight = np.ones(table.height)
        parts.append(table.select(LOOKED_AT))
        weights.append(weight)
    forest = IsolationForest(n_estimators=200, random_state=seed)
    return forest.fit(pl.concat(parts), sample_weight=np.concatenate(weights))


def worst(moments, forest):
    """The most unusual moment of each source, the most unusual source first.

    The score of each moment stays beside it in the temporary folder, for `lines`.
    """
    import polars as pl

    best = None
    for k, table in moments.tables():
        scored = table.with_columns(
            score=pl.Series(-np.asarray(forest.score_samples(table[LOOKED_AT])))
        )
        scored.select("source_address", "at", "packet_count", "score").write_parquet(
            moments.folder / f"scores-{k:06}.parquet", compression="lz4"
        )
        both = scored if best is None else pl.concat([best, scored])
        best = (
            both.sort("score", descending=True, maintain_order=True)
            .group_by("source_address", maintain_order=True)
            .first()
        )
        best = _own(best)
    return best


def lines(moments, sources, most=300):
    """Packet rate and score over time of some sources, and the highest score of all others.

    Returns the middle of each stretch of time, for each source the greatest rate (packets a
    second) and score there, NaN where it is silent, and the score of the others.
    """
    import polars as pl

    first = int(pl.Series([moments.first]).cast(pl.Datetime("ns")).cast(pl.Int64)[0])
    last = int(pl.Series([moments.last]).cast(pl.Datetime("ns")).cast(pl.Int64)[0])
    n = int(min(most, max((last - first) // moments.step + 1, 1)))
    width = max((last - first) / n, 1.0)
    rates = {source: np.zeros(n) for source in sources}
    scores = {source: np.full(n, np.nan) for source in [*sources, None]}
    for k in range(moments.files):
        table = pl.read_parquet(moments.folder / f"scores-{k:06}.parquet")
        bin_ = ((pl.col("at").cast(pl.Int64) - first) / width).cast(pl.Int64).clip(0, n - 1)
        name = pl.when(pl.col("source_address").is_in(list(sources))).then("source_address")
        found = table.group_by(name.alias("name"), bin_.alias("bin")).agg(
            pl.col("score").max(), rate=pl.col("packet_count").max() / (moments.window_ns / 1e9)
        )
        for source, place, score, rate in found.rows():
            scores[source][place] = np.fmax(scores[source][place], score)
            if source is not None:
                rates[source][place] = max(rates[source][place], rate)
    middles = first + width * (np.arange(n) + 0.5)
    return middles.astype("datetime64[ns]"), rates, scores
