"""Packets: captures as tables, what a source did in the last seconds, traffic with known attacks.

`read_pcap` gives a table of a capture, `scan_pcap` the same in constant memory, `features` the
packet counts, sizes, flags, distinct destinations and entropies of a trailing window for each
source, `simulate` labelled traffic, `write_pcap` a capture.

>>> from linewatch import packets
>>> table = packets.simulate(n_flows=50, duration="1min", seed=1)
>>> found = packets.features(table, window="5s", features=["packet_count", "inter_arrival_s"])
>>> found.columns
['packet_count_5s', 'inter_arrival_s']
"""

from linewatch.packets._capture import read_pcap, scan_pcap
from linewatch.packets._features import FEATURES, features
from linewatch.packets._simulate import ATTACKS, simulate
from linewatch.packets._write import write_pcap

__all__ = ["ATTACKS", "FEATURES", "features", "read_pcap", "scan_pcap", "simulate", "write_pcap"]
