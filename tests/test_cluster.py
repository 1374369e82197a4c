"""The same numbers from a real Dask scheduler and workers on loopback, one of them ended in the middle."""

import re
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from distributed import Client

from springdrift_agents.evaluation import cluster as remote
from springdrift_agents.evaluation import provenance
from springdrift_agents.evaluation.evaluate import compare
from springdrift_agents.policies.registry import policy

pytestmark = pytest.mark.attack

POLICIES = {name: policy(name) for name in ("never", "periodic", "threshold", "adwin")}
SCENARIOS = ["abrupt", "wear", "poc"]


@pytest.fixture
def cluster(tmp_path):
    """Address of a scheduler, and its two workers."""
    processes = []

    def start(*args):
        log = (tmp_path / f"{len(processes)}.log").open("w")
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "distributed.cli." + args[0], *args[1:]], stdout=log, stderr=log
            )
        )
        log.close()
        return processes[-1]

    start("dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")
    address, end = None, time.monotonic() + 60
    while address is None and time.monotonic() < end:
        time.sleep(0.2)
        found = re.search(r"tcp://127\.0\.0\.1:\d+", (tmp_path / "0.log").read_text())
        address = found and found[0]
    assert address, (tmp_path / "0.log").read_text()
    options = ("--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(tmp_path))
    workers = [start("dask_worker", address, *options) for _ in range(2)]
    with Client(address) as client:
        client.wait_for_workers(2, timeout=120)
    yield address, workers
    for process in processes:
        process.kill()
        process.wait()


def test_a_cluster_gives_the_same_numbers_even_when_a_worker_ends(cluster):
    address, workers = cluster
    ended = []

    def end_one(part):
        if not ended:
            ended.append(part)
            workers[0].kill()

    serial = compare(POLICIES, SCENARIOS, 40)
    spread = compare(POLICIES, SCENARIOS, 40, scheduler=address, done=end_one)
    assert ended
    assert workers[0].wait(10) != 0
    for a, b in zip(serial, spread, strict=True):
        assert (a.policy, a.scenario) == (b.policy, b.scenario)
        for one, other in zip(a[2:], b[2:], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_scheduler_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no Dask scheduler answers at"):
        compare({"never": policy("never")}, ["poc"], 2, scheduler="tcp://127.0.0.1:9")


@pytest.fixture
def stranger():
    """Address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_is_no_scheduler_is_found_out(stranger, monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE", 1.0)
    with pytest.raises(ValueError, match="no Dask scheduler answers at"):
        compare({"never": policy("never")}, ["poc"], 2, scheduler=stranger)


def test_a_cluster_that_cannot_do_the_work_is_found_out(cluster, monkeypatch):
    """Workers with another springdrift, those of a worker's own address, and none at all any more."""
    address, workers = cluster
    monkeypatch.setattr(provenance, "code", lambda: {"worlds": "x"})
    with pytest.raises(ValueError, match=r"the worker tcp.* has another springdrift: agents, numba, numpy"):
        next(remote.results([(abs, (-1,))], address))
    monkeypatch.undo()
    monkeypatch.setattr(remote, "QUESTION", "def code():\n    return 'ModuleNotFoundError: springdrift'")
    with pytest.raises(
        ValueError, match=r"cannot run springdrift: ModuleNotFoundError: springdrift\. Install"
    ):
        next(remote.results([(abs, (-1,))], address))
    monkeypatch.undo()
    monkeypatch.setattr(remote, "PATIENCE", 1.0)
    with Client(address) as client:
        worker = next(iter(client.nthreads()))
    with pytest.raises(ValueError, match="is no Dask scheduler, but a Worker"):
        next(remote.results([], worker))
    coming = remote.results([(abs, (-1,)), (time.sleep, (60,))], address)
    assert next(coming) == 1
    for process in workers:
        process.kill()
    with pytest.raises(ConnectionError, match="has lost all its workers"):
        next(coming)
    with pytest.raises(ValueError, match="has no workers: start some"):
        next(remote.results([(abs, (-1,))], address))
