"""One HTML file that says how often to retrain, opens offline, and prints."""

import json
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from springdrift_agents.advise.advice import Advice
from springdrift_agents.advise.charts import pictures
from springdrift_agents.advise.summary import as_data

TEMPLATE = Path(__file__).with_name("report.html.j2")


def as_html(advice: Advice) -> str:
    """The report; it asks for nothing from anywhere."""
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    data = as_data(advice)

    def amount(value: float | None) -> str:
        return "any" if value is None else advice.money(value).removesuffix(advice.currency).strip()

    def money(value: float | None) -> str:
        return "any amount" if value is None else advice.money(value)

    text: Any = made.from_string(TEMPLATE.read_text(encoding="utf-8"))
    page: str = text.render(
        data=data,
        pictures=pictures(advice),
        policy=json.dumps(data["policy"], indent=2, ensure_ascii=False),
        version=metadata.version("springdrift"),
        money=money,
        amount=amount,
    )
    return page
