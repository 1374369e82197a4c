"""Links to games: a world and what was decided in it, as text that is checked before it is played."""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from springdrift import WORLDS, ActionSet

LONGEST = 6000  # characters
_SHAPE = re.compile(
    r"1/([\w-]+)/([\w-]+)/(\d{1,20})/((?:[a-z]\d{0,4})*)/([01])/([0-9a-f]{16})/([^/]{0,240})/([0-9a-z]{1,7})",
    re.ASCII,
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Game:
    """A game as its link tells it; nothing of it is believed before it was played."""

    env: str  # id of the world
    scenario: str
    seed: int
    decisions: tuple[int, ...]
    truth: bool  # the hidden truth was shown
    cost: float  # as claimed
    player: str = ""


def text_of(decisions: Sequence[int], actions: ActionSet) -> str:
    """A letter for each decision and how often it comes in a row.

    >>> from springdrift import THREE_ACTIONS
    >>> text_of([0, 0, 0, 2, 0], THREE_ACTIONS)
    'w3rw'
    """
    runs = ((action, len(list(run))) for action, run in groupby(decisions))
    return "".join(actions[action].key + (str(count) if count > 1 else "") for action, count in runs)


def decisions_of(text: str, actions: ActionSet, most: int) -> tuple[int, ...]:
    """The decisions of such a text.

    Raises:
        ValueError: a letter that is no action's, or more than ``most`` decisions.

    >>> from springdrift import THREE_ACTIONS
    >>> decisions_of("w3rw", THREE_ACTIONS, 200)
    (0, 0, 0, 2, 0)
    """
    letters = {one.key: int(one.action) for one in actions}
    made: list[int] = []
    for letter, count in re.findall(r"([a-z])(\d*)", text):
        times = int(count) if count else 1
        if letter not in letters or times < 1 or len(made) + times > most:
            raise ValueError(
                f"its decisions cannot be played: at most {most} of {', '.join(letters)}, each with how "
                f"often it comes in a row, got {text[:40]!r}"
            )
        made += [letters[letter]] * times
    return tuple(made)


def link_of(game: Game) -> str:
    """What stands behind the # of a link to the game."""
    actions = WORLDS[game.env].actions
    name = quote(game.player[:20], safe="!*()")
    bits = struct.pack(">d", game.cost).hex()
    parts = [1, game.env.split("/")[1], game.scenario, game.seed, text_of(game.decisions, actions)]
    text = "/".join(map(str, [*parts, int(game.truth), bits, name]))
    return f"{text}/{_check_of(text)}"


def game_of(link: str) -> Game:
    """The game of a link, checked letter by letter.

    Raises:
        ValueError: no link to a game, a damaged one, or one to a world that there is not; says which.
    """
    text = link.partition("#")[2].strip() if "#" in link else link.strip()
    match = _SHAPE.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        raise ValueError("this is not a link to a game, or a part of it is missing: copy the whole line")
    kind, scenario, seed, plan, truth, bits, name, check = match.groups()
    if _check_of(text.rpartition("/")[0]) != check:
        raise ValueError("some letters of this link were changed on the way: ask for it again")
    spec = next((spec for spec in WORLDS.values() if spec.id.split("/")[1] == kind), None)
    if spec is None or scenario not in spec.scenarios or int(seed) >= 2**64:
        raise ValueError(f"this link names a world that there is not: {kind}, {scenario}, world {seed}")
    decisions = decisions_of(plan, spec.actions, spec.scenarios[scenario].cycles)
    (cost,) = struct.unpack(">d", bytes.fromhex(bits))
    return Game(spec.id, scenario, int(seed), decisions, truth == "1", cost, unquote(name))


def replay(game: Game) -> dict[str, float]:
    """Cost by term of the game as it is played anew.

    Raises:
        ValueError: the link claims another cost.
    """
    spec = WORLDS[game.env]
    world: Any = spec.world(1, game.scenario)
    world.seed(np.zeros(1, np.int64), np.array([game.seed], np.uint64))
    world.begin(np.ones(1, np.bool_))
    world.fill_idle()
    terms, cost = np.zeros(len(spec.terms)), 0.0
    for place, action in enumerate(game.decisions):
        over = world.advance(np.array([action], np.int64)) > 0
        terms += world.out.costs[:, 0]
        cost -= float(world.out.reward[0])
        if over and place + 1 < len(game.decisions):
            raise ValueError(f"this link decides beyond the deadline, {place + 1} cycles")
    if struct.pack(">d", cost) != struct.pack(">d", game.cost):
        raise ValueError(f"this link claims a cost of {game.cost!r}, and its decisions cost {cost!r}")
    return {**dict(zip(spec.terms, terms.tolist(), strict=True)), "cost": cost}


def _check_of(text: str) -> str:
    """FNV-1a over the text's bytes in base 36, to notice damage.

    >>> _check_of("")
    'ztntfp'
    """
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
