"""How lifelike calls are: statistics that studies of real call records report, with bands.

The bands are wide on purpose: data that lack a mechanism (a social network, people who move, bursts
of activity) fall outside, and any plausible data fall inside. Most figures need some hundred users,
a week and twenty calls a user; below that they say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linewatch._arguments import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from linewatch._typing import AnyFrame


# Statistic -> (lowest, highest).
BANDS = {
    "duration_mean_over_median": (1.3, 4.0),
    "duration_sd_of_ln": (0.8, 1.6),
    "duration_commonest_second_share": (0.0, 0.03),
    "duration_ks_log_normal": (0.0, 0.06),
    "duration_ks_log_logistic": (0.0, 0.08),
    "calls_per_user_cv": (0.5, 3.0),
    "calls_top_tenth_share": (0.2, 0.7),
    "burstiness": (0.2, 0.7),
    "burstiness_deseasoned": (0.08, 0.6),
    "memory": (-0.1, 0.3),
    "top_contact_share": (0.12, 0.5),
    "top_3_contacts_share": (0.3, 0.85),
    "out_degree_cv": (0.4, 3.0),
    "out_degree_p99_over_median": (3.0, 40.0),
    "reciprocity_of_ties": (0.3, 0.9),
    "reciprocity_of_calls": (0.5, 0.98),
    "clustering": (0.08, 0.6),
    "clustering_over_random": (5.0, np.inf),
    "tie_weight_overlap_correlation": (0.05, 1.0),
    "peak_hour_over_mean": (1.5, 2.8),
    "share_02_to_05": (0.001, 0.03),
    "trough_over_peak": (0.002, 0.12),
    "weekend_over_weekday": (0.55, 0.95),
    "weekend_over_weekday_business": (0.2, 0.75),
    "weekend_profile_difference": (0.04, 0.4),
    "top_cell_share": (0.3, 0.8),
    "top_2_cells_share": (0.5, 0.97),
    "distinct_cells_in_14_days": (3.0, 60.0),
    "gyration_radius_km": (0.3, 15.0),
    "gyration_p95_over_median": (2.0, 60.0),
    "at_home_by_night": (0.5, 0.97),
    "at_home_at_midday": (0.1, 0.7),
    "handover_distance_over_diagonal": (0.0, 0.2),
    "handover_rate_long_over_short": (1.5, np.inf),
    "cell_load_cv": (0.35, np.inf),
    "area_profile_difference": (0.05, 0.5),
}

_BUSY = 20
_DAYS = 14
_NODES = 3000
_EDGES = 30_000
_KM_PER_DEGREE = 111.195


def realism(calls: AnyFrame, users: AnyFrame, towers: AnyFrame) -> pl.DataFrame:
    """Statistics of call records beside the bands that lifelike ones fall into.

    Parameters
    ----------
    calls : DataFrame or anything that speaks Arrow
        With the columns of `Dataset.calls`; only rows whose ``anomaly_type`` is "normal" and
        whose duration is above 0 count, and only the first 14 days.
    users, towers : DataFrame or anything that speaks Arrow
        With the columns of `Dataset.users` and `Dataset.towers`.

    Returns
    -------
    polars.DataFrame
        ``statistic``, ``value``, ``low``, ``high`` and ``is_inside``; a value is null where the
        data do not have it (no weekend, no caller with 20 calls). See docs/cdr.md for the
        definitions.

    Raises
    ------
    ValueError
        If a column is missing or there are no normal calls.

    References
    ----------
    .. [1] Onnela, J.-P. et al. (2007). Structure and tie strengths in mobile communication
       networks. PNAS 104(18).
    .. [2] Kim, E.-K. and Jo, H.-H. (2016). Measuring burstiness for finite event sequences.
       Physical Review E 94.
    .. [3] Gonzalez, M. C., Hidalgo, C. A. and Barabasi, A.-L. (2008). Understanding individual
       human mobility patterns. Nature 453.

    Examples
    --------
    >>> from linewatch import cdr
    >>> data = cdr.generate(users=300, days=7, seed=1)
    >>> cdr.realism(data.calls(), data.users, data.towers).columns
    ['statistic', 'value', 'low', 'high', 'is_inside']
    """
    import polars as pl

    calls, users, towers = (pl.DataFrame(table) for table in (calls, users, towers))
    for title, table, needed in (
        ("calls", calls, [*_CALLS, "anomaly_type"]),
        ("users", users, ["user_id", "home_cell_id", "call_pattern"]),
        ("towers", towers, ["cell_id", "latitude", "longitude", "area_type"]),
    ):
        for column in needed:
            if column not in table.columns:
                found = quoted(table.columns, most=None)
                raise ValueError(f'column "{column}" of {title} is missing; it has {found}')
    user, cell = pl.Enum(users["user_id"].unique(maintain_order=True)), pl.Enum(towers["cell_id"])
    return report([coded(calls, user, cell)], users, towers, user, cell)


_CALLS = (
    "caller_id",
    "callee_id",
    "call_start_ts",
    "call_duration",
    "first_cell_id",
    "last_cell_id",
)


def coded(calls: AnyFrame, user: pl.Enum, cell: pl.Enum) -> pl.DataFrame:
    """Normal calls with numbers for names; `user` and `cell` are the enums of the names."""
    import polars as pl

    rows = calls.filter((pl.col("anomaly_type") == "normal") & (pl.col("call_duration") > 0))
    try:
        return rows.select(
            caller=pl.col("caller_id").cast(user).to_physical(),
            callee=pl.col("callee_id").cast(user).to_physical(),
            start=pl.col("call_start_ts").cast(pl.Datetime("us")),
            duration=pl.col("call_duration").cast(pl.Int32),
            first=pl.col("first_cell_id").cast(cell).to_physical(),
            last=pl.col("last_cell_id").cast(cell).to_physical(),
        )
    except pl.exceptions.InvalidOperationError as error:
        raise ValueError(
            f"calls name users or cells that the tables do not have: {error}"
        ) from None


def report(
    parts: Iterable[pl.DataFrame], users: AnyFrame, towers: AnyFrame, user: pl.Enum, cell: pl.Enum
) -> pl.DataFrame:
    """The table of statistics from coded calls."""
    import polars as pl

    calls = pl.concat(parts)
    if calls.height == 0:
        raise ValueError("calls has no normal rows with a duration above 0; nothing to measure")
    first_day = calls["start"].min().replace(hour=0, minute=0, second=0, microsecond=0)
    calls = calls.filter(pl.col("start") < first_day + pl.duration(days=_DAYS))
    calls = calls.with_columns(
        hour=pl.col("start").dt.hour(), weekday=pl.col("start").dt.weekday() - 1
    )
    n_users = users["user_id"].n_unique()
    home = np.empty(n_users, dtype=np.int64)
    codes = users["user_id"].cast(user).to_physical().to_numpy()
    home[codes] = users["home_cell_id"].cast(cell).to_physical().to_numpy()
    is_business = np.empty(n_users, dtype=bool)
    is_business[codes] = (users["call_pattern"] == "business").to_numpy()
    found = {
        **_durations(calls["duration"].to_numpy()),
        **_activity(calls["caller"].to_numpy(), n_users),
        **_bursts(calls),
        **_ties(calls, n_users),
        **_rhythm(calls, is_business),
        **_places(calls, home, _km(towers)),
        **_handovers(calls, _km(towers)),
        **_cells(calls, towers),
    }
    rows = []
    for name, (low, high) in BANDS.items():
        value = float(found.get(name, np.nan))
        value = None if np.isnan(value) else value
        inside = None if value is None else bool(low <= value <= high)
        rows.append((name, value, low, high, inside))
    schema = ["statistic", "value", "low", "high", "is_inside"]
    types = [pl.String, pl.Float64, pl.Float64, pl.Float64, pl.Boolean]
    return pl.DataFrame(rows, schema=dict(zip(schema, types)), orient="row")


def _durations(seconds):
    from scipy.special import expit, ndtr

    values, counts = np.unique(seconds, return_counts=True)
    upper = counts.cumsum() / counts.sum()
    lower = upper - counts / counts.sum()
    ln = np.log(values)
    mean = (ln * counts).sum() / counts.sum()
    sd = np.sqrt(((ln - mean) ** 2 * counts).sum() / counts.sum())

    def quantile(p):
        return ln[np.searchsorted(upper, p)]

    def distance(cdf):
        return max(np.abs(upper - cdf).max(), np.abs(lower - cdf).max())

    found = {
        "duration_mean_over_median": (values * counts).sum() / counts.sum() / np.exp(quantile(0.5)),
        "duration_sd_of_ln": sd,
        "duration_commonest_second_share": counts.max() / counts.sum(),
    }
    scale = (quantile(0.75) - quantile(0.25)) / (2 * np.log(3))
    if sd > 0 and scale > 0:
        found["duration_ks_log_normal"] = distance(ndtr((ln - mean) / sd))
        found["duration_ks_log_logistic"] = distance(expit((ln - quantile(0.5)) / scale))
    return found


def _activity(caller, n_users):
    calls = np.sort(np.bincount(caller, minlength=n_users))
    tenth = max(1, n_users // 10)
    return {
        "calls_per_user_cv": calls.std() / calls.mean(),
        "calls_top_tenth_share": calls[-tenth:].sum() / calls.sum(),
    }


def _bursts(calls):
    import polars as pl

    seconds = calls["start"].dt.epoch("s").to_numpy()
    hours = (seconds - seconds.min() // 86_400 * 86_400) // 3600
    n_hours = int(hours.max()) + 1
    # Intensity of each hour of the week, then time as the calls that everybody has made by then.
    of_week = np.arange(n_hours) % 168
    counts = np.bincount(of_week[hours], minlength=168)
    spans = np.bincount(of_week, minlength=168)
    intensity = (counts / np.maximum(spans, 1))[of_week]
    passed = np.concatenate([[0.0], intensity.cumsum()])
    begin = seconds.min() // 86_400 * 86_400
    operational = np.interp((seconds - begin) / 3600, np.arange(n_hours + 1), passed)
    frame = calls.select(
        "caller", t=pl.Series(seconds).cast(pl.Float64), u=pl.Series(operational)
    ).sort("caller", "t")
    gaps = frame.with_columns(pl.col("t", "u").diff().over("caller")).drop_nulls()
    gaps = gaps.with_columns(before=pl.col("t").shift(1).over("caller"))
    users = gaps.group_by("caller").agg(
        n=pl.len(),
        t=pl.col("t").std(ddof=0) / pl.col("t").mean(),
        u=pl.col("u").std(ddof=0) / pl.col("u").mean(),
        memory=pl.corr("t", "before"),
    )
    users = users.filter(pl.col("n") >= _BUSY)
    n = users["n"].to_numpy().astype(float)

    def median_burstiness(r):
        above, below = np.sqrt(n + 1), np.sqrt(n - 1)
        return np.median((above * r - below) / ((above - 2) * r + below))

    if not users.height:
        return {}
    memory = users["memory"].drop_nulls().drop_nans()
    return {
        "burstiness": median_burstiness(users["t"].to_numpy()),
        "burstiness_deseasoned": median_burstiness(users["u"].to_numpy()),
        "memory": np.nan if memory.is_empty() else memory.median(),
    }


def _ties(calls, n_users):
    import polars as pl
    from scipy.sparse import csr_array

    ties = calls.group_by("caller", "callee").agg(weight=pl.len())
    callers = (
        ties.sort("weight", descending=True)
        .group_by("caller")
        .agg(
            calls=pl.col("weight").sum(),
            top=pl.col("weight").first(),
            top_3=pl.col("weight").head(3).sum(),
            degree=pl.len(),
        )
    )
    busy = callers.filter(pl.col("calls") >= _BUSY)
    degree = callers["degree"].to_numpy()
    back = ties.join(
        ties.select(caller="callee", callee="caller"), on=["caller", "callee"], how="semi"
    )
    a, b = ties["caller"].to_numpy(), ties["callee"].to_numpy()
    weight = ties["weight"].to_numpy().astype(float)
    low, high = np.minimum(a, b), np.maximum(a, b)
    both = csr_array((weight, (low, high)), shape=(n_users, n_users)).tocoo()
    rows, columns = both.coords
    ones = np.ones(2 * len(rows), dtype=np.int32)
    ends = (np.concatenate([rows, columns]), np.concatenate([columns, rows]))
    graph = csr_array((ones, ends), shape=(n_users, n_users))
    degrees = np.diff(graph.indptr)
    rng = np.random.default_rng(0)
    nodes = np.flatnonzero(degrees >= 2)
    if len(nodes) > _NODES:
        nodes = np.sort(rng.choice(nodes, _NODES, replace=False))
    found = {
        "out_degree_cv": degree.std() / degree.mean(),
        "out_degree_p99_over_median": np.percentile(degree, 99) / np.median(degree),
        "reciprocity_of_ties": back.height / ties.height,
        "reciprocity_of_calls": back["weight"].sum() / weight.sum(),
    }
    if busy.height:
        found["top_contact_share"] = (busy["top"] / busy["calls"]).median()
        found["top_3_contacts_share"] = (busy["top_3"] / busy["calls"]).median()
    if len(nodes):
        local = graph[nodes]
        triangles = (local @ graph).multiply(local).sum(axis=1)
        k = degrees[nodes]
        found["clustering"] = np.mean(triangles / (k * (k - 1.0)))
        random = degrees.mean() / (n_users - 1)
        found["clustering_over_random"] = found["clustering"] / random
    edges = np.arange(len(rows))
    if len(edges) > _EDGES:
        edges = rng.choice(edges, _EDGES, replace=False)
    common = graph[rows[edges]].multiply(graph[columns[edges]]).sum(axis=1)
    union = degrees[rows[edges]] + degrees[columns[edges]] - 2 - common
    overlap = np.where(union > 0, common / np.maximum(union, 1), 0.0)
    pair = pl.DataFrame({"w": both.data[edges], "o": overlap}).select(pl.all().rank())
    if pair["w"].n_unique() > 1 and pair["o"].n_unique() > 1:
        found["tie_weight_overlap_correlation"] = pair.select(pl.corr("w", "o")).item()
    return found


def _shares(counts):
    return counts / max(counts.sum(), 1)


def _rhythm(calls, is_business):
    hour, weekday = calls["hour"].to_numpy(), calls["weekday"].to_numpy()
    shares = _shares(np.bincount(hour, minlength=24))
    found = {
        "peak_hour_over_mean": 24 * shares.max(),
        "share_02_to_05": shares[2:5].sum(),
        "trough_over_peak": shares.min() / shares.max(),
    }
    weekend = weekday >= 5
    dates = calls.select(date="start").to_series().dt.date().unique()
    n_weekend = int((dates.dt.weekday() > 5).sum())
    n_weekday = len(dates) - n_weekend
    if not (n_weekend and n_weekday):
        return found
    for name, chosen in (
        ("weekend_over_weekday", slice(None)),
        ("weekend_over_weekday_business", is_business[calls["caller"].to_numpy()]),
    ):
        ends = weekend[chosen]
        if (~ends).any():
            found[name] = (ends.sum() / n_weekend) / ((~ends).sum() / n_weekday)
    profiles = [_shares(np.bincount(hour[chosen], minlength=24)) for chosen in (weekend, ~weekend)]
    found["weekend_profile_difference"] = np.abs(profiles[0] - profiles[1]).sum() / 2
    return found


def _km(towers):
    """Positions of the towers on a plane, in kilometers."""
    latitude, longitude = towers["latitude"].to_numpy(), towers["longitude"].to_numpy()
    scale = np.cos(np.radians(latitude.mean()))
    return np.column_stack([latitude, longitude * scale]) * _KM_PER_DEGREE


def _places(calls, home, km):
    import polars as pl

    visits = calls.group_by("caller", "first").agg(n=pl.len())
    visits = visits.with_columns(calls=pl.col("n").sum().over("caller"))
    visits = visits.filter(pl.col("calls") >= _BUSY).sort("n", descending=True)
    found = {}
    if visits.height:
        visits = visits.with_columns(
            y=pl.Series(km[visits["first"].to_numpy(), 0]),
            x=pl.Series(km[visits["first"].to_numpy(), 1]),
        )
        weight = pl.col("n") / pl.col("calls")
        center = [(pl.col(c) * weight).sum().over("caller").alias(f"{c}0") for c in "xy"]
        visits = visits.with_columns(center)
        square = (pl.col("x") - pl.col("x0")) ** 2 + (pl.col("y") - pl.col("y0")) ** 2
        users = visits.group_by("caller", maintain_order=True).agg(
            top=pl.col("n").first() / pl.col("calls").first(),
            top_2=pl.col("n").head(2).sum() / pl.col("calls").first(),
            cells=pl.len(),
            radius=(square * weight).sum().sqrt(),
        )
        radius = users["radius"].to_numpy()
        found = {
            "top_cell_share": users["top"].median(),
            "top_2_cells_share": users["top_2"].median(),
            "distinct_cells_in_14_days": users["cells"].median(),
            "gyration_radius_km": np.median(radius),
        }
        if np.median(radius) > 0:
            found["gyration_p95_over_median"] = np.percentile(radius, 95) / np.median(radius)
    at_home = calls["first"].to_numpy() == home[calls["caller"].to_numpy()]
    hour = calls["hour"].to_numpy()
    for name, chosen in (
        ("at_home_by_night", (hour >= 20) | (hour < 7)),
        ("at_home_at_midday", (hour >= 10) & (hour < 16)),
    ):
        if chosen.any():
            found[name] = at_home[chosen].mean()
    return found


def _handovers(calls, km):
    first, last = calls["first"].to_numpy(), calls["last"].to_numpy()
    moved = first != last
    diagonal = np.hypot(*(km.max(axis=0) - km.min(axis=0)))
    found = {}
    if moved.any() and diagonal > 0:
        distance = np.hypot(*(km[first[moved]] - km[last[moved]]).T)
        found["handover_distance_over_diagonal"] = np.median(distance) / diagonal
    order = np.argsort(calls["duration"].to_numpy(), kind="stable")
    fifth = len(order) // 5
    if fifth and moved[order[:fifth]].any():
        found["handover_rate_long_over_short"] = (
            moved[order[-fifth:]].mean() / moved[order[:fifth]].mean()
        )
    return found


def _cells(calls, towers):
    first, hour = calls["first"].to_numpy(), calls["hour"].to_numpy()
    load = np.bincount(first, minlength=towers.height)
    found = {"cell_load_cv": load.std() / load.mean()}
    areas, area = np.unique(towers["area_type"].to_numpy(), return_inverse=True)
    profiles = [
        _shares(np.bincount(hour[area[first] == k], minlength=24))
        for k in range(len(areas))
        if (area[first] == k).any()
    ]
    if len(profiles) > 1:
        found["area_profile_difference"] = max(
            np.abs(a - b).sum() / 2 for i, a in enumerate(profiles) for b in profiles[:i]
        )
    return found
