"""Flows: what nfdump prints as tables, the services of their ports.

`read_nfdump` gives a table of flows, `scan_nfdump` the same in constant memory. `classify_ports`
adds services and categories from the registries of IANA.
"""

from linewatch.flow._ports import (
    classify_ports,
    port_category,
    port_class,
    port_service,
    port_table,
    protocol_keyword,
    protocol_number,
    registry_date,
)
from linewatch.flow._read import Flows, address_text, read_nfdump, scan_nfdump

__all__ = [
    "Flows",
    "address_text",
    "classify_ports",
    "port_category",
    "port_class",
    "port_service",
    "port_table",
    "protocol_keyword",
    "protocol_number",
    "read_nfdump",
    "registry_date",
    "scan_nfdump",
]
