"""Slow definitions of the baselines and rules of kpi, in plain Python, one series at a time."""

import math
from statistics import mean, median, stdev

NAN = math.nan


def known(values):
    return [x for x in values if not math.isnan(x)]


def season(hour, method):
    """Key of the row `hour` hours after a Monday at midnight."""
    return hour % (24 if method == "time of day" else 168)


def center_and_scale(values, min_periods, statistic):
    values = known(values)
    if len(values) < max(min_periods, 2):
        return NAN, NAN
    if statistic == "mean":
        return mean(values), stdev(values)
    m = median(values)
    return m, 1.4826 * median(abs(x - m) for x in values)


def baseline(x, method, window, min_periods, statistic="mean", include_current=False):
    """Baseline and raw scale of each hour of `x`, which begins on a Monday at midnight."""
    out = []
    if method == "ewma":
        m, v, n, a = NAN, 0.0, 0, 2 / (window + 1)
        for value in x:
            before = (m, math.sqrt(v)) if n >= max(min_periods, 2) else (NAN, NAN)
            if not math.isnan(value):
                n += 1
                if n == 1:
                    m = value
                else:
                    d = value - m
                    m += a * d
                    v = (1 - a) * (v + a * d * d)
            after = (m, math.sqrt(v)) if n >= max(min_periods, 2) else (NAN, NAN)
            out.append(after if include_current else before)
        return out
    if method == "seasonal median":
        level = [_median(x[max(0, t - window) : t], min_periods) for t in range(len(x))]
        rest = [value - m for value, m in zip(x, level, strict=True)]
        center = []
        for t in range(len(x)):
            same = [rest[u] for u in range(t) if u % 168 == t % 168][-8:]
            center.append(level[t] + _median(same, 3))
        away = [abs(value - b) for value, b in zip(x, center, strict=True)]
        for t in range(len(x)):
            scale = 1.4826 * _median(away[max(0, t - window) : t], min_periods)
            out.append((NAN, NAN) if math.isnan(scale) else (center[t], scale))
        return out
    for t in range(len(x)):
        end = t + 1 if include_current else t
        rows = range(end)
        if method != "rolling":
            rows = [u for u in rows if season(u, method) == season(t, method)]
        out.append(center_and_scale([x[u] for u in rows[-window:]], min_periods, statistic))
    return out


def _median(values, min_periods):
    values = known(values)
    return median(values) if len(values) >= min_periods else NAN


def floored(pairs, factor, least=0.0):
    """Scales raised to what is usual of the series."""
    keep = 1 - 2 / 673
    relative, absolute, seen, out = [0.0, 0.0], [0.0, 0.0], 0, []

    def push(fading, x):
        fading[0] = keep * fading[0] + x
        fading[1] = keep * fading[1] + 1

    for b, s in pairs:
        if math.isnan(s):
            out.append(s)
            continue
        if s > 0:
            if b != 0:
                push(relative, math.log(s / abs(b)))
            push(absolute, math.log(s))
        seen += 1
        if seen < 24:
            out.append(NAN)
            continue
        usual, unit = (relative, abs(b)) if b != 0 else (absolute, 1.0)
        typical = math.exp(usual[0] / usual[1]) * unit if usual[1] else 0.0
        out.append(max(s, factor * typical, least))
    return out


def distance(x, b, s):
    if math.isnan(x) or math.isnan(b) or math.isnan(s):
        return NAN
    if abs(x - b) <= 1e-9 * abs(b):
        return 0.0
    return (x - b) / s if s > 0 else math.copysign(math.inf, x - b)


def side(z, polarity):
    """The part of a distance that counts, and its direction."""
    if polarity == "both":
        return abs(z), -1 if z < 0 else 1
    sign = 1 if polarity == "high" else -1
    return max(sign * z, 0.0), sign


def clipped(z, clip):
    return max(-clip, min(clip, z))


# Each rule takes lists of values, baselines and scales, a polarity and its parameters, and gives
# (level, direction) for each row.


def z(x, b, s, polarity, threshold):
    for value in zip(x, b, s, strict=True):
        q, direction = side(distance(*value), polarity)
        yield (NAN if math.isnan(distance(*value)) else q / threshold), direction


def threshold(x, b, s, polarity, on, off, of):
    is_on = False
    for value in zip(x, b, s, strict=True):
        if of == "value":
            if math.isnan(value[0]):
                yield NAN, 0
                continue
            low = on < off
            if value[0] <= on if low else value[0] >= on:
                is_on = True
            elif value[0] > off if low else value[0] < off:
                is_on = False
            yield float(is_on), -1 if low else 1
            continue
        d = distance(*value)
        if math.isnan(d):
            yield NAN, 0
            continue
        q, direction = side(d, polarity)
        is_on = q >= on or (is_on and q >= off)
        yield (max(q / on, 1.0) if is_on else q / on), direction


def new_extreme(x, b, s, polarity, threshold, warm_up):
    seen = []
    for value in x:
        if math.isnan(value):
            yield NAN, 0
            continue
        if len(seen) < max(warm_up, 2):
            yield NAN, 0
        else:
            low, high = min(seen), max(seen)
            outside = value - high if value > high else value - low if value < low else 0.0
            if outside:
                outside = outside / (high - low) if high > low else outside * math.inf
            q, direction = side(outside, polarity)
            yield q / threshold, direction
        seen.append(value)


