"""Makes the compact registries beside this script from the files that IANA publishes.

    python src/flow/registry/make.py service-names-port-numbers.csv protocol-numbers-1.csv

The files are those of https://www.iana.org/assignments/service-names-port-numbers and
https://www.iana.org/assignments/protocol-numbers, plain or with gzip. Only rows with a port and a
transport protocol are kept, in the order of the registry, each as first port, last port, protocol
and service name. The newest date in the registry goes into the first line.
"""

import csv
import gzip
import io
import sys
from pathlib import Path

TRANSPORTS = ("tcp", "udp", "sctp", "dccp")
HERE = Path(__file__).parent


def rows(path):
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def services(path):
    lines, newest = [], ""
    for row in rows(path):
        newest = max(newest, row["Registration Date"], row["Modification Date"])
        port, transport = row["Port Number"].strip(), row["Transport Protocol"].strip().lower()
        if not port or transport not in TRANSPORTS:
            continue
        first, _, last = port.partition("-")
        name = row["Service Name"].strip()
        lines.append(f"{first}\t{last or first}\t{transport}\t{name}")
    return newest, lines


def protocols(path):
    lines = []
    for row in rows(path):
        number, keyword = row["Decimal"].strip(), row["Keyword"].strip()
        if number.isdigit() and keyword not in ("", "Unassigned", "Reserved"):
            # "ARGUS (deprecated)" is called ARGUS.
            lines.append(f"{number}\t{keyword.split(' (')[0]}")
    return lines


def main():
    service_file, protocol_file = sys.argv[1:]
    newest, lines = services(service_file)
    text = "\n".join([f"# IANA service names and port numbers, {newest}", *lines]) + "\n"
    # No time in the header of the gzip file: the same registry gives the same bytes.
    (HERE / "services.tsv.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    (HERE / "protocols.tsv").write_text("\n".join(protocols(protocol_file)) + "\n")


if __name__ == "__main__":
    main()
