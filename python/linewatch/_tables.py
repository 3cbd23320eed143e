"""Files of KPIs read into Polars, and which of their columns is which.

A CSV is read as text and only the columns in use are turned into times and numbers, so that a
value that is neither can be named with its line.
"""

import collections
import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from linewatch._arguments import check_columns, quoted

TIME_NAMES = ["timestamp", "datetime", "date time", "time", "start time", "period", "ts", "date"]
CELL_WORDS = ["cell", "cellname", "cellid", "eci", "cgi", "sector", "site", "enodeb", "gnodeb"]
CELL_WORDS += ["node", "link", "interface", "element", "series", "file", "device", "id", "name"]
DAY_NAMES = ["date", "day"]
LABEL_NAMES = ["is degraded", "label", "in window", "unusual", "is anomaly", "anomaly", "outlier"]
# The share of good values that makes a column one of times or of numbers: what is wrong in it is
# refused with its line, rather than the column passed over.
MOST = 0.95
# How many values of a column say what it holds.
SAMPLE = 1000
# Text of KPIs packs five to fifty times. What unpacks to more than this, and is large, is a trap.
PACKED = 100
ALWAYS_UNPACKED = 256 << 20
# Numbers that describe a row rather than measure something.
NOT_KPIS = {
    "row", "index", "id", "hour", "weekday", "day", "week", "month", "year", "minute", "lat",
    "latitude", "lon", "longitude", "azimuth", "x", "y", "eci", "cgi", "pci", "tac", "earfcn",
}  # fmt: skip
TIME_FORMATS = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
]
ZONE_FORMATS = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"]
DIGIT_FORMATS = ["%Y%m%d%H%M%S", "%Y%m%d%H%M"]
DATE_FORMATS = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d"]
SEPARATORS = [",", ";", "\t", "|"]
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-", "#N/A"]
TIME_OF_DAY = r"^\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*$"


@dataclass
class Columns:
    """Which column is which; ``cell`` is None for a single series."""

    time: str
    cell: str | None
    values: list
    label: str | None
    other_values: list = field(default_factory=list)


def read(path):
    """The file at `path` as a Polars frame; the text of a CSV stays text."""
    import polars as pl

    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; expected a CSV, CSV.gz or Parquet file")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    with path.open("rb") as file:
        magic = file.read(4)
    if not magic:
        raise ValueError(f"{path} is empty")
    if magic == b"PAR1":
        try:
            frame = pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise ValueError(f"{path} cannot be read as Parquet: {_first_line(error)}") from None
    else:
        frame = _read_csv(path, _unpacked(path, magic))
    if frame.height == 0:
        raise ValueError(f"{path} has no rows")
    return frame