def ewma_error(x, b, s, polarity, threshold, span, scale_span, warm_up):
    m, q, n = None, 0.0, 0
    for value in x:
        if math.isnan(value):
            yield NAN, 0
            continue
        if m is None:
            m = value
            yield NAN, 0
            continue
        e = value - m
        if n >= max(warm_up, 1):
            ratio = 0.0 if e == 0 else e / math.sqrt(q) if q > 0 else math.copysign(math.inf, e)
            size, direction = side(ratio, polarity)
            yield size / threshold, direction
        else:
            yield NAN, 0
        n += 1
        q += max(2 / (scale_span + 1), 1 / n) * (e * e - q)
        m += 2 / (span + 1) * e


def flat_run(x, b, s, polarity, min_length, tolerance, warm_up, factor):
    seen, first, length, longest, fired = 0, NAN, 0, 0, False
    for value in x:
        if math.isnan(value):
            yield NAN, 0
            continue
        seen += 1
        if length and abs(value - first) <= tolerance:
            length += 1
        else:
            if not fired:
                longest = max(longest, length)
            first, length, fired = value, 1, False
        if seen <= warm_up or not longest:
            yield NAN, 0
            continue
        level = length / max(min_length, factor * longest)
        fired = fired or level >= 1
        yield level, 0


def drop_out(x, b, s, polarity, min_length, margin):
    n = 0
    for value, base, scale in zip(x, b, s, strict=True):
        gone = math.isnan(value) or value == 0
        n = n + 1 if gone and base - margin * scale > 0 else 0
        yield n / min_length, -1


def _sums(x, b, s, polarity, allowance, threshold, clip, cap, span, warm_up):
    m, n, up, down = 0.0, 0, 0.0, 0.0
    for value in zip(x, b, s, strict=True):
        d = distance(*value)
        if math.isnan(d):
            yield NAN, 0
            continue
        away = clipped(d, clip) - m
        m += 2 / (span + 1) * away
        n += 1
        if n <= warm_up:
            yield NAN, 0
            continue
        up = min(max(0.0, up + away - allowance), cap * threshold)
        down = min(max(0.0, down - away - allowance), cap * threshold)
        both = (up, 1) if up >= down else (down, -1)
        total, direction = {"high": (up, 1), "low": (down, -1), "both": both}[polarity]
        yield total / threshold, direction


def level_shift(x, b, s, polarity, k, h, clip, cap, span, warm_up):
    return _sums(x, b, s, polarity, k, h, clip, cap, span, warm_up)


def drift(x, b, s, polarity, delta, threshold, clip, cap, span, warm_up):
    return _sums(x, b, s, polarity, delta, threshold, clip, cap, span, warm_up)


class Ewma:
    def __init__(self, span):
        self.a, self.m, self.v = 2 / (span + 1), None, 0.0

    def push(self, x):
        if self.m is None:
            self.m = x
            return
        d = x - self.m
        self.m += self.a * d
        self.v = (1 - self.a) * (self.v + self.a * d * d)


def variance_shift(x, b, s, polarity, threshold, span, clip, warm_up):
    scatter, n = Ewma(span), 0
    for value in zip(x, b, s, strict=True):
        d = distance(*value)
        if math.isnan(d):
            yield NAN, 0
            continue
        scatter.push(clipped(d, clip))
        n += 1
        yield (NAN if n < warm_up else math.sqrt(scatter.v) / threshold), 0


def seasonal_break(x, b, s, polarity, threshold, span, warm_up, margin):
    ex, eb, joint, n = Ewma(span), Ewma(span), 0.0, 0
    for value, base, scale in zip(x, b, s, strict=True):
        if math.isnan(distance(value, base, scale)):
            yield NAN, 0
            continue
        if n:
            a = ex.a
            joint = (1 - a) * (joint + a * (value - ex.m) * (base - eb.m))
        ex.push(value)
        eb.push(base)
        n += 1
        if n < warm_up:
            yield NAN, 0
            continue
        rhythm = math.sqrt(eb.v)
        if rhythm == 0 or rhythm < margin * scale:
            yield 0.0, 0
            continue
        rho = joint / math.sqrt(ex.v * eb.v) if ex.v > 0 else 0.0
        yield (1 - rho) / (1 - threshold), 0


def combined(levels, need, persistence, min_duration, merge_gap, refractory):
    """Score, whether a row is an anomaly, and its event, from the levels of rules at each hour."""
    k, n = persistence
    raw, held, out = [], 0, []
    last_anomaly = last_alarm = None
    event = 0
    for hour, row in enumerate(zip(*levels, strict=True)):
        present = sorted(known(row), reverse=True)
        score = present[need - 1] if len(present) >= need else NAN
        raw.append(score >= 1)
        held = held + 1 if sum(raw[-n:]) >= k else 0
        anomaly = held >= min_duration
        if anomaly:
            fresh = last_anomaly is None or hour - last_anomaly > merge_gap
            quiet = last_alarm is None or not refractory or hour - last_alarm > refractory
            last_anomaly = hour
            if fresh and quiet:
                event += 1
                last_alarm = hour
        out.append((score, anomaly, event if anomaly else None))
    return out
