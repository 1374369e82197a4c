"""A contest of policies: each plays from a sandbox, and only observations cross into it.

The worlds run on this side, with their seeds, their truth and their costs. What a student's policy gets
is what an operator sees, and what comes back is looked at before a world takes it.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from springdrift_agents.course.isolation import LEAST_MEMORY, MEMORY, check_apart
from springdrift_agents.course.pool import Assets, SandboxPool
from springdrift_agents.course.sandbox import Ended, NotStarted, Sandbox
from springdrift_agents.course.sandboxed_policy import LOAD, Disqualified, SandboxedPolicy
from springdrift_agents.course.submissions import (
    KINDS,
    Belongings,
    belongings,
    clean,
    inert,
    is_export,
    is_plain,
    listed,
    read_file,
    tidy,
)
from springdrift_agents.evaluation.evaluate import Episodes, evaluate
from springdrift_agents.evaluation.statistics import Interval, mean_interval
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.settings import settings

SECONDS = 60.0  # for all decisions of a policy, and to load it
LARGEST = 10 * 10**6  # bytes of it; weights lie beside it
POLICY = re.compile("policy", re.IGNORECASE)
KEYS = 2**128  # choices of worlds
SIMPLE = ("never", "threshold")  # references on every board
TUNED = ("periodic", "threshold", "cusum", "page-hinkley")  # and these, as tuned for its scenario


class Entry(NamedTuple):
    """A policy that a student handed in."""

    student: str
    file: Path
    work: Path | None = None  # what the sandbox shows: its folder, or the file where that holds others' files
    note: str = ""  # what was left out
    lost: str = ""  # why there is none
    broken: bool = False  # and it is the grader that cannot find it


class Outcome(NamedTuple):
    """What became of a policy."""

    name: str
    built_in: bool  # a reference, not a student's
    episodes: Episodes | None  # None: disqualified
    verdict: str
    seconds: float
    note: str = ""
    broken: bool = False  # the contest failed, not the policy


class Standing(NamedTuple):
    """A line of the leaderboard; what is missing is nan or 0."""

    rank: int
    student: str
    built_in: bool
    cost: Interval
    difference: Interval  # to the best built-in rule on the same worlds; below 0 is cheaper
    interventions: float  # an episode
    retrains: float
    seconds: float
    verdict: str
    note: str = ""
    broken: bool = False  # it could not be played, which is no fault of the student's


def worlds(key: int, count: int) -> NDArray[np.uint64]:
    """Seeds of ``count`` worlds: none tells of another, and all of them are known to whoever has the key.

    Raises:
        ValueError: the key is out of range.

    >>> worlds(1, 2).tolist()
    [7871562843112429748, 4914964104348496779]
    """
    if not 0 <= key < KEYS:
        raise ValueError(f"seed must be a whole number from 0 to 2^128 - 1, got {key}")
    drawn = hashlib.shake_256(b"springdrift leaderboard" + key.to_bytes(16, "little")).digest(8 * count)
    return np.frombuffer(drawn, "<u8").astype(np.uint64) >> np.uint64(1)  # a seed is below 2^63


def find(folder: Path) -> list[Entry]:
    """The policies in a folder: ``alice/policy.py``, at any depth below, or ``bob_policy.py``.

    A student without one is in the list, too, and lost.

    Raises:
        ValueError: there is no such folder, or no policy in it.
    """
    alone = is_plain(folder / LOAD)  # then other scripts beside it may be what it imports

    def takes(file: Path) -> bool:
        named = POLICY.search(file.stem) or is_export(file)
        return bool(named) or (not alone and file.suffix.lower() in KINDS)

    found = [_entry(*one, folder) for one in belongings(folder, POLICY, takes).items()]
    if all(entry.lost for entry in found):
        there = "; ".join(f"{entry.student}: {entry.lost}" for entry in found[:5])
        raise ValueError(
            f"no policy in {folder}: it should hold files such as alice/{LOAD} or bob_{LOAD}"
            f"{there and f'. {there}'}"
        )
    if sum(not entry.lost for entry in found) == 1:
        found = [one._replace(work=folder) if one.file == folder / LOAD else one for one in found]
    return sorted(found, key=lambda entry: entry.student.lower())


def _entry(student: str, mine: Belongings, folder: Path) -> Entry:
    """What a student takes part with: the policy that lies least deep."""
    files, fault, _ = mine
    able = [file for file in files if is_plain(file) and _is_policy(file, folder)]
    if not able:
        lost = f"no {LOAD} ({listed(files, folder)}{fault and f'; {fault}'})"
        return Entry(student, folder, lost=lost, broken=bool(fault))
    chosen = min(able, key=lambda file: (len(file.parts), file))
    single = chosen.parent == folder
    left = [file for file in files if file != chosen and (single or file.parent == folder or file in able)]
    note = f"only {clean(chosen.relative_to(folder).as_posix())} was taken ({listed(left, folder)})"
    about = "; ".join(filter(None, (note if left else "", fault)))
    return Entry(student, chosen, chosen if single else chosen.parent, about)


def _is_policy(file: Path, folder: Path) -> bool:
    if file.parent == folder:
        return file.suffix == ".py" and bool(POLICY.search(file.stem))
    return file.name == LOAD


def built_in(scenario: str) -> list[str]:
    """The rules that stand on the board beside the students': simple ones, and tuned for the scenario.

    >>> built_in("mix")[:3]
    ['never', 'threshold', 'periodic@mix']
    """
    return [*SIMPLE, *(f"{rule}@{scenario}" for rule in TUNED if rule in settings().get(scenario, {}))]


def contest(
    folder: Path,
    scenario: str,
    episodes: int,
    seed: int,
    *,
    references: Sequence[str] | None = None,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    jobs: int = 1,
    isolation: str | None = None,
    begin: Callable[[int], None] = lambda _: None,
    done: Callable[[Outcome], None] = lambda _: None,
) -> list[Standing]:
    """Every policy in a folder, and the built-in rules, on the same worlds; the cheapest first.

    Args:
        folder: the class's; see :func:`find`.
        scenario: in which worlds.
        episodes: how many of them.
        seed: which: a key below 2^128, a secret of at least 60 bits until all have played.
        references: rules beside the students'; None is :func:`built_in`.
        seconds: for all decisions of a policy.
        memory: MB for a policy.
        jobs: policies at a time.
        isolation: as in :func:`springdrift_agents.course.grade.grade`.
        begin: hears how many policies there are.
        done: hears of each as it ends.

    Raises:
        ValueError: no policy, a setting out of range, or a folder that cannot be hidden.
    """
    if seconds <= 0 or memory < LEAST_MEMORY or jobs < 1:
        raise ValueError(f"the time limit and jobs must be positive, and memory at least {LEAST_MEMORY} MB")
    check_apart(folder)
    entries, seeds = find(folder), worlds(seed, episodes)
    rules = {name: policy(name) for name in (built_in(scenario) if references is None else references)}
    begin(len(entries) + len(rules))
    outcomes: list[Outcome] = []
    for name, rule in rules.items():
        outcomes.append(Outcome(name, True, evaluate(rule, scenario, seeds, name=name), "", 0.0))
        done(outcomes[-1])
    for entry in entries:
        if entry.lost:
            outcomes.append(Outcome(entry.student, False, None, tidy(entry.lost), 0.0, broken=entry.broken))
            done(outcomes[-1])
    able = [entry for entry in entries if not entry.lost]
    with SandboxPool(isolation) as assets:
        work = [partial(play, entry, scenario, seeds, assets, seconds, memory) for entry in able]
        for outcome in _results(work, jobs):
            outcomes.append(outcome)
            done(outcome)
    return rank(outcomes)


def _results(work: Sequence[Callable[[], Outcome]], jobs: int) -> Iterator[Outcome]:
    if jobs == 1 or len(work) < 2:
        for task in work:
            yield task()
        return
    from joblib import Parallel, delayed

    # max_nbytes: nothing that a process gets goes through a file, which a policy might find
    yield from Parallel(n_jobs=min(jobs, len(work)), return_as="generator_unordered", max_nbytes=None)(
        delayed(task)() for task in work
    )


def play(
    entry: Entry,
    scenario: str,
    seeds: NDArray[np.uint64],
    assets: Assets,
    seconds: float,
    memory: int,
) -> Outcome:
    """A student's policy in every world of ``seeds``; there is an outcome whatever it does."""
    player, note = None, tidy(entry.note)
    try:
        source = _source(entry.file)
        with Sandbox(assets, memory=memory, seconds=seconds, work=entry.work) as sandbox:
            player = SandboxedPolicy(sandbox, seconds)
            player.load(source)
            episodes = evaluate(player, scenario, seeds, name=entry.student)
        return Outcome(entry.student, False, episodes, "", player.spent, note)
    except (NotStarted, OSError) as wrong:
        return Outcome(entry.student, False, None, tidy(f"not played: {wrong}"), 0.0, note, broken=True)
    except (Disqualified, Ended) as wrong:
        return Outcome(entry.student, False, None, tidy(str(wrong)), player.spent if player else 0.0, note)
    except Exception as odd:  # nothing that one student hands in may cost the others their places
        what = tidy(f"not played: {type(odd).__name__}: {odd}")
        return Outcome(entry.student, False, None, what, 0.0, note, broken=True)


