"""The definitions of the flow analyses in plain pandas: slow, short, and checked by hand."""

import numpy as np
import pandas as pd


def derive(flows):
    out = flows.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = {name: flows[name].to_numpy().astype(float) for name in ("ibyt", "obyt")}
        packets = {name: flows[name].to_numpy().astype(float) for name in ("ipkt", "opkt")}
        td = flows["td"].to_numpy()
        out["total_bytes"] = flows["ibyt"] + flows["obyt"]
        out["byte_per_sec"] = (whole["ibyt"] + whole["obyt"]) / td
        out["pkt_per_sec"] = (packets["ipkt"] + packets["opkt"]) / td
        out["in_byte_per_ipkt"] = whole["ibyt"] / packets["ipkt"]
        out["out_byte_per_opkt"] = whole["obyt"] / packets["opkt"]
        out["byte_delivery_ratio"] = whole["ibyt"] / whole["obyt"]
        out["pkt_delivery_ratio"] = packets["ipkt"] / packets["opkt"]
    return out


def usage_by_source(flows, by):
    rows = []
    for key, part in flows.groupby(by):
        coming, going = int(part["ibyt"].sum()), int(part["obyt"].sum())
        total, seconds = coming + going, part["td"].sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            speed = np.float64(total) / np.float64(seconds)
        rows.append(
            {
                **_key(by, key),
                "flows": len(part),
                "total_bytes": total,
                "bytes_in": coming,
                "bytes_out": going,
                "packets": int(part["ipkt"].sum() + part["opkt"].sum()),
                "distinct_ismc": part["ismc"].nunique(),
                "distinct_ts": part["ts"].nunique(),
                "total_td": seconds,
                "avg_bytes_per_mac": total / len(part),
                "bytes_per_second": speed,
                "delivery_ratio": coming / going if going else np.nan,
            }
        )
    return pd.DataFrame(rows)


def counted(flows, by):
    rows = []
    for key, part in flows.groupby(by):
        total = int(part["ibyt"].sum() + part["obyt"].sum())
        rows.append({**_key(by, key), "flows": len(part), "total_bytes": total})
    out = pd.DataFrame(rows)
    return out.sort_values(["total_bytes", *by], ascending=[False] + [True] * len(by))


def by_time(flows, by, freq):
    rows = []
    for key, part in flows.groupby([*by, flows["ts"].dt.floor(freq).rename("time")]):
        rows.append(
            {
                **_key([*by, "time"], key),
                "flows": len(part),
                "total_bytes": int(part["ibyt"].sum() + part["obyt"].sum()),
                "bytes_in": int(part["ibyt"].sum()),
                "bytes_out": int(part["obyt"].sum()),
                "total_td": part["td"].sum(),
            }
        )
    return pd.DataFrame(rows)


def peak_of_each(flows, by, freq):
    series = by_time(flows, by, freq)
    rows = []
    for _, part in series.groupby(by):
        most = part[part["total_bytes"] == part["total_bytes"].max()]
        rows.append(most.sort_values("time").iloc[0])
    return pd.DataFrame(rows)


def ufm_segments(flows, by, of):
    rows = []
    for key, part in flows.groupby(by):
        rows.append(
            {
                **_key(by, key),
                "usage": int(part["ibyt"].sum() + part["obyt"].sum()),
                "frequency": part["ts"].nunique(),
                "connections": len(part[of].drop_duplicates()),
            }
        )
    out = pd.DataFrame(rows)
    for name in ("usage", "frequency", "connections"):
        out[f"{name}_score"] = [1 + _above(out[name], value) for value in out[name]]
    scores = out[["usage_score", "frequency_score", "connections_score"]]
    out["ufm_group"] = ["".join(str(digit) for digit in row) for row in scores.to_numpy()]
    out["ufm_score"] = scores.sum(axis=1)
    levels = ["No Value", "Low", "Medium", "High"]
    out["value_level"] = [levels[_above(out["ufm_score"], s)] for s in out["ufm_score"]]
    out["ufm_level"] = [_level(s) for s in out["ufm_score"]]
    return out


def delivery_ratio(coming, going, threshold):
    coming, going = np.asarray(coming, float), np.asarray(going, float)
    both = (coming > 0) & (going > 0)
    log = np.log(coming[both] / going[both])
    far = np.abs(log - np.median(log))
    scale = np.median(far) / 0.6744897501960817 or far.mean() * np.sqrt(np.pi / 2)
    z = np.full(len(coming), np.nan)
    z[both] = (log - np.median(log)) / scale if scale else 0.0
    return z, np.nan_to_num(np.abs(z)) > threshold


def _above(values, value):
    return sum(value > np.quantile(values, q) for q in (0.25, 0.5, 0.75))


def _level(score):
    if score >= 10:
        return "Require Upgrade"
    if score >= 7:
        return "Potential Sales"
    return "Needs Attention" if score >= 4 else "Possible Customer Loss"


def _key(by, key):
    return dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