def _unpacked(path, magic):
    if magic[:2] != b"\x1f\x8b":
        return path.read_bytes()
    most = max(PACKED * path.stat().st_size, ALWAYS_UNPACKED)
    try:
        with gzip.open(path) as file:
            data = file.read(most + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is a damaged or cut-off gzip file: {error}") from None
    if len(data) > most:
        times = most // path.stat().st_size
        raise ValueError(
            f"{path} unpacks to more than {most >> 20} MiB, {times} times its size, which no table "
            "does (unpack it with gunzip if it is one after all)"
        )
    return data


def _read_csv(path, data):
    import polars as pl

    if b"\x00" in data[:10_000]:
        raise ValueError(f"{path} is neither CSV, CSV.gz nor Parquet")
    data = data.removeprefix(b"\xef\xbb\xbf")
    header = data.split(b"\n", 1)[0]
    separator = max(SEPARATORS, key=lambda s: header.count(s.encode()))
    _check_lines(path, data, separator)
    try:
        frame = pl.read_csv(
            io.BytesIO(data), separator=separator, infer_schema=False, null_values=MISSING
        )
    except pl.exceptions.NoDataError:
        raise ValueError(f"{path} has no rows") from None
    except pl.exceptions.PolarsError as error:
        _text(path, data)
        raise ValueError(f"{path} cannot be read as CSV: {_first_line(error)}") from None
    frame.columns = [name.strip() for name in frame.columns]
    return frame if separator == "," else frame.with_columns(map(_decimal_point, frame))


def _decimal_point(column):
    """12,5 as 12.5 if the whole column is written so."""
    present = column.drop_nulls()
    if present.str.contains(r"^\s*-?\d*,?\d+\s*$").all() and present.str.contains(",").any():
        return column.str.replace(",", ".", literal=True)
    return column


def _check_lines(path, data, separator):
    """Raise with the number of the first line that has more or fewer fields than the header."""
    try:
        names = next(csv.reader([_text(path, data.split(b"\n", 1)[0])], delimiter=separator), [])
    except csv.Error as error:
        raise ValueError(f"{path}, line 1: {error}") from None
    names = [name.strip() for name in names]
    times = collections.Counter(names)
    for name in names:
        if times[name] > 1:
            raise ValueError(f'{path}: column "{name}" is in the header twice')
    if b'"' not in data:
        expected = data.split(b"\n", 1)[0].count(separator.encode())
        lines = data.split(b"\n")
        wanted = separator.encode()
        for number, line in enumerate(lines, start=1):
            if line.count(wanted) != expected and line.strip():
                _broken(path, number, line.count(wanted) + 1, expected + 1)
        return
    reader = csv.reader(io.StringIO(_text(path, data), newline=""), delimiter=separator)
    try:
        header = next(reader)
        for fields in reader:
            if fields and len(fields) != len(header):
                _broken(path, reader.line_num, len(fields), len(header))
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None


def _broken(path, line, found, expected):
    raise ValueError(
        f"{path}, line {line}: {found} field{'s' * (found != 1)}, but the header has {expected}"
    )


def _text(path, data):
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {line}: text is not UTF-8 (save it as UTF-8)") from None


def _first_line(error):
    return str(error).strip().split("\n")[0]


def counted(number, thing):
    """1 row, 2 rows, 1,000 rows; also for several words, such as "missing time"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def repeated(number):
    """How the error for rows of one cell and time begins."""
    return f"{counted(number, 'row')} {'repeats' if number == 1 else 'repeat'} a cell and a time"


def words(name):
    """The words of a column name: CellName, CELL_NAME and cell-name are all "cell name"."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return " ".join(re.findall(r"[a-z0-9]+", parted.lower()))


def detect(frame, *, time=None, cell=None, values=None, label=None):
    """Which column is the time, the cell, the values and the label, by name and dtype."""
    given = [name for name in (time, cell, label, *(values or [])) if name is not None]
    check_columns(given, frame.columns)
    for role, name in (("cell", cell), ("label", label), *(("value", v) for v in values or [])):
        if name is not None and name == time:
            raise ValueError(f'column "{name}" is named as the time and as the {role}; choose one')
    sample = {name: _sample(frame[name]) for name in frame.columns}
    time = time or _time(sample)
    _refuse_no_header(sample, time)
    values = list(dict.fromkeys(values or []))
    used = {time, cell, *values}
    if label is None:
        label = _label(sample, used)
    used.add(label)
    cell = cell or _cell(frame, sample, used)
    if cell is not None and frame.schema[cell].is_float():
        raise TypeError(f'column "{cell}" has dtype {frame.schema[cell]}; expected names of cells')
    used.add(cell)
    kpis = [
        name
        for name in frame.columns
        if name not in used and _holds_numbers(sample[name]) and words(name) not in NOT_KPIS
    ]
    if values:
        return Columns(time, cell, values, label, kpis)
    if not kpis:
        raise ValueError(f"no column holds numbers to score; the table has {_described(sample)}")
    return Columns(time, cell, kpis[:1], label, kpis[1:])


def _sample(column):
    """What a column is judged by: of its values that are not null the first, and some of the rest.

    A column may be empty for as long as it likes before its first value.
    """
    present = column.drop_nulls() if column.null_count() else column
    if len(present) <= SAMPLE:
        return present
    half = SAMPLE // 2
    rest = np.linspace(half, len(present) - 1, SAMPLE - half).astype(np.int64)
    return present.gather(np.concatenate([np.arange(half), rest]))


def _holds_numbers(column):
    """Whether most of a sample, or most of its first half, are numbers."""
    return _is_number(column, MOST) or _is_number(column.head(SAMPLE // 2), MOST)


def _time(sample):
    found = [name for name in sample if _is_time(sample[name])]
    named = [name for name in sample if words(name) in TIME_NAMES]
    for holds in (_is_number, _is_time):  # but for a few, which are then refused with their line
        found = found or [name for name in named if holds(sample[name], MOST)]
    if not found:
        raise ValueError(f"no column holds times; the table has {_described(sample)}")
    hours = [name for name in found if _is_time_of_day(sample[name])]
    days = [name for name in found if name not in hours and words(name) in DAY_NAMES]
    if hours and days and len(found) == len(hours) + len(days):
        raise ValueError(
            f'column "{days[0]}" holds days and "{hours[0]}" times of day; make them one column '
            f'such as 2026-01-31 14:00, or name "{hours[0]}" as the time to do without the days'
        )
    return _one("time", found, [n for word in TIME_NAMES for n in found if words(n) == word])


def _refuse_no_header(sample, time):
    """A first line of values was taken for the names."""
    import polars as pl

    if _is_time(pl.Series([time])):
        raise ValueError(
            f"the first line must name the columns, such as time,cell,value; it has "
            f"{quoted(sample, most=None)}"
        )


def _comes_again(column):
    """Whether values come twice on average, as the names of cells do and numbers seldom."""
    present = column.drop_nulls()
    return present.n_unique() <= max(len(present) // 2, 1)


def _cell(frame, sample, used):
    """The named cell column, or the only text column; None if the file is one series."""
    import polars as pl

    text = [
        name
        for name in sample
        if name not in used
        and sample[name].dtype in (pl.String, pl.Categorical, pl.Enum)
        and not _holds_numbers(sample[name])
        and len(sample[name])
    ]
    whole = [
        name
        for name in sample
        if name not in used and name not in text and "cell" in words(name).split()
        if sample[name].dtype.is_integer() or sample[name].dtype == pl.String
        if len(sample[name]) and _comes_again(frame[name])
    ]
    for word in CELL_WORDS:
        named = [name for name in [*text, *whole] if word in words(name).split()]
        if len(named) > 1:
            exact = [n for n in named if words(n) in (word, f"{word} name", f"{word} id")]
            return _one("cell", named, exact)
        if named:
            return named[0]
    # By content alone, a remark at a few rows names no cell.
    text = [name for name in text if 2 * frame[name].null_count() <= frame.height]
    return _one("cell", text, text if len(text) == 1 else []) if text else None


def _label(sample, used):
    named = [n for word in LABEL_NAMES for n in sample if words(n) == word]
    named = [n for n in named if n not in used and _is_label(sample[n])]
    return named[0] if named else None


def _one(what, found, preferred):
    if len(found) == 1:
        return found[0]
    if preferred:
        return preferred[0]
    raise ValueError(
        f"which column is the {what}? Say --{what} (or {what}=): {quoted(found, most=None)}"
    )


def _described(sample):
    return ", ".join(f'"{name}" ({_example(column)})' for name, column in sample.items())


def _example(column):
    import polars as pl

    if column.dtype != pl.String:
        return column.dtype
    present = column.drop_nulls()
    return f"text such as {present[0]}" if len(present) else "empty"


def _is_time_of_day(column):
    import polars as pl

    if column.dtype == pl.String:
        return column.drop_nulls().str.contains(TIME_OF_DAY).all()
    return column.dtype == pl.Time


def _is_time(column, share=1.0):
    """Whether the first values, or a share of them, are times."""
    import polars as pl

    if column.dtype.is_temporal() and column.dtype != pl.Duration:
        return True
    if column.dtype != pl.String or column.null_count() == len(column):
        return False
    present = column.drop_nulls().head(100)
    if present.str.contains(TIME_OF_DAY).mean() >= share:
        return True
    most = (1 - share) * len(present)
    return any(_parsed(present, form).null_count() <= most for form in _formats(present))


def _is_day(column):
    """Text such as 20260131, 202601311400 or 20260131140000."""
    return column.drop_nulls().str.contains(r"^\s*(\d{8}|(19|20)\d{10}|(19|20)\d{12})\s*$").all()


def _is_number(column, share=1.0):
    """Whether all values, or a share of them, are numbers."""
    import polars as pl

    if column.dtype.is_numeric():
        return True
    if column.dtype != pl.String or column.null_count() == len(column):
        return False
    present = column.drop_nulls()
    wrong = present.str.strip_chars().cast(pl.Float64, strict=False).null_count()
    return wrong <= (1 - share) * len(present)


def _is_label(column):
    import polars as pl

    if column.dtype == pl.Boolean:
        return True
    present = column.drop_nulls().cast(pl.String).str.to_lowercase()
    return present.is_in(["0", "1", "0.0", "1.0", "true", "false"]).all()


def _formats(column):
    first = str(column[0])
    if re.search(r"(Z|[+-]\d{2}:?\d{2})\s*$", first) and ":" in first:
        return ZONE_FORMATS
    if ":" in first:
        return TIME_FORMATS
    return DIGIT_FORMATS if re.fullmatch(r"\s*(\d{12}|\d{14})\s*", first) else DATE_FORMATS


def has_offset(column):
    """Whether times as text say their distance from UTC, as in 2026-01-31T14:00+01:00."""
    return _formats(column) is ZONE_FORMATS


def _parsed(column, form):
    import polars as pl

    if form in DATE_FORMATS:
        return column.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    return column.str.to_datetime(form, strict=False, time_unit="us")


def times(column, time_zone=None):
    """`column` as naive local Datetime, or as Time if it has times of day and no dates."""
    import polars as pl

    if column.dtype == pl.Time:
        return column
    if column.dtype == pl.Date:
        return column.cast(pl.Datetime("us"))
    if isinstance(column.dtype, pl.Datetime):
        return _local(column, time_zone)
    text = column
    if column.dtype.is_numeric() or (_is_number(column, MOST) and not _is_day(column)):
        return _local(_since_1970(column), time_zone)
    if text.dtype != pl.String:
        raise TypeError(f'column "{column.name}" has dtype {column.dtype}; expected times')
    text = text.str.strip_chars()
    present = text.drop_nulls()
    if len(present) and present.str.contains(TIME_OF_DAY).all():
        padded = text.str.replace(r"^(\d):", "0$1:").str.replace(r"^(\d\d:\d\d)$", "$1:00")
        return padded.str.to_time("%H:%M:%S%.f", strict=False)
    best = None
    for form in _formats(present) if len(present) else TIME_FORMATS:
        parsed = _parsed(text, form)
        if parsed.null_count() == text.null_count():
            _refuse_day_or_month(text, form)
            return _local(parsed, time_zone)
        if best is None or parsed.null_count() < best.null_count():
            best = parsed
    bad = text.filter(best.is_null() & text.is_not_null())[0]
    raise BadValue(column.name, bad, "a time such as 2026-01-31 14:00")


def _refuse_day_or_month(text, form):
    """03/04/2026 can be either: say so rather than guess, unless a day above 12 decides."""
    if form.startswith("%d/%m"):
        other = form.replace("%d/%m", "%m/%d")
        if _parsed(text, other).null_count() == text.null_count():
            raise ValueError(
                f'column "{text.name}": dates such as {text.drop_nulls()[0]} can be day/month or '
                "month/day; write them as 2026-01-31"
            )


def _local(column, time_zone):
    if time_zone is not None:
        _check_zone(time_zone)
    if column.dtype.time_zone is None:
        return column.dt.cast_time_unit("us")
    if time_zone is not None:
        column = column.dt.convert_time_zone(time_zone)
    return column.dt.replace_time_zone(None).dt.cast_time_unit("us")


def _check_zone(name):
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"time zone {name!r} is not known; write it as in Africa/Casablanca"
        ) from None


def _since_1970(column):
    """Whole numbers as s, ms, us or ns since 1970, by their size."""
    import polars as pl

    number = column.cast(pl.Float64, strict=False)
    if number.null_count() > column.null_count():
        bad = column.filter(number.is_null() & column.is_not_null())[0]
        raise BadValue(column.name, bad, "a number of seconds since 1970, like most of its values")
    top = number.abs().max() or 0
    microseconds = [(1e11, 1e6), (1e14, 1e3), (1e17, 1), (np.inf, 1e-3)]
    factor = next(factor for limit, factor in microseconds if top < limit)
    if top < 1e8:
        raise ValueError(f'column "{column.name}" holds numbers that are not times since 1970')
    return (number * factor).round().cast(pl.Int64).cast(pl.Datetime("us"))


def numbers(column):
    """`column` as Float64; text that is no number is refused by name."""
    import polars as pl

    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return column.cast(pl.Float64)
    if column.dtype != pl.String:
        raise TypeError(f'column "{column.name}" has dtype {column.dtype}; expected numbers')
    number = column.str.strip_chars().cast(pl.Float64, strict=False)
    if number.null_count() > column.null_count():
        bad = column.filter(number.is_null() & column.is_not_null())[0]
        raise BadValue(column.name, bad, "a number")
    return number


def labels(column):
    """`column` of 0 and 1 or true and false as Boolean."""
    import polars as pl

    if column.dtype == pl.Boolean:
        return column
    if not _is_label(column):
        raise ValueError(f'column "{column.name}" is no label; expected 0 and 1, or true and false')
    return column.cast(pl.String).str.to_lowercase().is_in(["1", "1.0", "true"])


class BadValue(ValueError):
    """A value that cannot be what its column holds."""

    def __init__(self, column, value, expected):
        self.column, self.value = column, value
        super().__init__(f'column "{column}" holds {value!r}; expected {expected}')


def line_of(path, column, value):
    """The first line of a CSV whose field in `column` reads `value`; None in a Parquet file."""
    path = Path(path)
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PAR1":
        return None
    text = _text(path, _unpacked(path, magic).removeprefix(b"\xef\xbb\xbf"))
    head = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    place = [name.strip() for name in next(reader)].index(column)
    for fields in reader:
        if len(fields) > place and fields[place].strip() == str(value).strip():
            return reader.line_num
    return None
