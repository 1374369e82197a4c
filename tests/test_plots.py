"""Pictures of a comparison: no text is cut and none lies on another, whatever there is to compare."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text

from springdrift import SCENARIOS, TERMS
from springdrift_agents.evaluation.plots import compare_plot
from springdrift_agents.policies.rules import RULES

TITLE = "What drift costs, by strategy: 1000 worlds of each scenario, the same for all"


def rows_of(scenarios, count):
    """Rows with policies of long names and costs of every size."""
    rng = np.random.default_rng(0)
    names = [*RULES, "hindsight", *(f"{name}@release-train" for name in RULES)][:count]
    rows = []
    for scenario in scenarios:
        for name in names:
            terms = rng.gamma(0.4, 200.0, len(TERMS))
            interval = {"low": 0.9 * terms.sum(), "high": 1.1 * terms.sum()}
            cost = dict(zip(TERMS, terms, strict=True))
            rows.append({"scenario": scenario, "policy": name, "cost": terms.sum(), **interval, **cost})
    return rows


@pytest.mark.parametrize(("scenarios", "policies"), [(1, 1), (1, 5), (2, 11), (6, 20), (15, 3)])
def test_texts_of_a_comparison_keep_apart(tmp_path, monkeypatch, scenarios, policies):
    texts, plain = [], Text.draw
    monkeypatch.setattr(Text, "draw", lambda self, *rest: texts.append(self) or plain(self, *rest))
    longest = sorted(SCENARIOS, key=lambda name: -len(SCENARIOS[name].summary))
    compare_plot(rows_of(longest[:scenarios], policies), tmp_path / "compare.png", TITLE)
    texts = [text for text in texts if text.get_text().strip() and text.get_visible()]
    boxes = [text.get_window_extent() for text in texts]
    assert len(texts) > 10
    said = " ".join(text.get_text().replace("\n", " ") for text in texts)
    assert TITLE in said
    assert all(SCENARIOS[name].summary in said for name in longest[:scenarios])  # none is shortened
    whole = texts[0].figure.bbox
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= whole.x1 and box.y1 <= whole.y1
        assert inside, f"{text.get_text()!r} is cut"
    for (one, a), (two, b) in combinations(zip(texts, boxes, strict=True), 2):
        over_x, over_y = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(over_x, over_y) < 1.5, f"{one.get_text()!r} lies on {two.get_text()!r}"
