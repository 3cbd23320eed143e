"""``linewatch score``: a saved detector applied to a file."""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.utils import get_tags

from linewatch import _models, _tables
from linewatch._arguments import quoted

OUT = ("score", "is_anomaly")


def run(options):
    """Score a file, write the result and say what was found."""
    model_path, path = Path(options.model), Path(options.input)
    if not model_path.exists():
        raise FileNotFoundError(f"{model_path} does not exist")
    detector = _models.load(model_path)
    if not hasattr(detector, "score_samples"):
        kind = type(detector).__name__
        if hasattr(detector, "negative_outlier_factor_"):
            way = "judged the rows of its fit only: fit it with novelty=True"
        else:
            way = "scores lines as they come: use --follow"
        raise ValueError(f"{model_path} holds a detector ({kind}) that {way}")
    frame = _tables.read(path)
    out = _output(options.output, path)
    features = _features(detector, frame, options.columns, path)
    table = _table(detector, frame, features, path)
    named = getattr(detector, "feature_names_in_", None) is not None
    scores = detector.score_samples(table if named else table.to_numpy())
    is_anomaly = np.asarray(scores) < detector.offset_
    result, first = _result(frame, features, detector, table, named, scores, is_anomaly, options)
    if out.suffix == ".csv":
        _refuse_nested(result, path)
    is_replaced = out.exists()
    _write(result, out)
    if is_replaced:
        print(f"linewatch: replaced {out}, which was there before", file=sys.stderr)
    found = int(is_anomaly.sum())
    summary = {
        "model": str(model_path),
        "detector": type(detector).__name__,
        "input": str(path),
        "output": str(out),
        "rows": len(scores),
        "anomalies": found,
        "threshold": float(detector.offset_),
        "score_min": float(np.min(scores)),
        "score_median": float(np.median(scores)),
        "first_reasons": first,
    }
    if options.json:
        print(json.dumps(summary))
        return
    word = "anomaly" if found == 1 else "anomalies"
    rows = "row" if len(scores) == 1 else "rows"
    print(f"{path.name}: {len(scores):,} {rows}, {found:,} {word} ({found / len(scores):.2%})")
    print(
        f"{summary['detector']}: a row scoring below {detector.offset_:.4g} is an anomaly "
        f"(higher = more normal); median {summary['score_median']:.4g}, least "
        f"{summary['score_min']:.4g}"
    )
    if first:
        shown = ", ".join(f"{name} ({count:,})" for name, count in list(first.items())[:5])
        print(f"first reasons: {shown}")
    print(f"written: {out}")


def _output(given, path):
    """The file to write, which must not be the one that is read."""
    out = Path(given) if given else path.with_name(f"{_stem(path)}.scores{_suffix(path)}")
    if out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{out} must end in .csv or .parquet")
    if out.resolve() == path.resolve():
        raise ValueError(f"{out} is the file that is read; choose another --output")
    if out.is_dir():
        raise ValueError(f"{out} is a folder; expected a file")
    return out


def _suffix(path):
    return ".parquet" if path.suffix == ".parquet" else ".csv"


def _stem(path):
    return re.sub(r"(\.csv)?(\.gz)?$|\.\w+$", "", path.name)


def _features(detector, frame, columns, path):
    """The columns of the file that the detector was fitted on."""
    names = getattr(detector, "feature_names_in_", None)
    n = detector.n_features_in_
    if names is not None:
        if columns:
            raise ValueError("--columns is for a model without column names; this one knows them")
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise ValueError(
                f"{path}: column {quoted(missing)} of the model is missing; the table has "
                f"{quoted(frame.columns)}"
            )
        return list(map(str, names))
    columns = columns.split(",") if columns else frame.columns
    for place, name in enumerate(columns):
        if name in columns[:place]:
            raise ValueError(f'--columns names "{name}" twice')
        if name not in frame.columns:
            raise ValueError(
                f'{path}: column "{name}" is missing; the table has {quoted(frame.columns)}'
            )
    if len(columns) != n:
        raise ValueError(
            f"{path}: the model takes {n} columns and knows no names, but there are "
            f"{len(columns)}; name them in order with --columns a,b,c"
        )
    return list(columns)


