"""How much a command may ask for: as many processes as there is work, and no more memory than there is."""

from collections.abc import Callable
from pathlib import Path

WORKER = 300 << 20  # bytes of a process that runs worlds
EPISODE = 400  # bytes that an episode of a comparison takes, its line of the table included
MOST_JOBS = 512


def memory() -> int | None:
    """Bytes of memory to be had, by the machine's count and the container's; None where neither says."""
    found = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) << 10)
    except (OSError, ValueError):
        pass
    for most, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            found.append(max(int(Path(most).read_text()) - int(Path(used).read_text()), 0))
        except (OSError, ValueError):  # "max", or no such group
            continue
    return min(found) if found else None


def jobs(wanted: int, work: int, tell: Callable[[str], None] = lambda _: None) -> int:
    """How many processes to start for so many pieces of work; ``tell`` hears why it is fewer than wanted."""
    there = memory()
    bounds = {"as many as there are pieces of work": work, "the most at once": MOST_JOBS}
    if there is not None:
        bounds[f"{there >> 20:,} MB of memory hold no more"] = there // WORKER
    why = min(bounds, key=lambda name: bounds[name])
    most = max(bounds[why], 1)
    if wanted > most:
        tell(f"--jobs {wanted}: {most} processes start, {why}")
    return min(wanted, most)


def check_episodes(option: str, count: int, pairs: int = 1) -> None:
    """Refuse more episodes than memory holds, before any is played.

    Raises:
        ValueError: there are too many; says how many would do.
    """
    there = memory()
    if there is not None and count * pairs * EPISODE > there:
        most = there // (pairs * EPISODE)
        raise ValueError(
            f"{option} {count}: results of {count:,} episodes of {pairs} pairs need "
            f"{count * pairs * EPISODE / 1e9:,.1f} GB of memory, and {there / 1e9:,.1f} GB are there: "
            f"at most {most:,} fit"
        )
