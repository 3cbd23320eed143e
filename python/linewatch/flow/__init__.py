"""Flows: what nfdump prints as tables, the services of their ports.

`read_nfdump` gives a table of flows, `scan_nfdump` the same in constant memory.
"""

from linewatch.flow._read import Flows, address_text, read_nfdump, scan_nfdump

__all__ = [
    "Flows",
    "address_text",
    "read_nfdump",
    "scan_nfdump",
]