def _table(detector, frame, features, path):
    """The features as numbers, or text where the detector has categories."""
    inner = getattr(detector, "detector_", detector)
    categories = getattr(inner, "categories_", {})
    columns = []
    for k, name in enumerate(features):
        known = categories.get(k)
        column = frame[name]
        if known is None or (known and not any(isinstance(value, str) for value in known)):
            try:
                column = _tables.numbers(column)
            except _tables.BadValue as error:
                line = _tables.line_of(path, error.column, error.value)
                where = f"{path}, line {line}" if line else path
                raise ValueError(f"{where}: {error}") from None
            except TypeError as error:
                raise TypeError(f"{path}: {error}") from None
            _refuse_unfit(column, detector, path)
        columns.append(column)
    import polars as pl

    return pl.DataFrame(columns)


def _refuse_unfit(column, detector, path):
    """Infinity, and missing values where the detector has no rule for them, by row from 1."""
    if column.dtype.is_float() and (infinite := column.is_infinite().fill_null(False)).any():
        row = infinite.arg_true()[0] + 1
        raise ValueError(f'{path}, row {row}: column "{column.name}" is infinite')
    missing = column.fill_nan(None).is_null() if column.dtype.is_float() else column.is_null()
    if missing.any() and not get_tags(detector).input_tags.allow_nan:
        row = missing.arg_true()[0] + 1
        raise ValueError(
            f'{path}, row {row}: column "{column.name}" has no value, and '
            f"{type(detector).__name__} has no rule for missing values (fill or drop them)"
        )


def _result(frame, features, detector, table, named, scores, is_anomaly, options):
    """Other columns, score, verdict and reasons; how often each feature comes first."""
    import polars as pl

    others = [name for name in frame.columns if name not in set(features)]
    made = [*OUT, *(f"reason_{k + 1}" for k in range(options.top))]
    for name in others:
        if name in made:
            raise ValueError(
                f'column "{name}" of the file would be written twice; rename it in the file'
            )
    numbers = pl.DataFrame({"row": np.arange(1, len(scores) + 1)})
    result = pl.DataFrame(
        [
            *frame.select(others),
            *([] if "row" in others else numbers),
            pl.Series("score", scores),
            pl.Series("is_anomaly", is_anomaly),
        ]
    )
    first = {}
    if hasattr(detector, "reasons"):
        rows = table.filter(pl.Series(is_anomaly))
        top = min(options.top, len(features))
        reasons = np.full((len(scores), top), None, dtype=object)
        if rows.height:
            found = detector.reasons(rows if named else rows.to_numpy(), top=top)
            found = np.asarray(found.to_numpy() if named else found, dtype=object)
            if not named:
                found = _with_names(found, features)
            reasons[is_anomaly] = np.where(found == "", None, found)
            names = [text.split(" = ")[0] for text in found[:, 0] if text]
            counts = {name: names.count(name) for name in dict.fromkeys(names)}
            first = dict(sorted(counts.items(), key=lambda pair: -pair[1]))
        result = result.with_columns(
            pl.Series(f"reason_{k + 1}", reasons[:, k].tolist(), dtype=pl.String)
            for k in range(top)
        )
    return result, first


def _refuse_nested(result, path):
    """Columns that no CSV file can hold."""
    import polars as pl

    for name, dtype in result.schema.items():
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise ValueError(
                f'{path}: column "{name}" holds {dtype}, which CSV cannot; write to a .parquet '
                "file (--output)"
            )


def _with_names(reasons, features):
    """x0 = 3 as duration = 3, by the columns of the file."""

    def named(text):
        name, equals, value = text.partition(" = ")
        return f"{features[int(name[1:])]}{equals}{value}" if text else text

    return np.vectorize(named, otypes=[object])(reasons)


def _write(result, out):
    """The whole file or none."""
    try:
        handle, made = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
    except OSError as error:
        raise ValueError(f"{out} cannot be written: {error.strerror}") from None
    os.close(handle)
    try:
        if out.suffix == ".parquet":
            result.write_parquet(made, compression="zstd")
        else:
            result.write_csv(made)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(made, 0o666 & ~mask)
        os.replace(made, out)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
