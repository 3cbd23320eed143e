"""The files of NSL-KDD: found or fetched, read, and checked before anybody computes with them.

What is checked: 43 fields a line, the numbers and names each field may hold, the rows of the part,
its normal and attack rows, and that the file is the one that was read the first time.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch._frames import as_backend

if TYPE_CHECKING:
    from typing import Literal

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from linewatch._typing import PathLike


CATEGORICAL = ("protocol_type", "service", "flag")
RATES = (
    "serror_rate", "srv_serror_rate", "rerror_rate", "srv_rerror_rate", "same_srv_rate",
    "diff_srv_rate", "srv_diff_host_rate", "dst_host_same_srv_rate", "dst_host_diff_srv_rate",
    "dst_host_same_src_port_rate", "dst_host_srv_diff_host_rate", "dst_host_serror_rate",
    "dst_host_srv_serror_rate", "dst_host_rerror_rate", "dst_host_srv_rerror_rate",
)  # fmt: skip
FEATURES = (
    "duration", "protocol_type", "service", "flag", "src_bytes", "dst_bytes", "land",
    "wrong_fragment", "urgent", "hot", "num_failed_logins", "logged_in", "num_compromised",
    "root_shell", "su_attempted", "num_root", "num_file_creations", "num_shells",
    "num_access_files", "num_outbound_cmds", "is_host_login", "is_guest_login", "count",
    "srv_count", *RATES[:7], "dst_host_count", "dst_host_srv_count", *RATES[7:],
)  # fmt: skip
NAMES = (*FEATURES, "label", "difficulty")
PROTOCOLS = ("icmp", "tcp", "udp")
FLAGS = ("OTH", "REJ", "RSTO", "RSTOS0", "RSTR", "S0", "S1", "S2", "S3", "SF", "SH")
CATEGORIES = {
    "dos": "apache2 back land mailbomb neptune pod processtable smurf teardrop udpstorm worm",
    "probe": "ipsweep mscan nmap portsweep saint satan",
    "r2l": "ftp_write guess_passwd httptunnel imap multihop named phf sendmail snmpgetattack "
    "snmpguess spy warezclient warezmaster xlock xsnoop",
    "u2r": "buffer_overflow loadmodule perl ps rootkit sqlattack xterm",
}
CATEGORY_OF = {name: kind for kind, names in CATEGORIES.items() for name in names.split()}
CATEGORY_OF["normal"] = "normal"
# Part: official file, Parquet file, normal rows, attack rows.
PARTS = {
    "train": ("KDDTrain+.txt", "nsl_kdd_train_binary.parquet", 67_343, 58_630),
    "train20": ("KDDTrain+_20Percent.txt", "nsl_kdd_train20_labels.parquet", 13_449, 11_743),
    "test": ("KDDTest+.txt", "nsl_kdd_test.parquet", 9_711, 12_833),
    "test21": ("KDDTest-21.txt", "nsl_kdd_test21.parquet", 2_152, 9_698),
}


@overload
def load_nsl_kdd(
    part: Literal["train", "train20", "test", "test21"] = ...,
    folder: PathLike | None = ...,
    *,
    url: str | None = ...,
    backend: Literal["polars"] = ...,
) -> pl.DataFrame: ...
@overload
def load_nsl_kdd(
    part: Literal["train", "train20", "test", "test21"] = ...,
    folder: PathLike | None = ...,
    *,
    url: str | None = ...,
    backend: Literal["pandas"],
) -> pd.DataFrame: ...
@overload
def load_nsl_kdd(
    part: Literal["train", "train20", "test", "test21"] = ...,
    folder: PathLike | None = ...,
    *,
    url: str | None = ...,
    backend: Literal["pyarrow"],
) -> pa.Table: ...
def load_nsl_kdd(part="train", folder=None, *, url=None, backend="polars"):
    """Connections of the NSL-KDD intrusion data: 41 features, the attack's name, 0 or 1.

    The files are not part of linewatch: their licence lets them be used for research and asks for
    a citation [1]_. Every file is checked by its fields, its rows and its class totals, and its
    SHA-256 is recorded when it is first read and compared from then on.

    Parameters
    ----------
    part : {"train", "train20", "test", "test21"}, default="train"
        KDDTrain+, its first 20 %, KDDTest+, or the harder KDDTest-21.
    folder : path, optional
        Where the official text files (``KDDTrain+.txt``, ``KDDTrain+_20Percent.txt``,
        ``KDDTest+.txt``, ``KDDTest-21.txt``) or Parquet files of the same rows
        (``nsl_kdd_train_binary.parquet``, ``nsl_kdd_train20_labels.parquet``,
        ``nsl_kdd_test.parquet``, ``nsl_kdd_test21.parquet``) are; the folder in ``LINEWATCH_DATA``
        by default.
    url : str, optional
        Address of a folder to fetch the text file from, into `folder`, if it is not there yet.
        linewatch knows no address of its own.
    backend : {"polars", "pandas", "pyarrow"}, default="polars"
        The kind of frame.

    Returns
    -------
    DataFrame
        The 43 columns of the files: 41 features, ``label`` (``normal`` or the attack's name) and
        ``difficulty`` (how many of 21 learners were right, as its authors count), and ``attack``
        (0 or 1). Where a Parquet file knows only normal or attack, ``label`` is null for attacks
        and ``difficulty`` is null.

    Raises
    ------
    FileNotFoundError
        If no folder is named or it has no such file.
    ValueError
        If a file is not what it should be, with the field and the line, or has changed since it
        was first read.

    Notes
    -----
    Checksums are kept in ``linewatch/nsl_kdd.sha256`` under ``XDG_CACHE_HOME`` (``~/.cache``), in
    the format of ``sha256sum``. After replacing a file on purpose delete its line there.

    References
    ----------
    .. [1] Tavallaee, M., Bagheri, E., Lu, W. and Ghorbani, A. (2009). A detailed analysis of the
       KDD CUP 99 data set. IEEE CISDA 2009.

    Examples
    --------
    >>> from linewatch import datasets
    >>> train = datasets.load_nsl_kdd("train", "nsl_kdd")  # doctest: +SKIP
    >>> train.shape  # doctest: +SKIP
    (125973, 44)
    """
    import polars as pl

    if part not in PARTS:
        names = ", ".join(f'"{name}"' for name in PARTS)
        raise ValueError(f"part must be one of {names}, got {part!r}")
    path = _path(part, folder, url)
    _verify(path)
    frame = pl.read_parquet(path) if path.suffix == ".parquet" else _read_text(path)
    frame = _typed(frame, path)
    _count(frame, part, path)
    _record(path)
    return as_backend(frame, backend)


def _path(part, folder, url):
    text, parquet, *_ = PARTS[part]
    folder = folder if folder is not None else os.environ.get("LINEWATCH_DATA")
    if folder is None:
        raise FileNotFoundError(
            f"{text}: say which folder it is in, with folder= or the environment variable "
            "LINEWATCH_DATA"
        )
    folder = Path(folder)
    for name in (text, parquet):
        if (folder / name).is_file():
            return folder / name
    if url is None:
        raise FileNotFoundError(
            f"{folder} has neither {text} nor {parquet}; get NSL-KDD from the Canadian Institute "
            "for Cybersecurity, or say where to fetch it from with url="
        )
    return _fetch(f"{url.rstrip('/')}/{text}", folder / text)


def _fetch(url, path):
    """Fetches into a file beside the target, so that half of one is never taken for the whole."""
    from urllib.error import URLError
    from urllib.parse import quote, urlsplit
    from urllib.request import urlopen

    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"url must begin with http:// or https://, got {url!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        with urlopen(quote(url, safe=":/?&=%"), timeout=60) as answer, partial.open("wb") as out:
            while block := answer.read(1 << 20):
                out.write(block)
    except (URLError, TimeoutError, ConnectionError) as error:
        partial.unlink(missing_ok=True)
        raise FileNotFoundError(f"{url} could not be fetched: {error}") from None
    partial.replace(path)
    return path


def _read_text(path):
    import polars as pl

    with path.open("rb") as file:
        first = file.readline().decode("utf-8", "replace").strip()
    if not first:
        raise ValueError(f"{path.name} is empty")
    fields = first.split(",")
    if len(fields) != len(NAMES):
        raise ValueError(
            f"{path.name} has {len(fields)} fields in line 1; expected {len(NAMES)}: 41 features, "
            "the label and the difficulty"
        )
    schema = dict.fromkeys(NAMES, pl.String)
    try:
        return pl.read_csv(path, has_header=False, schema=schema, quote_char=None)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        raise ValueError(f"{path.name} has lines that do not hold {len(NAMES)} fields") from None


def _typed(frame, path):
    """The columns in their order and dtypes, with ``attack``; what cannot be is refused."""
    import polars as pl

    for name in FEATURES:
        if name not in frame.columns:
            raise ValueError(
                f'column "{name}" is missing; {path.name} has {len(frame.columns)} columns, '
                "expected the 41 features of NSL-KDD"
            )
    if "label" not in frame.columns and "attack" not in frame.columns:
        raise ValueError(f'{path.name} has neither a column "label" nor a column "attack"')
    columns = [_column(frame[name], path) for name in FEATURES]
    if "label" in frame.columns:
        label = frame["label"]
        strange = label.filter(~label.is_in(list(CATEGORY_OF)))
        if len(strange):
            raise ValueError(
                f'{path.name}: label "{strange[0]}" is not a name of NSL-KDD; are its 43 columns '
                "in their order?"
            )
        columns += [label, frame["difficulty"].cast(pl.Int64)]
        attack = label != "normal"
    else:
        attack = frame["attack"] != 0
        columns.append(pl.Series("label", np.where(attack.to_numpy(), None, "normal"), pl.String))
        columns.append(pl.Series("difficulty", [None] * len(frame), dtype=pl.Int64))
    return pl.DataFrame([*columns, attack.cast(pl.Int8).alias("attack")])


def _column(column, path):
    import polars as pl

    name = column.name
    if name in CATEGORICAL:
        known = {"protocol_type": PROTOCOLS, "flag": FLAGS}.get(name)
        text = column.cast(pl.String)
        if known is None:
            bad = text.is_null() | text.cast(pl.Float64, strict=False).is_not_null()
        else:
            bad = ~text.is_in(list(known)).fill_null(False)
        _refuse(column, bad, path, f"one of {', '.join(known)}" if known else "a service name")
        return text
    numbers = column.cast(pl.Float64, strict=False)
    top = 1.0 if name in RATES else np.inf
    bad = ~(numbers.is_finite() & (numbers >= 0) & (numbers <= top)).fill_null(False)
    _refuse(column, bad, path, "a rate from 0 to 1" if name in RATES else "a finite number from 0")
    return numbers if name in RATES else numbers.cast(pl.Int64)


def _refuse(column, bad, path, expected):
    if bad.any():
        row = int(bad.arg_max())
        raise ValueError(
            f'{path.name}: column "{column.name}" holds {column[row]!r} in row {row + 1}; expected '
            f"{expected} (are the 43 columns in their order?)"
        )


def _count(frame, part, path):
    normal, attack = PARTS[part][2:]
    if len(frame) != normal + attack:
        raise ValueError(
            f"{path.name} has {len(frame):,} rows; {part!r} of NSL-KDD has {normal + attack:,}"
        )
    found = int(frame["attack"].sum())
    if found != attack:
        raise ValueError(
            f"{path.name} has {len(frame) - found:,} normal rows and {found:,} attacks; "
            f"{part!r} of NSL-KDD has {normal:,} and {attack:,}"
        )


def _records():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "linewatch" / "nsl_kdd.sha256"


def _recorded(path):
    """The checksum recorded for `path`, or None."""
    records = _records()
    if records.is_file():
        for line in records.read_text().splitlines():
            digest, _, name = line.partition("  ")
            if name == str(path.resolve()):
                return digest
    return None


def _digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(path):
    before = _recorded(path)
    if before is not None and before != (now := _digest(path)):
        raise ValueError(
            f"{path.name} has changed since it was first read: its SHA-256 was {before[:12]}…, "
            f"now it is {now[:12]}…; if you replaced it, delete its line in {_records()}"
        )


def _record(path):
    if _recorded(path) is not None:
        return
    records = _records()
    try:
        records.parent.mkdir(parents=True, exist_ok=True)
        with records.open("a") as file:
            file.write(f"{_digest(path)}  {path.resolve()}\n")
    except OSError as error:
        warnings.warn(
            f"the SHA-256 of {path.name} could not be recorded in {records}: {error.strerror}",
            stacklevel=3,
        )
