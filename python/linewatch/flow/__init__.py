"""Flows of nfdump: tables of them, services of their ports, who uses how much, segments, anomalies.

`read_nfdump` gives a table of flows, `scan_nfdump` the same in constant memory. `classify_ports`
adds services and categories from the registries of IANA. Every group-by is written once and runs
where the flows are: pandas, Polars (eager, or lazy with its streaming engine), pyarrow, DuckDB
relations and PySpark frames. What comes back has the caller's kind; a lazy frame stays lazy.
"""

from linewatch.flow._anomalies import anomalies
from linewatch.flow._derive import delivery_ratio, derive, summary
from linewatch.flow._drill import drill_down
from linewatch.flow._peaks import by_time, peaks
from linewatch.flow._pictures import bytes_in_out, equal_frequency, top_bars, traffic_area
from linewatch.flow._ports import (
    classify_ports,
    port_category,
    port_class,
    port_service,
    port_table,
    registry_date,
)
from linewatch.flow._protocols import protocol_keyword, protocol_number
from linewatch.flow._read import Flows, address_text, read_nfdump, scan_nfdump
from linewatch.flow._segments import UFM_LEVELS, VALUE_LEVELS, segment_table, ufm_segments
from linewatch.flow._simulate import ANOMALIES, simulate
from linewatch.flow._treemap import treemap
from linewatch.flow._usage import distribution_by_mac, protocol_table, top_talkers, usage_by_source
from linewatch.flow._write import write_nfdump

__all__ = [
    "ANOMALIES",
    "UFM_LEVELS",
    "VALUE_LEVELS",
    "Flows",
    "address_text",
    "anomalies",
    "by_time",
    "bytes_in_out",
    "classify_ports",
    "delivery_ratio",
    "derive",
    "distribution_by_mac",
    "drill_down",
    "equal_frequency",
    "peaks",
    "port_category",
    "port_class",
    "port_service",
    "port_table",
    "protocol_keyword",
    "protocol_number",
    "protocol_table",
    "read_nfdump",
    "registry_date",
    "scan_nfdump",
    "segment_table",
    "simulate",
    "summary",
    "top_bars",
    "top_talkers",
    "traffic_area",
    "treemap",
    "ufm_segments",
    "usage_by_source",
    "write_nfdump",
]
