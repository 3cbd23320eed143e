"""Events that go on, followed row by row."""

import functools

import numpy as np

COLUMNS = [
    "cell", "kpi", "event", "start", "end", "n_anomalies", "worst_time", "value", "baseline",
    "score", "direction", "rule", "excess",
]  # fmt: skip
_TIMES = ("start", "end", "worst_time")


class Open:
    """Events of one KPI that are not over: no anomaly for longer than `merge_gap`, nor an alarm for
    `refractory`, ends one. Times are nanoseconds."""

    def __init__(self, kpi, merge_gap, refractory, events=()):
        self.kpi, self.merge_gap, self.refractory = kpi, merge_gap, refractory
        self.events = {event["cell"]: dict(event) for event in events}

    def follow(self, cells, rows):
        """Take scored rows (a dict of arrays): the events that began, and those that are over."""
        opened, closed = [], []
        anomaly, restarted = rows["is_anomaly"], rows["restarted"]
        for i in np.flatnonzero(anomaly | restarted).tolist():
            cell = cells[i]
            if (rows["is_alarm"][i] or restarted[i]) and cell in self.events:
                closed.append(self.events.pop(cell))
            if anomaly[i]:
                if cell not in self.events:
                    self.events[cell] = self._begin(cell, rows, i)
                    opened.append(self.events[cell])
                else:
                    self._extend(self.events[cell], rows, i)
        if self.events:
            closed += self._over(cells, rows)
        return opened, closed

    def _over(self, cells, rows):
        """Events whose cell has shown a time that is far enough from them."""
        newest = {}
        for cell, time, taken in zip(cells, rows["time"].tolist(), rows["taken"], strict=True):
            if taken and cell in self.events:
                newest[cell] = time
        closed = []
        for cell, time in newest.items():
            event = self.events[cell]
            quiet = time - event["end"] > self.merge_gap
            if quiet and (not self.refractory or time - event["start"] > self.refractory):
                closed.append(self.events.pop(cell))
        return closed

    def _begin(self, cell, rows, i):
        time = int(rows["time"][i])
        event = {"cell": cell, "kpi": self.kpi, "event": int(rows["event"][i])}
        event |= {"start": time, "end": time, "n_anomalies": 0, "excess": 0.0, "score": None}
        self._extend(event, rows, i)
        return event

    def _extend(self, event, rows, i):
        event["end"] = int(rows["time"][i])
        event["n_anomalies"] += 1
        value, baseline, score = (float(rows[name][i]) for name in ("value", "baseline", "score"))
        if not np.isnan(value - baseline):
            event["excess"] += value - baseline
        known = -1.0 if np.isnan(score) else score
        before = -1.0 if event["score"] is None or np.isnan(event["score"]) else event["score"]
        if event["score"] is None or known > before:
            event |= {
                "worst_time": event["end"],
                "value": value,
                "baseline": baseline,
                "score": score,
                "direction": int(rows["direction"][i]),
                "rule": rows["rule"][i],
            }


def table(events, cell_dtype, zone):
    """Events as a Polars frame."""
    return _table(events, cell_dtype, zone) if events else _empty(cell_dtype, zone)


def zoned(times, zone):
    """Naive times in UTC as times in a zone; as they are without one."""
    if zone is None:
        return times
    return times.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


@functools.cache
def _empty(cell_dtype, zone):
    return _table([], cell_dtype, zone)


def _table(events, cell_dtype, zone):
    import polars as pl

    dtypes = {"cell": cell_dtype, "kpi": pl.String, "event": pl.Int32}
    dtypes |= {"start": pl.Int64, "end": pl.Int64, "n_anomalies": pl.Int64, "worst_time": pl.Int64}
    dtypes |= dict.fromkeys(("value", "baseline", "score"), pl.Float64)
    dtypes |= {"direction": pl.Int8, "rule": pl.String, "excess": pl.Float64}
    columns = {name: [event[name] for event in events] for name in COLUMNS}
    found = pl.DataFrame(columns, schema=dtypes)
    times = [zoned((pl.col(name) // 1000).cast(pl.Datetime("us")), zone) for name in _TIMES]
    numbers = [pl.col(name).fill_nan(None) for name in ("value", "baseline", "score")]
    return found.with_columns(*times, *numbers)
