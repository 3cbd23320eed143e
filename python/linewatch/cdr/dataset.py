"""Data sets: what can be made from a config."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from linewatch import _core
from linewatch._frames import as_backend, check_backend
from linewatch.cdr.config import Config

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator, Mapping
    from typing import Any, Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from linewatch._typing import Backend, PathLike, Progress


CallsT = TypeVar("CallsT")

BATCH_SIZE = 65_536
BACKENDS = ("polars", "pandas", "pyarrow")
# What the kernel calls the tables of many rows.
KERNELS = {"calls": "calls", "sms": "sms", "data_sessions": "data"}


def generate(
    users: int | None = None,
    days: int | None = None,
    seed: int | None = None,
    *,
    config: Config | Mapping[str, Any] | PathLike | None = None,
    preset: Literal["realistic", "seed"] | None = None,
    n_jobs: int | None = None,
    **fields: Any,
) -> Dataset:
    """Call records of made-up users, with labelled anomalies.

    Nothing is made yet: ask the data set for its calls, its tables or to be written.

    Parameters
    ----------
    users, days, seed : int, optional
        Size and random seed; 1,000 users, 7 days and seed 0 by default.
    config : Config, dict or path of a TOML file, optional
        Everything else. What is given here by name wins over it.
    preset : {"realistic", "seed"}, optional
        Where fields come from that nobody names; "realistic" by default. See `Config.preset`.
    n_jobs : int, optional
        Threads, with scikit-learn's meaning; all cores by default. The rows do not depend on it.
    **fields
        Fields of `Config`, such as ``anomaly_ratio=0.01``.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError, TypeError
        If a field is unknown or impossible, with the nearest name or the largest value that fits.

    Examples
    --------
    >>> from linewatch import cdr
    >>> data = cdr.generate(users=200, days=3, seed=1, anomaly_ratio=0.1)
    >>> calls = data.calls().collect()
    >>> calls["is_anomaly"].sum() == round(0.1 * calls.height)
    True
    >>> data.users["user_id"][0]
    'user_0001'
    """
    given = {"users": users, "days": days, "seed": seed}
    fields = {**{name: v for name, v in given.items() if v is not None}, **fields}
    if config is None:
        config = Config.preset(preset if preset is not None else "realistic", **fields)
    elif preset is not None:
        raise ValueError("preset and config exclude each other; name the preset in the config")
    else:
        if isinstance(config, dict):
            config = Config.from_dict({**config, **fields})
        elif not isinstance(config, Config):
            try:
                config = Config.from_toml(config)
            except TypeError as error:
                if "Config has no field" in str(error):
                    raise
                raise TypeError(
                    f"config must be a Config, a dict or a path, got {type(config).__name__}"
                ) from None
        config = config.replace(**fields) if fields else config
    return Dataset(config, n_jobs=n_jobs)


class Dataset:
    """A data set that can be made at any time; `generate` gives it.

    Attributes
    ----------
    config : Config
        What it is made from.
    rows, anomalies : int
        Calls in all, and how many of them are anomalies; known without making them.

    Examples
    --------
    >>> from linewatch import cdr
    >>> data = cdr.generate(users=100, days=2, seed=1)
    >>> data.users.height
    100
    >>> data.shard(1).collect()["call_start_ts"].dt.date().unique().to_list()
    [datetime.date(2024, 1, 2)]
    """

    config: Config
    n_jobs: int | None
    quotas: list[tuple[int, int]]
    rows: int
    anomalies: int

    def __init__(self, config: Config, *, n_jobs: int | None = None) -> None:
        self.config = config
        self.n_jobs = n_jobs
        self._core = _core.CdrDataset(config._settings())
        self.quotas, self._plan = self._core.quotas, None
        if config.scenarios:
            from linewatch.cdr.scenarios.plan import Plan

            self._plan = Plan(config, self._core)
            self.quotas = self._plan.quotas(self.quotas)
        self.rows = sum(rows for rows, _ in self.quotas)
        self.anomalies = sum(anomalies for _, anomalies in self.quotas)

    def __repr__(self) -> str:
        c = self.config
        return (
            f"<linewatch.cdr.Dataset: {c.users:,} users, {c.days:,} days from {c.start}, seed "
            f"{c.seed}: {self.rows:,} calls, {self.anomalies:,} of them anomalies>"
        )

    @overload
    def calls(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["polars"] = ...,
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pl.DataFrame]: ...
    @overload
    def calls(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["pandas"],
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pd.DataFrame]: ...
    @overload
    def calls(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["pyarrow"],
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pa.Table]: ...
    def calls(self, *, batch_size=BATCH_SIZE, backend="polars", days=None, n_jobs=None):
        """The calls as a stream that anyone may read, any number of times.

        Parameters
        ----------
        batch_size : int, default=65536
            Most rows of a batch; a batch never holds two days.
        backend : {"polars", "pandas", "pyarrow"}, default="polars"
            What iterating over the stream gives: a frame for each batch.
        days : (int, int), optional
            Days from the first to before the second, counted from 0; all by default.
        n_jobs : int, optional
            Threads; those of the data set by default.

        Returns
        -------
        Calls
            Also speaks the Arrow PyCapsule interface: ``pyarrow.table(calls)``,
            ``polars.DataFrame(calls)`` or a DuckDB query read it in one go.

        Examples
        --------
        >>> from linewatch import cdr
        >>> calls = cdr.generate(users=100, days=2).calls(batch_size=500)
        >>> [batch.height for batch in calls][:2]
        [500, 370]
        """
        first, last = (0, self.config.days) if days is None else days
        return Calls(self, first, last, batch_size, backend, n_jobs)

    @overload
    def sms(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["polars"] = ...,
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pl.DataFrame]: ...
    @overload
    def sms(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["pandas"],
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pd.DataFrame]: ...
    @overload
    def sms(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["pyarrow"],
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pa.Table]: ...
    def sms(self, *, batch_size=BATCH_SIZE, backend="polars", days=None, n_jobs=None):
        """Short messages, as a stream like that of `calls`.

        Users write to those whom they call, in conversations. A message takes seconds, or up to
        two hours if the phone that it goes to is off. Scenarios add no messages, but a swapped
        card and a silent cell show in them.

        Parameters
        ----------
        batch_size, backend, days, n_jobs
            As for `calls`.

        Returns
        -------
        Calls
            With ``sms_id``, ``sender_id``, ``recipient_id``, ``sms_ts``, ``delivery_ts``,
            ``message_size`` in octets, the cells of both, ``sender_imei`` and both IMSIs.

        Examples
        --------
        >>> from linewatch import cdr
        >>> sms = cdr.generate(users=100, days=2).sms().collect()
        >>> bool((sms["delivery_ts"] > sms["sms_ts"]).all())
        True
        """
        first, last = (0, self.config.days) if days is None else days
        return Calls(self, first, last, batch_size, backend, n_jobs, table="sms")

    @overload
    def data_sessions(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["polars"] = ...,
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pl.DataFrame]: ...
    @overload
    def data_sessions(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["pandas"],
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pd.DataFrame]: ...
    @overload
    def data_sessions(
        self,
        *,
        batch_size: int = ...,
        backend: Literal["pyarrow"],
        days: tuple[int, int] | None = ...,
        n_jobs: int | None = ...,
    ) -> Calls[pa.Table]: ...
    def data_sessions(self, *, batch_size=BATCH_SIZE, backend="polars", days=None, n_jobs=None):
        """Data sessions, as a stream like that of `calls`.

        A user is in one session at a time, and none goes beyond its hour: there the network
        closes the record. Scenarios add none, but a swapped card and a silent cell show in them.

        Parameters
        ----------
        batch_size, backend, days, n_jobs
            As for `calls`.

        Returns
        -------
        Calls
            With ``session_id``, ``user_id``, ``session_start_ts``, ``session_end_ts``,
            ``session_duration`` in seconds, ``cell_id``, ``rat_type``, ``downlink_volume`` and
            ``uplink_volume`` in bytes, ``cause_for_record_closing`` (0 normal, 16 volume limit,
            17 time limit), ``imei`` and ``imsi``.

        Examples
        --------
        >>> from linewatch import cdr
        >>> data = cdr.generate(users=100, days=2).data_sessions().collect()
        >>> sorted(data["cause_for_record_closing"].unique())
        [0, 16, 17]
        """
        first, last = (0, self.config.days) if days is None else days
        return Calls(self, first, last, batch_size, backend, n_jobs, table="data_sessions")

    def shard(self, day: int | str | datetime.date) -> Calls[pl.DataFrame]:
        """The calls of one day, counted from 0 or named by its date, as the whole has them.

        Examples
        --------
        >>> from linewatch import cdr
        >>> data = cdr.generate(users=100, days=3)
        >>> data.shard(2).collect().equals(data.shard("2024-01-03").collect())
        True
        """
        first = self._day(day)
        return self.calls(days=(first, first + 1))

    def rows_by_day(self, table: str = "calls") -> list[int]:
        """Rows of each day of "calls", "sms" or "data_sessions", known without making them.

        Examples
        --------
        >>> from linewatch import cdr
        >>> data = cdr.generate(users=100, days=2)
        >>> sum(data.rows_by_day()) == data.rows
        True
        """
        if table not in KERNELS:
            names = ", ".join(f'"{name}"' for name in KERNELS)
            raise ValueError(f"table must be one of {names}, got {table!r}")
        if table == "calls":
            return [rows for rows, _ in self.quotas]
        return self._core.rows_by_day(KERNELS[table])

    def _day(self, day):
        if isinstance(day, str):
            day = datetime.date.fromisoformat(day)
        if isinstance(day, datetime.date):
            day = (day - self.config.start).days
        if isinstance(day, bool) or not isinstance(day, int):
            raise TypeError(f"day must be a number or a date, got {type(day).__name__}")
        if not 0 <= day < self.config.days:
            raise ValueError(
                f"day must be between 0 and {self.config.days - 1} "
                f"({self.config.start} to {self._date(self.config.days - 1)}), got {day}"
            )
        return day

    def _date(self, day):
        return self.config.start + datetime.timedelta(days=day)

    @property
    def users(self) -> pl.DataFrame:
        """The users, a Polars frame of one row each; the accounts of scenarios come last."""
        users = _polars(self._core.users())
        return users if self._plan is None else users.vstack(self._plan.users)

    @property
    def towers(self) -> pl.DataFrame:
        """The towers, a Polars frame of one row each."""
        return _polars(self._core.towers())

    @property
    def communities(self) -> pl.DataFrame:
        """Who belongs to which community, a Polars frame of one row for each membership."""
        return _polars(self._core.communities())

    @property
    def actors(self) -> pl.DataFrame:
        """The users who are there for a scenario only: ``user_id``, ``scenario`` and ``role``.

        Examples
        --------
        >>> from linewatch import cdr
        >>> data = cdr.generate(users=500, days=1, anomaly_mix={"robocall": 1, "short_call": 9})
        >>> data.actors["role"].to_list()
        ['robocaller']
        """
        return _polars(self._core.actors())

    def realism(self) -> pl.DataFrame:
        """Statistics of the first 14 days beside the bands that lifelike calls fall into.

        See `linewatch.cdr.realism`, which does so for any calls.

        Returns
        -------
        polars.DataFrame
            ``statistic``, ``value``, ``low``, ``high`` and ``is_inside``.

        Examples
        --------
        >>> from linewatch import cdr
        >>> table = cdr.generate(users=500, days=7, seed=1).realism()
        >>> bool(table["is_inside"].mean() > 0.9)
        True
        """
        import polars as pl

        from linewatch.cdr.realism import coded, report

        users, towers = self.users, self.towers
        user, cell = pl.Enum(users["user_id"]), pl.Enum(towers["cell_id"])
        days = (0, min(14, self.config.days))
        parts = [coded(batch, user, cell) for batch in self.calls(days=days, batch_size=1 << 20)]
        return report(parts, users, towers, user, cell)

    def write(
        self,
        folder: PathLike,
        format: Literal["parquet", "csv"] = "parquet",
        *,
        picture: bool | None = None,
        n_jobs: int | None = None,
        progress: Progress = None,
    ) -> list[pathlib.Path]:
        """Write all tables, the metadata and the picture to a new folder.

        Messages and data sessions are written if ``config.tables`` names them.

        Parameters
        ----------
        folder : path
            Where to; must not exist or be empty. It appears when everything is in it, under a
            temporary name before.
        format : {"parquet", "csv"}, default="parquet"
            Parquet has the calls in ``cdr_call_records/``, one file a day; CSV has them in
            ``cdr_call_records.csv``.
        picture : bool, optional
            Whether to draw ``cdr_dataset_analysis.png``; if matplotlib is there by default.
        n_jobs : int, optional
            Threads; those of the data set by default. The bytes do not depend on it.
        progress : bool or callable, optional
            True for a bar (needs tqdm), or a function that is given the rows written since its
            last call.

        Returns
        -------
        list of pathlib.Path
            The files written.

        Raises
        ------
        FileExistsError
            If the folder is not empty.
        OSError
            If the system refuses, for example for want of space; nothing is kept then.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from linewatch import cdr
        >>> folder = pathlib.Path(tempfile.mkdtemp()) / "data"
        >>> files = cdr.generate(users=50, days=1).write(folder, "csv", picture=False)
        >>> [file.name for file in files][:2]
        ['cdr_call_records.csv', 'cdr_cell_towers.csv']
        """
        from linewatch.cdr.write import write

        return write(self, folder, format, picture=picture, n_jobs=n_jobs, progress=progress)

    @property
    def truth(self) -> pl.DataFrame:
        """The anomalies: a Polars frame with ``call_id``, ``anomaly_type``, users and times."""
        import polars as pl

        columns = ["call_id", "anomaly_type", "caller_id", "callee_id"]
        columns += ["call_start_ts", "call_end_ts"]
        parts = [batch.filter("is_anomaly").select(columns) for batch in self.calls()]
        return pl.concat(parts)

    def truth_tables(self) -> dict[str, pl.DataFrame]:
        """What the scenarios planted: which calls, users, cells and stretches of time.

        Returns
        -------
        dict of polars.DataFrame
            ``calls``: ``call_id``, ``scenario``, ``incident``, ``role`` and ``is_added``, which is
            false for a call that a scenario changed. ``users``, ``cells`` and ``intervals``:
            ``scenario``, ``incident``, ``difficulty``, ``role``, ``start`` and ``end``, the first
            two with ``user_id`` and ``cell_id``.

        Examples
        --------
        >>> from linewatch import cdr
        >>> data = cdr.generate(users=200, days=2, scenarios=["cell_outage"])
        >>> data.truth_tables()["cells"]["role"].to_list()[0]
        'silent'
        """
        if self._plan is None:
            raise ValueError('the data set has no scenarios; try generate(scenarios=["sim_box"])')
        return {"calls": self._woven(None).truth(), **self._plan.truth()}

    def handovers(self, days: tuple[int, int] | None = None) -> pl.DataFrame:
        """Each change of cell during a call; ``ping_pong`` adds to them.

        Parameters
        ----------
        days : (int, int), optional
            Days whose calls count, from the first to before the second; all by default.

        Returns
        -------
        polars.DataFrame
            ``call_id``, ``handover_ts``, ``from_cell_id`` and ``to_cell_id`` by time.

        Examples
        --------
        >>> from linewatch import cdr
        >>> cdr.generate(users=200, days=1).handovers().columns
        ['call_id', 'handover_ts', 'from_cell_id', 'to_cell_id']
        """
        from linewatch.cdr.scenarios.records import handovers

        return handovers(self._woven(days))

    def arrivals(self, days: tuple[int, int] | None = None) -> pl.DataFrame:
        """The records of the calls as a billing system gets them; ``mediation`` spoils them.

        A record comes 1 to 15 minutes after its call ended, unless it is late.

        Parameters
        ----------
        days : (int, int), optional
            Days whose calls count, from the first to before the second; all by default.

        Returns
        -------
        polars.DataFrame
            ``call_id``, ``recorded_start_ts``, ``recorded_end_ts`` and ``arrival_ts``, in the
            order of arrival. A record that came twice has two rows.

        Examples
        --------
        >>> from linewatch import cdr
        >>> data = cdr.generate(users=200, days=2, scenarios={"mediation": {"hours": 48}})
        >>> data.arrivals().height > data.rows
        True
        """
        from linewatch.cdr.scenarios.records import arrivals

        return arrivals(self._woven(days))

    def _woven(self, days):
        """The calls of some days, with the scenarios there are."""
        from linewatch.cdr.scenarios.plan import Plan
        from linewatch.cdr.scenarios.weave import Woven

        first, last = (0, self.config.days) if days is None else days
        if not (isinstance(first, int) and 0 <= first <= last <= self.config.days):
            raise ValueError(
                f"days must be two numbers between 0 and {self.config.days}, got {days}"
            )
        plan = Plan(self.config, self._core) if self._plan is None else self._plan
        return Woven(plan, self.quotas, first, last, BATCH_SIZE, self.n_jobs)


class Calls(Generic[CallsT]):
    """Rows to come. Iterate over it for frames, `collect` it, or hand it to a reader of Arrow.

    Examples
    --------
    >>> from linewatch import cdr
    >>> calls = cdr.generate(users=100, days=1, seed=1).calls(batch_size=500)
    >>> [batch.height for batch in calls][:2]
    [500, 373]
    >>> calls.collect().height == sum(batch.height for batch in calls)
    True
    """

    rows: int

    def __init__(
        self,
        dataset: Dataset,
        first: int,
        last: int,
        batch_size: int,
        backend: Backend,
        n_jobs: int | None,
        table: str = "calls",
    ) -> None:
        if backend not in BACKENDS:
            names = ", ".join(f'"{name}"' for name in BACKENDS)
            raise ValueError(f"backend must be one of {names}, got {backend!r}")
        check_backend(backend)
        if isinstance(batch_size, bool) or not isinstance(batch_size, int):
            raise TypeError(f"batch_size must be a whole number, got {type(batch_size).__name__}")
        if not 1 <= batch_size <= 10_000_000:
            raise ValueError(f"batch_size must be between 1 and 10000000, got {batch_size}")
        days = dataset.config.days
        if not (isinstance(first, int) and isinstance(last, int) and 0 <= first <= last <= days):
            raise ValueError(f"days must be two numbers between 0 and {days}, got {(first, last)}")
        n_jobs = dataset.n_jobs if n_jobs is None else n_jobs
        rows = dataset.rows_by_day(table)
        span = (first, last, batch_size, n_jobs)
        if dataset._plan is None:
            self._core = dataset._core.calls(*span, KERNELS[table])
        elif table == "calls":
            from linewatch.cdr.scenarios.weave import Woven

            self._core = Woven(dataset._plan, dataset.quotas, *span)
        else:
            from linewatch.cdr.scenarios.tables import Touched

            self._core = Touched(dataset._plan, table, rows, *span)
        self._backend, self._what = backend, table.replace("_", " ")
        self.rows = sum(rows[first:last])

    def __repr__(self) -> str:
        return f"<linewatch.cdr.Calls: {self.rows:,} rows of {self._what} to come>"

    def __iter__(self) -> Iterator[CallsT]:
        for batch in self._core:
            yield _frame(batch, self._backend)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._core.__arrow_c_stream__(requested_schema)

    def collect(self) -> CallsT:
        """All rows as one frame."""
        return _frame(self._core, self._backend)


def _polars(table):
    import polars as pl

    return pl.DataFrame(table)


def _frame(table, backend):
    if backend == "pyarrow":
        import pyarrow

        return pyarrow.table(table)
    return as_backend(_polars(table), backend)
