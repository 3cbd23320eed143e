"""Pseudonyms of subscribers and addresses, under a key that you keep.

A pseudonym is not anonymity. Whoever holds the key can link a pseudonym back, and a pattern of
calls or flows can single a person out without any key, so the results remain personal data in the
sense of the `GDPR <https://eur-lex.europa.eu/eli/reg/2016/679/oj>`_ (Article 4(5), Recital 26).
Traffic and location data also fall under the
`ePrivacy directive <https://eur-lex.europa.eu/eli/dir/2002/58/oj>`_ (Articles 6 and 9).
Pseudonyms support data minimisation; `truncate_address` and `privacy_report` help to go further.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch import _core
from linewatch._arguments import check_columns
from linewatch._libraries import is_arrow, is_narwhals, is_pandas_column, refuse_lazy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, NoReturn, Self

    from numpy.typing import NDArray

    from linewatch._typing import FrameT, PathLike, SeriesT


__all__ = ["CryptoPan", "Key", "privacy_report", "pseudonymize", "truncate_address"]

KEY_BYTES = 32
# A random key of 32 bytes has about 30 distinct ones; 16 or fewer happen once in 10^12 keys.
LEAST_DISTINCT = 17
# Twice as many hexadecimal digits as bytes; 8 bytes keep 10^7 subscribers apart with a chance of
# about 3 in a million that any two of them meet.
LEAST_DIGITS, MOST_DIGITS = 16, 64


class Key:
    """A secret of 32 bytes; it never shows in a text, a log or a pickle.

    Parameters
    ----------
    secret : bytes or str
        32 bytes, or 64 hexadecimal digits.

    Raises
    ------
    TypeError
        If `secret` is neither bytes nor text.
    ValueError
        If it is too short or too long, or too regular to have been drawn at random.

    Examples
    --------
    >>> from linewatch import privacy
    >>> privacy.Key.generate()
    Key(32 secret bytes)
    >>> privacy.Key(b"password")
    Traceback (most recent call last):
    ValueError: key must be 32 random bytes or 64 hexadecimal digits, got 8 bytes (make one with
    linewatch.privacy.Key.generate())
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes | str) -> None:
        self._secret = _checked_secret(secret)

    @classmethod
    def generate(cls) -> Self:
        """A new key from the system's source of randomness."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_file(cls, path: PathLike) -> Self:
        """The key in a file: 32 bytes, or 64 hexadecimal digits and spaces.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it does not hold a key.
        """
        data = Path(path).read_bytes()
        if len(data) != KEY_BYTES:
            data = data.decode("ascii", errors="replace")
        try:
            return cls(data)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @classmethod
    def from_env(cls, name: str = "LINEWATCH_PRIVACY_KEY") -> Self:
        """The key in an environment variable, as 64 hexadecimal digits.

        Parameters
        ----------
        name : str, default="LINEWATCH_PRIVACY_KEY"

        Raises
        ------
        ValueError
            If the variable is not set or does not hold a key.
        """
        text = os.environ.get(name)
        if not text:
            raise ValueError(f"the environment variable {name} is not set; expected a key in it")
        try:
            return cls(text)
        except ValueError as error:
            raise ValueError(f"environment variable {name}: {error}") from None

    def save(self, path: PathLike) -> None:
        """Write the key as text into a new file that only its owner may read.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        FileExistsError
            If there is a file of this name: a key is never overwritten.
        """
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise FileExistsError(
                f"{path} exists and a key is never overwritten; choose another name, or read the "
                "key in it with Key.from_file"
            ) from None
        try:
            with os.fdopen(handle, "w") as file:
                file.write(self._secret.hex() + "\n")
        except BaseException:
            os.unlink(path)  # half a key opens nothing
            raise

    def _of(self, purpose):
        """The key of one purpose, without which the pseudonyms of two cannot be linked."""
        return hmac.digest(self._secret, b"linewatch pseudonym 1\0" + purpose.encode(), "sha256")

    def __repr__(self) -> str:
        return f"Key({KEY_BYTES} secret bytes)"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a key is not pickled, so that it does not end in a file by accident "
            "(hand over the name of its file: Key.from_file)"
        )


class CryptoPan:
    """Prefix-preserving pseudonyms of IP addresses.

    Two addresses that share their first n bits have pseudonyms that share their first n bits, and
    no more: subnets stay subnets. The reverse is a weakness, too: who can inject flows of known
    addresses, or knows the busiest hosts, learns prefixes of others.

    Parameters
    ----------
    key : Key, bytes or str
        32 random bytes; see `Key`.

    References
    ----------
    .. [1] Xu, J., Fan, J., Ammar, M. H., Moon, S. B. (2002). Prefix-preserving IP address
       anonymization: measurement-based security evaluation and a new cryptography-based scheme.
       ICNP 2002.

    Examples
    --------
    >>> from linewatch import privacy
    >>> pan = privacy.CryptoPan(privacy.Key.generate())
    >>> a, b = pan.pseudonymize(["192.0.2.7", "192.0.2.8"])
    >>> a.rsplit(".", 1)[0] == b.rsplit(".", 1)[0]
    True
    >>> pan.restore(a)
    '192.0.2.7'
    """

    def __init__(self, key: Key | bytes | str) -> None:
        self._kernel = _core.CryptoPan(_as_key(key)._secret)

    @overload
    def pseudonymize(self, addresses: str, *, n_jobs: int | None = ...) -> str: ...
    @overload
    def pseudonymize(self, addresses: SeriesT, *, n_jobs: int | None = ...) -> SeriesT: ...
    @overload
    def pseudonymize(self, addresses: Sequence[str], *, n_jobs: int | None = ...) -> list[str]: ...
    @overload
    def pseudonymize(
        self, addresses: Sequence[str | None], *, n_jobs: int | None = ...
    ) -> list[str | None]: ...
    @overload
    def pseudonymize(
        self, addresses: NDArray[Any], *, n_jobs: int | None = ...
    ) -> NDArray[Any]: ...
    def pseudonymize(self, addresses, *, n_jobs=None):
        """Pseudonyms of `addresses`, of the caller's kind.

        Parameters
        ----------
        addresses : str, array-like of str or uint32, Series or Arrow array, shape (n,)
            IPv4 or IPv6 addresses as text, or IPv4 addresses as unsigned 32-bit numbers (the
            first octet highest). Missing ones stay missing.
        n_jobs : int, optional
            Threads, as in scikit-learn; all cores by default.

        Returns
        -------
        str, list, ndarray, Series or Arrow array
            What came in, with its index and name.

        Raises
        ------
        ValueError
            If one of them is not an address; the message has it.
        """
        return self._map(addresses, False, n_jobs)

    @overload
    def restore(self, pseudonyms: str, *, n_jobs: int | None = ...) -> str: ...
    @overload
    def restore(self, pseudonyms: SeriesT, *, n_jobs: int | None = ...) -> SeriesT: ...
    @overload
    def restore(self, pseudonyms: Sequence[str], *, n_jobs: int | None = ...) -> list[str]: ...
    @overload
    def restore(
        self, pseudonyms: Sequence[str | None], *, n_jobs: int | None = ...
    ) -> list[str | None]: ...
    @overload
    def restore(self, pseudonyms: NDArray[Any], *, n_jobs: int | None = ...) -> NDArray[Any]: ...
    def restore(self, pseudonyms, *, n_jobs=None):
        """The addresses that have these pseudonyms under this key.

        Parameters
        ----------
        pseudonyms : as `addresses` of `pseudonymize`
        n_jobs : int, optional

        Returns
        -------
        As `pseudonymize`.
        """
        return self._map(pseudonyms, True, n_jobs)

    def _map(self, x, restore, n_jobs):
        array = _uint32(x)
        if array is not None:
            flat = np.ascontiguousarray(array).reshape(-1)
            return self._kernel.numbers(flat, restore=restore, n_jobs=n_jobs).reshape(array.shape)
        return _mapped(
            x,
            "addresses",
            lambda each: self._kernel.text(each, restore=restore, n_jobs=n_jobs),
            quick=True,
        )

    def __repr__(self) -> str:
        return "CryptoPan(key=Key(32 secret bytes))"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a CryptoPan holds a key and is not pickled (make it from Key.from_file)")


@overload
def pseudonymize(
    x: str,
    key: Key | bytes | str,
    *,
    purpose: str,
    kind: Literal["msisdn", "imsi", "imei"] | None = ...,
    country_code: str | None = ...,
    keep: int = ...,
    digits: int = ...,
) -> str: ...
@overload
def pseudonymize(
    x: SeriesT,
    key: Key | bytes | str,
    *,
    purpose: str,
    kind: Literal["msisdn", "imsi", "imei"] | None = ...,
    country_code: str | None = ...,
    keep: int = ...,
    digits: int = ...,
) -> SeriesT: ...
@overload
def pseudonymize(
    x: Sequence[str],
    key: Key | bytes | str,
    *,
    purpose: str,
    kind: Literal["msisdn", "imsi", "imei"] | None = ...,
    country_code: str | None = ...,
    keep: int = ...,
    digits: int = ...,
) -> list[str]: ...
@overload
def pseudonymize(
    x: Sequence[str | None],
    key: Key | bytes | str,
    *,
    purpose: str,
    kind: Literal["msisdn", "imsi", "imei"] | None = ...,
    country_code: str | None = ...,
    keep: int = ...,
    digits: int = ...,
) -> list[str | None]: ...
@overload
def pseudonymize(
    x: NDArray[Any],
    key: Key | bytes | str,
    *,
    purpose: str,
    kind: Literal["msisdn", "imsi", "imei"] | None = ...,
    country_code: str | None = ...,
    keep: int = ...,
    digits: int = ...,
) -> NDArray[Any]: ...
def pseudonymize(x, key, *, purpose, kind=None, country_code=None, keep=0, digits=32):
    """Keyed pseudonyms of identifiers: the same under one key and purpose, unlinkable across them.

    The pseudonym is the beginning of HMAC-SHA-256 of the identifier under a key that is derived
    from yours and the purpose. A plain hash would be no protection: all numbers of an operator are
    tried in seconds.

    Parameters
    ----------
    x : str, array-like of str, Series or Arrow array, shape (n,)
        Identifiers. Missing ones stay missing.
    key : Key, bytes or str
        32 random bytes; see `Key`.
    purpose : str
        What the pseudonyms are for, such as "fraud 2026-11". Another purpose, or period, gives
        pseudonyms that cannot be linked to these.
    kind : {"msisdn", "imsi", "imei"}, optional
        How an identifier is written in one way before it is hashed: "msisdn" as E.164 (spaces,
        dashes, brackets and dots go; 00 becomes +), "imsi" and "imei" as 14 to 16 digits. Without
        a kind the text counts as it is.
    country_code : str, optional
        For `kind` "msisdn": the country of numbers written without one, such as "91"; a leading 0
        of such a number goes.
    keep : int, default=0
        Leading digits that stay readable before the pseudonym: 5 or 6 of an IMSI keep the network
        (MCC and MNC), 8 of an IMEI the model (TAC). They help to single a person out.
    digits : int, default=32
        Hexadecimal digits of a pseudonym, 16 to 64.

    Returns
    -------
    str, list, ndarray, Series or Arrow array
        Text, in what came in, with its index and name.

    Raises
    ------
    ValueError
        If an identifier does not have the form of its `kind`, or an option is out of range.
    TypeError
        If `x` does not hold text.

    References
    ----------
    .. [1] RFC 2104, HMAC: keyed-hashing for message authentication.

    Examples
    --------
    >>> from linewatch import privacy
    >>> key = privacy.Key.generate()
    >>> numbers = ["+91 98765 43210", "0091-9876543210", "098765 43210"]
    >>> who = privacy.pseudonymize(
    ...     numbers, key, purpose="fraud", kind="msisdn", country_code="91", digits=16)
    >>> len(set(who))
    1
    """
    key = _as_key(key)
    if not isinstance(purpose, str) or not purpose.strip():
        raise ValueError(f'purpose must be a text such as "fraud 2026-11", got {purpose!r}')
    if kind not in (None, *_NORMAL):
        raise ValueError(f'kind must be "msisdn", "imsi", "imei" or None, got {kind!r}')
    if country_code is not None:
        if kind != "msisdn":
            raise ValueError('country_code goes with kind="msisdn" only')
        country_code = str(country_code).lstrip("+")
        if not (country_code.isascii() and country_code.isdigit() and 1 <= len(country_code) <= 3):
            raise ValueError(
                f'country_code must be 1 to 3 digits such as "91", got {country_code!r}'
            )
    if not isinstance(digits, int) or not LEAST_DIGITS <= digits <= MOST_DIGITS:
        raise ValueError(f"digits must be from {LEAST_DIGITS} to {MOST_DIGITS}, got {digits!r}")
    if not isinstance(keep, int) or not 0 <= keep <= 8:
        raise ValueError(f"keep must be from 0 to 8, got {keep!r}")
    secret = key._of(purpose)
    normal = _NORMAL.get(kind, lambda text, _: text)

    def pseudonym(text):
        written = normal(text, country_code)
        code = hmac.digest(secret, written.encode(), "sha256").hex()[:digits]
        return written[:keep] + "-" + code if keep else code

    return _mapped(x, "x", lambda texts: [pseudonym(text) for text in texts])


@overload
def truncate_address(addresses: str, *, v4: int = ..., v6: int = ...) -> str: ...
@overload
def truncate_address(addresses: SeriesT, *, v4: int = ..., v6: int = ...) -> SeriesT: ...
@overload
def truncate_address(addresses: Sequence[str], *, v4: int = ..., v6: int = ...) -> list[str]: ...
@overload
def truncate_address(
    addresses: Sequence[str | None], *, v4: int = ..., v6: int = ...
) -> list[str | None]: ...
@overload
def truncate_address(addresses: NDArray[Any], *, v4: int = ..., v6: int = ...) -> NDArray[Any]: ...
def truncate_address(addresses, *, v4=24, v6=48):
    """`addresses` with all but the first bits of each address set to zero.

    Parameters
    ----------
    addresses : str, array-like of str or uint32, Series or Arrow array, shape (n,)
        As text, or IPv4 addresses as unsigned 32-bit numbers. Missing ones stay missing.
    v4 : int, default=24
        Bits of an IPv4 address that stay, 0 to 32.
    v6 : int, default=48
        Bits of an IPv6 address that stay, 0 to 128.

    Returns
    -------
    str, list, ndarray, Series or Arrow array
        What came in, with its index and name.

    Raises
    ------
    ValueError
        If one of them is not an address, or a number of bits is out of range.

    Examples
    --------
    >>> from linewatch import privacy
    >>> privacy.truncate_address(["192.0.2.77", "2001:db8:1:2::3"])
    ['192.0.2.0', '2001:db8:1::']
    """
    for name, bits, most in (("v4", v4, 32), ("v6", v6, 128)):
        if not isinstance(bits, int) or not 0 <= bits <= most:
            raise ValueError(f"{name} must be from 0 to {most} bits, got {bits!r}")
    array = _uint32(addresses)
    if array is not None:
        return array & np.uint32((0xFFFFFFFF << (32 - v4)) & 0xFFFFFFFF)

    def truncated(text):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise ValueError(f"addresses must hold IPv4 or IPv6 addresses, got {text!r}") from None
        dropped = address.max_prefixlen - (v4 if address.version == 4 else v6)
        return str(type(address)(int(address) >> dropped << dropped))

    return _mapped(addresses, "addresses", lambda texts: [truncated(text) for text in texts])


def privacy_report(frame: FrameT, quasi_identifiers: str | Sequence[str], *, k: int = 5) -> FrameT:
    """How many rows of `frame` stand alone, or in a small crowd, by what others may know.

    Parameters
    ----------
    frame : DataFrame or Arrow table
        One row a person (or a record) after all pseudonyms.
    quasi_identifiers : sequence of str
        Columns that somebody may know from elsewhere: home cell, type of phone, age band.
    k : int, default=5
        The smallest group that counts as a crowd.

    Returns
    -------
    DataFrame of the kind of `frame`
        One row for each quasi-identifier alone, then one for all together: ``columns``,
        ``groups`` (distinct combinations), ``k_anonymity`` (rows of the smallest group; 0 for a
        frame without rows), ``unique_rows``, ``rows_below_k`` and ``share_below_k``.

    Raises
    ------
    ValueError
        If a column is missing, none is named, or `k` is below 2.

    References
    ----------
    .. [1] Sweeney, L. (2002). k-anonymity: a model for protecting privacy. International Journal
       of Uncertainty, Fuzziness and Knowledge-Based Systems 10(5), 557-570.

    Examples
    --------
    >>> import polars as pl
    >>> from linewatch import privacy
    >>> users = pl.DataFrame({"home": ["A", "A", "A", "B"], "phone": ["x", "x", "y", "x"]})
    >>> privacy.privacy_report(users, ["home", "phone"], k=2)["unique_rows"].to_list()
    [1, 1, 2]
    """
    import narwhals.stable.v2 as nw

    refuse_lazy(frame, "frame")
    table = nw.from_native(frame, eager_only=True)
    columns = [quasi_identifiers] if isinstance(quasi_identifiers, str) else list(quasi_identifiers)
    if not columns:
        raise ValueError("quasi_identifiers must name at least one column, got none")
    check_columns(columns, table.columns)
    if isinstance(k, bool) or not isinstance(k, int) or k < 2:
        raise ValueError(f"k must be a whole number from 2 on, got {k!r}")
    sets = [[column] for column in columns]
    if len(columns) > 1:
        sets.append(columns)
    rows = []
    for names in sets:
        groups = table.select(names).with_columns(_rows=nw.lit(1))
        sizes = groups.group_by(names).agg(nw.col("_rows").sum())["_rows"].to_numpy()
        below = int(sizes[sizes < k].sum())
        rows.append(
            {
                "columns": ", ".join(names),
                "groups": len(sizes),
                "k_anonymity": int(sizes.min()) if len(sizes) else 0,
                "unique_rows": int((sizes == 1).sum()),
                "rows_below_k": below,
                "share_below_k": below / len(table) if len(table) else 0.0,
            }
        )
    data = {name: [row[name] for row in rows] for name in rows[0]}
    return nw.from_dict(data, backend=table.implementation).to_native()


def _as_key(key):
    return key if isinstance(key, Key) else Key(key)


def _checked_secret(secret):
    way = "(make one with linewatch.privacy.Key.generate())"
    if isinstance(secret, str):
        text = "".join(secret.split())
        unit = "hexadecimal digits"
        try:
            data = bytes.fromhex(text)
        except ValueError:
            unit = "characters"
            data = b""
        found = f"{len(text)} {unit}"
    elif isinstance(secret, bytes | bytearray):
        data, found = bytes(secret), f"{len(secret)} bytes"
    else:
        raise TypeError(f"key must be bytes or text, got {type(secret).__name__}")
    if len(data) != KEY_BYTES:
        raise ValueError(
            f"key must be {KEY_BYTES} random bytes or {2 * KEY_BYTES} hexadecimal digits, "
            f"got {found} {way}"
        )
    if len(set(data)) < LEAST_DISTINCT:
        raise ValueError(
            f"key is too regular: only {len(set(data))} of its {KEY_BYTES} bytes differ {way}"
        )
    return data


def _msisdn(text, country_code):
    digits = text.translate(str.maketrans("", "", " \t-().\u00a0"))
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    elif not digits.startswith("+") and country_code is not None:
        digits = "+" + country_code + digits.removeprefix("0")
    number = digits[1:]
    well = digits.startswith("+") and number.isascii() and number.isdigit()
    if not (well and 7 <= len(number) <= 15 and number[0] != "0"):
        raise ValueError(
            f"x must hold telephone numbers with their country (+91...), got {text!r} "
            "(country_code= says the country of those without one)"
        )
    return digits


def _identity(name):
    def normal(text, _):
        digits = text.strip().replace(" ", "").replace("-", "")
        if not (digits.isascii() and digits.isdigit() and 14 <= len(digits) <= 16):
            raise ValueError(f"x must hold {name}s of 14 to 16 digits, got {text!r}")
        return digits

    return normal


_NORMAL = {"msisdn": _msisdn, "imsi": _identity("IMSI"), "imei": _identity("IMEI")}


def _uint32(x):
    """`x` as an array if it is one of unsigned 32-bit numbers."""
    if isinstance(x, np.ndarray | np.generic) and x.dtype == np.uint32:
        return np.asarray(x)
    return None


def _mapped(x, name, function, quick=False):
    """`function` of the distinct texts in `x`, put where they stood, in the caller's kind.

    A `quick` function sees all texts: it takes less time than finding the distinct ones does.
    """
    if isinstance(x, str):
        return function([x])[0]
    refuse_lazy(x, name)
    if is_arrow(x) or is_narwhals(x) or is_pandas_column(x):
        return _mapped_column(x, name, function, quick)
    if isinstance(x, np.ndarray):
        if x.ndim != 1:
            raise ValueError(f"{name} must have one dimension, got {x.ndim}")
        return np.array(_texts(x.tolist(), name, function, quick), dtype=object)
    if isinstance(x, list | tuple):
        return _texts(list(x), name, function, quick)
    raise TypeError(f"{name} must be text or a list, array or column of text, got {_a(x)}")


def _mapped_column(x, name, function, quick):
    import narwhals.stable.v2 as nw

    column = x if is_narwhals(x) else nw.from_native(x, series_only=True)
    if column.implementation.is_polars() and column.dtype in (nw.String, nw.Categorical, nw.Enum):
        made = nw.from_native(_mapped_polars(column.to_native(), function), series_only=True)
    else:
        texts = _texts(column.to_list(), name, function, quick)
        made = nw.new_series(column.name, texts, nw.String(), backend=column.implementation)
    index = nw.maybe_get_index(column)
    if index is not None:
        made = nw.maybe_set_index(made, index=index)
    return made if is_narwhals(x) else made.to_native()


def _mapped_polars(column, function):
    """Text of Polars: where values repeat, only the distinct ones become objects of Python."""
    import polars as pl

    column = column.cast(pl.String)
    present = column.drop_nulls()
    if 2 * present.n_unique() > len(present):
        made = pl.Series(column.name, function(present.to_list()), pl.String)
        if len(made) == len(column):
            return made
        rows = column.is_not_null().arg_true()
        return (
            pl.Series(column.name, [None], pl.String)
            .new_from_index(0, len(column))
            .scatter(rows, made)
        )
    distinct = present.unique(maintain_order=True)
    made = pl.Series(function(distinct.to_list()), dtype=pl.String)
    return column.replace_strict(distinct, made, return_dtype=pl.String)


# Text is what identifiers are; addresses may be numbers of one dtype.
_WAY = {
    "x": "numbers lose leading zeros: read the column as text",
    "addresses": 'give IPv4 addresses as text, or as a NumPy array with .astype("uint32")',
}


def _texts(values, name, function, quick):
    if not set(map(type, values)) <= {str, type(None)}:
        for row, value in enumerate(values):
            if not isinstance(value, str) and not _is_missing(value):
                raise TypeError(f"{name} must hold text, got {value!r} in row {row} ({_WAY[name]})")
    if quick:
        present = [value for value in values if isinstance(value, str)]
        made = function(present) if present else []
        if len(made) == len(values):
            return made
        made = iter(made)
        return [next(made) if isinstance(value, str) else None for value in values]
    distinct = [value for value in dict.fromkeys(values) if isinstance(value, str)]
    made = function(distinct) if distinct else []
    if len(made) == len(values):
        return made
    known = dict(zip(distinct, made))
    return list(map(known.get, values))


def _is_missing(value):
    return value is None or value != value or type(value).__name__ == "NAType"


def _a(x):
    return type(x).__name__
