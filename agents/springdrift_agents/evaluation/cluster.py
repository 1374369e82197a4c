"""Work on a Dask cluster that others run: looked at before it gets any, and given up with a sentence."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from springdrift_agents.evaluation import provenance
from springdrift_agents.text import one_line

Work = tuple[Callable[..., Any], tuple[Any, ...]]
PATIENCE = 8.0  # seconds for a scheduler to answer, and for a worker to be there
LOOK = 2.0  # seconds between two looks at whether there still are workers

# What a worker is asked. As text, since one without springdrift could not even read a function of ours.
QUESTION = """
def code():
    try:
        from springdrift_agents.evaluation.provenance import code
        return code()
    except Exception as wrong:
        return f"{type(wrong).__name__}: {wrong}"
"""


def results(work: Sequence[Work], address: str) -> Iterator[Any]:
    """The results of the work, in its order, as they come in.

    Raises:
        ImportError: Dask is missing; says what to install.
        ValueError: nothing answers at the address, it is no scheduler, it has no workers, or one of them has
            no springdrift or another one.
        ConnectionError: the cluster ended before the work did.
    """
    try:
        from distributed import CancelledError, Client, KilledWorker
    except ModuleNotFoundError:
        raise ImportError('a cluster needs Dask: pip install "springdrift[cluster]"') from None
    _look(address)
    with Client(address, timeout=PATIENCE) as client:
        _check_workers(client, address)
        futures = [
            # a worker that ends takes its work with it: others do it again, with the same result
            client.submit(function, *arguments, pure=False, retries=2)
            for function, arguments in work
        ]
        for future in futures:
            try:
                yield _result(client, future, address)
            except KilledWorker as wrong:
                raise ConnectionError(
                    f"workers of {address} ended again and again over the same piece of work; "
                    "perhaps they have too little memory"
                ) from wrong
            except (CancelledError, OSError) as wrong:
                if type(wrong) is ConnectionError:
                    raise
                raise ConnectionError(f"the scheduler at {address} has gone") from wrong
            except ModuleNotFoundError as wrong:
                raise ConnectionError(f"a worker that came to {address} later has no {wrong.name}") from wrong
            future.release()


def _result(client: Any, future: Any, address: str) -> Any:
    alone = None
    while True:
        try:
            return future.result(timeout=LOOK)
        except TimeoutError:
            if future.done():  # the work itself raised it
                raise
        if client.nthreads():
            alone = None
        elif alone is None:
            alone = time.monotonic()
        elif time.monotonic() - alone > PATIENCE:
            raise ConnectionError(f"the scheduler at {address} has lost all its workers")


def _look(address: str) -> None:
    """See that a scheduler answers, and soon."""
    try:
        with ThreadPoolExecutor(1) as pool:  # a notebook has a loop of its own running
            found = pool.submit(asyncio.run, _identity(address)).result()
    except (OSError, ValueError, TimeoutError) as wrong:
        said = one_line(wrong) or f"no answer within {PATIENCE:g} s"
        raise ValueError(f"no Dask scheduler answers at {address!r}: {said}") from wrong
    kind = found.get("type") if isinstance(found, dict) else None
    if kind != "Scheduler":
        raise ValueError(f"what answers at {address!r} is no Dask scheduler, but a {kind or 'stranger'}")


async def _identity(address: str) -> Any:
    from distributed.comm.core import connect

    async def ask() -> Any:
        comm = await connect(address, timeout=PATIENCE)
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    return await asyncio.wait_for(ask(), PATIENCE)


def _check_workers(client: Any, address: str) -> None:
    end = time.monotonic() + PATIENCE
    while not client.nthreads():
        if time.monotonic() > end:
            raise ValueError(f"the scheduler at {address} has no workers: start some (dask worker {address})")
        time.sleep(0.2)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(QUESTION, space)
    here = provenance.code()
    for worker, there in client.run(space["code"], on_error="return").items():
        if isinstance(there, dict):
            other = ", ".join(sorted(name for name in here | there if here.get(name) != there.get(name)))
            said = f"has another springdrift: {other} differ" if other else ""
        else:
            said = f"cannot run springdrift: {there}"
        if said:
            raise ValueError(f"the worker {worker} of {address} {said}. Install the same on every worker")
