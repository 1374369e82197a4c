"""The score card: what a game cost, beside what others pay in the same world."""

from collections.abc import Sequence

from springdrift import TERMS
from springdrift.render.view import COLOURS, FAINT, INK, LINE, View
from springdrift_agents.evaluation.evaluate import REFERENCE
from springdrift_agents.policies.learned import shipped

RIVALS = ("never", "periodic", "swing", "threshold", "page-hinkley@mix")  # always on the card
KEYS = "T the same world again · N a new one · ESC quit"
Row = tuple[str, float, list[float]]  # name, cost, cost by term


def title_of(card: Sequence[Row]) -> str:
    """What the player may be told; the cheapest of all rules is on every card.

    >>> rule, plan = ("cusum", 20.0, []), ("hindsight", 5.0, [])
    >>> title_of([("you", 19.0, []), rule, plan])
    'You beat every rule!'
    >>> title_of([("you", 20.0, []), rule, plan])
    'The deadline is here: you are 1st of 2'
    """
    mine, learned = card[0][1], shipped()
    others = [cost for name, cost, _ in card[1:] if name != REFERENCE]
    rank = 1 + sum(cost < mine for cost in others)
    rules = [cost for name, cost, _ in card[1:] if name != REFERENCE and name not in learned]
    if mine >= min(rules):
        return f"The deadline is here: you are {_ordinal(rank)} of {len(others) + 1}"
    beaten = [name for name, cost, _ in card[1:] if name in learned and mine < cost]
    return " and ".join(["You beat every rule", *beaten]) + "!"


def _ordinal(n: int) -> str:
    """A rank in letters.

    >>> [_ordinal(n) for n in (1, 2, 3, 4, 11, 21)]
    ['1st', '2nd', '3rd', '4th', '11th', '21st']
    """
    ending = {1: "st", 2: "nd", 3: "rd"}.get(n % 10 if n // 10 % 10 != 1 else 0, "th")
    return f"{n}{ending}"


def draw_card(view: View, card: Sequence[Row], about: str, said: str, names: Sequence[str] = TERMS) -> None:
    """The card over the picture: a row for each policy, its bar stacked by term, and the figures.

    Args:
        view: where it is drawn, in the design's 960 by 600.
        card: the player's row first.
        about: which game this was.
        said: its lesson.
        names: of the cost terms.
    """
    left, right, bars, wide = 84.0, 876.0, 232.0, 200.0
    heads = [*names, "cost"]
    each = (right - bars - wide) / len(heads)
    edges = [bars + wide + each * (n + 1) for n in range(len(heads))]  # right ends of the figures
    small = view.fitting([f"{head}" for head in names], each - 22, 12)
    row, lesson = view.height(14) + 9, view.wrap(said, right - left, 13)
    high = view.height(22) + 2 * view.height(12) + row * len(card) + view.height(13) * (len(lesson) + 1) + 64
    y = (600 - high) / 2
    view.box(60, y, 840, high, "#ffffff", INK, 8)
    y += 14
    view.text(title_of(card), left, y, 22, INK, bold=True, fit=right - left)
    y += view.height(22)
    view.text(about, left, y, 12, FAINT, fit=right - left)
    y += view.height(12) + 10
    for head, edge in zip(heads, edges, strict=True):
        width = view.text(head, edge, y, small, FAINT, align=1)
        if head in COLOURS:
            view.box(edge - width - 14, y + view.height(small) / 2 - 5, 10, 10, COLOURS[head])
    y += view.height(small) + 4
    full = max(max(cost for _, cost, _ in card), 1e-9)
    size = view.fitting([name for name, _, _ in card], bars - left - 12, 14, bold=True)
    for name, cost, terms in card:
        mine, top = name == "you", y + (row - view.height(size)) / 2
        view.text(name, left, top, size, INK, bold=mine)
        parts = [(value, COLOURS[term]) for term, value in zip(names, terms, strict=True)]
        view.stack(bars, y + 3, wide, row - 6, parts, full)
        for value, edge in zip((*terms, cost), edges, strict=True):
            total = edge == edges[-1]
            view.text(f"{value:.1f}", edge, top, size, INK if total else FAINT, mine or total, align=1)
        y += row
    view.box(left, y + 6, right - left, 1, LINE)
    y += 12 + view.paragraph(said, left, y + 12, right - left, 13, FAINT)
    view.text(KEYS, right, y + 4, 13, INK, bold=True, align=1, fit=right - left)
