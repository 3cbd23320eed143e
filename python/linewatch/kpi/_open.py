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

    found = {"cell": pl.Series([event["cell"] for event in events], dtype=cell_dtype)}
    for name in COLUMNS[1:]:
        column = [event[name] for event in events]
        if name in _TIMES:
            stamps = np.array(column, dtype=np.int64) // 1000
            found[name] = zoned(pl.Series(stamps.astype("datetime64[us]")), zone)
        elif name in ("value", "baseline", "score"):
            numbers = [None if number is None or number != number else number for number in column]
            found[name] = pl.Series(numbers, dtype=pl.Float64)
        else:
            found[name] = pl.Series(column, dtype=_dtypes()[name])
    return pl.DataFrame(found)


@functools.cache
def _dtypes():
    import polars as pl

    text, whole = pl.String, pl.Int64
    return {
        "kpi": text, "event": pl.Int32, "n_anomalies": whole, "direction": pl.Int8, "rule": text,
        "excess": pl.Float64,
    }  # fmt: skip
