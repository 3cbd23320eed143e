"""Numbers and keywords of IP protocols, as IANA and as nfdump have them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, overload

import numpy as np

from linewatch import _core

if TYPE_CHECKING:
    from linewatch._typing import Column, Int64, Texts


# What nfdump calls protocols where it does not call them as IANA does.
_NFDUMP = {
    "IPIP": 4, "BBN": 10, "NVPII": 11, "ENCOM": 14, "DCN": 19, "XNS": 22, "TRNK1": 23, "TRNK2": 24,
    "LEAF1": 25, "LEAF2": 26, "ISO-4": 29, "NETBK": 30, "MFESP": 31, "MEINP": 32, "RTE6": 43,
    "FRAG6": 44, "MHRP": 48, "INLSP": 52, "MOBIL": 55, "ICMP6": 58, "NOHE6": 59, "OPTS6": 60,
    "SATNT": 64, "KLAN": 65, "SATM": 69, "BSATM": 76, "SUNND": 77, "WBMON": 78, "WBEXP": 79,
    "ISOIP": 80, "SVMTP": 82, "NSIGP": 85, "OSPF": 89, "S-RPC": 90, "SCCSP": 96, "ETHIP": 97,
    "CPQPP": 110, "IPXIP": 111, "ISIS4": 124, "MHEAD": 135, "UDP-L": 136, "MPLS": 137,
}  # fmt: skip
#: The number of what is no protocol.
UNKNOWN = -1


@overload
def protocol_number(protocol: str) -> int: ...
@overload
def protocol_number(protocol: Column) -> Int64: ...
def protocol_number(protocol):
    """Numbers of IP protocols from their keywords.

    Parameters
    ----------
    protocol : str or array-like of str
        Keywords of IANA (``IPv6-ICMP``) or nfdump's (``ICMP6``), of any case, or numbers in text.

    Returns
    -------
    int or ndarray of int64
        -1 for what is not known.

    References
    ----------
    .. [1] IANA, Protocol Numbers, https://www.iana.org/assignments/protocol-numbers.

    Examples
    --------
    >>> from linewatch import flow
    >>> flow.protocol_number("tcp"), flow.protocol_number(["ICMP6", "sctp", "47", "?"])
    (6, array([ 58, 132,  47,  -1]))
    """
    if isinstance(protocol, str):
        return number_of(protocol)
    return np.array([number_of(one) for one in protocol], dtype=np.int64)


@overload
def protocol_keyword(number: int) -> str | None: ...
@overload
def protocol_keyword(number: Column) -> Texts: ...
def protocol_keyword(number):
    """Keywords of IP protocols from their numbers.

    Parameters
    ----------
    number : int or array-like of int
        From 0 to 255.

    Returns
    -------
    str, or ndarray of objects
        IANA's keyword; None for a number that has none.

    Raises
    ------
    ValueError
        If a number is not from 0 to 255.

    Examples
    --------
    >>> from linewatch import flow
    >>> flow.protocol_keyword(58), flow.protocol_keyword([6, 132, 253])
    ('IPv6-ICMP', array(['TCP', 'SCTP', None], dtype=object))
    """
    keywords = _protocols()[0]
    values = [number] if np.ndim(number) == 0 else list(number)
    for value in values:
        if not 0 <= value <= 255 or value != int(value):
            raise ValueError(f"number must be from 0 to 255, got {value}")
    found = np.array([keywords.get(int(value)) for value in values], dtype=object)
    return found[0] if np.ndim(number) == 0 else found


def number_of(text):
    if not isinstance(text, str):
        return UNKNOWN
    text = text.strip().upper()
    if text.isascii() and text.isdigit():
        return int(text) if int(text) <= 255 else UNKNOWN
    return _protocols()[1].get(text, UNKNOWN)


@functools.cache
def _protocols():
    """Keywords by number, and numbers by keyword in upper case."""
    keywords, numbers = {}, {}
    for number, keyword in _core.port_registry()[1]:
        keywords.setdefault(number, keyword)
        numbers.setdefault(keyword.upper(), number)
    # What nfdump prints comes first: its IPIP is 4, which IANA calls IPv4, and not 94.
    return keywords, numbers | _NFDUMP