def _source(file: Path) -> bytes:
    try:
        return read_file(file, LARGEST)
    except ValueError as wrong:
        raise Disqualified(f"{LOAD}: {wrong}") from None


def rank(outcomes: Sequence[Outcome]) -> list[Standing]:
    """The board: by mean cost, those that were disqualified last; the same cost shares a place."""
    played = {one.name: one.episodes for one in outcomes if one.built_in and one.episodes is not None}
    best = min(played.values(), key=lambda part: part.cost.mean(), default=None)
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    board, last = [], []
    for one in outcomes:
        if one.episodes is None:
            last.append(
                Standing(
                    0,
                    one.name,
                    one.built_in,
                    nothing,
                    nothing,
                    0.0,
                    0.0,
                    one.seconds,
                    one.verdict,
                    one.note,
                    one.broken,
                )
            )
            continue
        apart = nothing if best is None else mean_interval(one.episodes.cost - best.cost)
        cost, verdict = mean_interval(one.episodes.cost), _verdict(one, apart, best)
        pushes, retrains = (
            float(one.episodes.finding(name).mean()) for name in ("interventions", "retrains")
        )
        board.append(
            Standing(0, one.name, one.built_in, cost, apart, pushes, retrains, one.seconds, verdict, one.note)
        )
    board.sort(key=lambda row: row.cost.value)
    costs = [row.cost.value for row in board]
    return [row._replace(rank=costs.index(row.cost.value) + 1) for row in board] + last


def _verdict(one: Outcome, apart: Interval, best: Episodes | None) -> str:
    if best is None:
        return ""
    if one.built_in:
        return "the best rule" if one.name == best.policy else ""
    if apart.high < 0.0:
        return "better than the best rule"
    return "worse than the best rule" if apart.low > 0.0 else "no sure difference"


def to_csv(board: Sequence[Standing]) -> str:
    """The leaderboard as CSV; what is missing is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = [flat(row) for row in board]
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(inert(value) for value in row.values())
    return text.getvalue()


def flat(row: Standing) -> Mapping[str, Any]:
    """A line of the board as plain values by name; what is missing is None."""
    values: dict[str, Any] = {"rank": row.rank or None, "student": row.student, "built_in": row.built_in}
    for name, found in (("cost", row.cost), ("difference", row.difference)):
        for part, value in zip(("", "_low", "_high"), found, strict=True):
            values[f"{name}{part}"] = None if np.isnan(value) else value
    lost = row.rank == 0
    for name in ("interventions", "retrains"):
        values[name] = None if lost else getattr(row, name)
    return values | {"seconds": round(row.seconds, 3), "verdict": row.verdict, "note": row.note}
