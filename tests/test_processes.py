"""Every domain on many threads, in children of fork and spawn, with any number of threads."""

import multiprocessing
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import every_domain
import pytest


@pytest.fixture(scope="module")
def expected():
    return every_domain.digests(every_domain.ALL, n_jobs=1)


@pytest.mark.parametrize("name", every_domain.ALL)
@pytest.mark.parametrize("n_jobs", [2, 3, 8])
def test_every_number_of_threads_gives_the_same_bits(name, n_jobs, expected):
    assert every_domain.digest(name, n_jobs) == expected[name]


@pytest.mark.parametrize("name", every_domain.ALL)
def test_the_same_call_gives_the_same_bits_again(name, expected):
    assert every_domain.digest(name, 1) == expected[name]


def test_all_domains_may_be_called_from_many_threads_at_once(expected):
    names = list(every_domain.ALL) * 2
    with ThreadPoolExecutor(len(names)) as executor:
        calls = [
            executor.submit(every_domain.digest, name, 1 + i % 3) for i, name in enumerate(names)
        ]
        for name, call in zip(names, calls, strict=True):
            assert call.result() == expected[name], name


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_works_in_every_domain_that_needs_no_polars(expected):
    every_domain.digests(every_domain.PLAIN)  # the pools of the parent are at work
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child():
        sender.send(every_domain.digests(every_domain.PLAIN))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process = context.Process(target=child, daemon=True)
        process.start()
    found = receiver.recv() if receiver.poll(120) else "the child hangs"
    process.join(60)
    assert found == {name: expected[name] for name in every_domain.PLAIN}
    assert every_domain.digests(every_domain.PLAIN) == found


@pytest.mark.parametrize("kind", ["spawn", "loky"])
def test_children_of_other_kinds_work_in_every_domain(kind, expected):
    """In a script of its own, as multiprocessing wants it."""
    by_pool = (
        "with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        found = pool.map(every_domain.digests, [list(every_domain.ALL)])[0]"
    )
    by_joblib = (
        "found = joblib.Parallel(n_jobs=2, backend='loky')(\n"
        "        joblib.delayed(every_domain.digests)([n]) for n in every_domain.ALL)\n"
        "    found = {k: v for part in found for k, v in part.items()}"
    )
    code = f"""
import json, multiprocessing, joblib, every_domain
if __name__ == "__main__":
    every_domain.digests(["rolling", "iforest"])
    {by_pool if kind == "spawn" else by_joblib}
    print(json.dumps(found))
"""
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    import json
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "script.py")
        with open(script, "w") as file:
            file.write(code)
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, timeout=300,
            env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


def test_an_absurd_number_of_threads_is_refused():
    for name in every_domain.ALL:
        if name in ("autoencoder", "downsample", "streaming"):
            continue  # have no n_jobs
        with pytest.raises(
            ValueError, match="n_jobs must be at most [0-9]+ threads, got 1000000000$"
        ):
            every_domain.digest(name, 10**9)
