"""Benches: what springdrift claims of itself, measured."""

from typing import NamedTuple

from springdrift import SCENARIOS
from springdrift_agents.evaluate import compare
from springdrift_agents.report import Row, summarise
from springdrift_agents.rules import policy

STRATEGIES = (
    "never",
    "always",
    "swing",
    "periodic:every=20",
    "periodic:every=40",
    "retrain",
    "threshold",
    "threshold:error=0.5:cooldown=8",
)
BOTH = STRATEGIES[-2:]


class Verdict(NamedTuple):
    """A claim about the game, whether it holds, and the figures behind it."""

    claim: str
    holds: bool
    figures: str


def separation(episodes: int, seed: int = 0) -> tuple[list[Row], list[Verdict]]:
    """Fixed strategies on every scenario, and whether each wins somewhere and loses elsewhere."""
    parts = compare({spec: policy(spec) for spec in STRATEGIES}, list(SCENARIOS), episodes, seed)
    rows = summarise(parts)
    cost = {(row["scenario"], row["policy"]): row["cost"] for row in rows}

    def best(scenario: str) -> float:
        return min(cost[scenario, spec] for spec in STRATEGIES)

    def holds(claim: str, cases: list[tuple[str, bool]]) -> Verdict:
        wrong = [text for text, fine in cases if not fine]
        return Verdict(claim, not wrong, "; ".join(wrong or [text for text, _ in cases]))

    def dearer(scenario: str, spec: str, times: float) -> tuple[str, bool]:
        mine, least = cost[scenario, spec], best(scenario)
        return f"{scenario} {mine:.0f} against {least:.0f}", mine > times * least

    def wins(spec: str) -> int:
        return sum(cost[s, spec] <= best(s) for s in SCENARIOS)

    quiet, stale = ("stationary", "shock", "faulty-sensor"), ("gradual", "abrupt", "recurring", "compound")
    together = ("abrupt", "recurring", "compound", "mix")
    verdicts = [
        holds(
            "always acting costs at least half as much again as the best, everywhere",
            [dearer(s, "always", 1.5) for s in SCENARIOS],
        ),
        holds(
            "never acting is right where nothing should be done",
            [(f"{s} {cost[s, 'never']:.1f}, best {best(s):.1f}", cost[s, "never"] <= best(s)) for s in quiet],
        ),
        holds(
            "never acting is terrible where the model goes stale",
            [
                (f"{s} {cost[s, 'never']:.0f} against {best(s):.0f}", cost[s, "never"] > 2 * best(s))
                for s in stale
            ],
        ),
        holds(
            "intervening alone wins where retraining cannot help",
            [
                (
                    f"wear {cost['wear', 'swing']:.1f}, best {best('wear'):.1f}",
                    cost["wear", "swing"] <= best("wear"),
                )
            ],
        ),
        holds(
            "intervening alone loses where the model goes stale",
            [
                (f"{s} {cost[s, 'swing']:.0f} against {best(s):.0f}", cost[s, "swing"] > 1.2 * best(s))
                for s in stale
            ],
        ),
        holds(
            "retraining alone loses to both together",
            [
                (
                    f"{s} {cost[s, 'retrain']:.1f} against {min(cost[s, b] for b in BOTH):.1f}",
                    cost[s, "retrain"] > min(cost[s, b] for b in BOTH),
                )
                for s in together
            ],
        ),
        holds(
            "no one fixed setting is best on every scenario",
            [(f"{spec} is best on {wins(spec)}", wins(spec) < len(SCENARIOS)) for spec in STRATEGIES],
        ),
    ]
    return rows, verdicts
