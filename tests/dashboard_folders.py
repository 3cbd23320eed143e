"""Results folders of every kind, made by the commands themselves on generated data."""

import contextlib
import io

from linewatch import _results, cdr, cli, flow, kpi, packets


def write_all(folder, *, evil=None, n_cells=12, only=("kpi", "flows", "calls")):
    """Folders in `folder`; `evil` is the name of the first cell."""
    if "kpi" in only:
        write_kpi(folder, evil, n_cells)
    if "flows" in only:
        path = folder.parent / f"{folder.name}-flows.csv"
        flow.write_nfdump(flow.simulate(3000, "6h", n_customers=60, seed=1), path)
        run("flows", path, "--out", folder / "flows")
    if "calls" in only:
        write_calls(folder / "calls")
    return folder


def write_kpi(folder, evil=None, n_cells=12):
    network = kpi.simulate(-(-n_cells // 3), 6, seed=3)
    cells = network.sites["cell_id"].to_list()[:n_cells]
    names = {cells[0]: evil} if evil else {}
    data = folder.parent / f"{folder.name}-data"
    data.mkdir(exist_ok=True)
    for table, file in ((network.kpis, "kpis.parquet"), (network.sites, "sites.parquet")):
        kept = table.filter(table["cell_id"].is_in(cells))
        kept.with_columns(kept["cell_id"].replace(names)).write_parquet(data / file)
    run("kpi", data / "kpis.parquet", "--sites", data / "sites.parquet", "--value", "traffic_gb",
        "--value", "drop_rate_percent", "--no-picture", "--out", folder / "kpi")  # fmt: skip


def write_packets(folder):
    path = folder.parent / f"{folder.name}.pcap"
    packets.write_pcap(packets.simulate(300, "2min", seed=1), path)
    run("packets", path, "--no-picture", "--out", folder)
    return folder


def write_calls(folder, users=400, days=2):
    tables = cdr.study(cdr.generate(users, days, seed=2, scenarios={"wangiri": {"count": 1}}))
    parameters = {"source": "generated calls", "seed": 2}
    _results.write(folder, kind="calls", tables=tables, parameters=parameters)


def run(*arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        code = cli.main([str(argument) for argument in arguments])
    assert code == 0
