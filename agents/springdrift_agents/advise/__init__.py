"""Advice on your own series: how often to retrain, what it saves, and how sure that is.

``Monitor`` runs an advised strategy in production and needs Python alone; the rest is loaded when used.
"""

from typing import TYPE_CHECKING, Any

from springdrift_agents.advise.findings import DataError as DataError
from springdrift_agents.advise.monitor import Monitor as Monitor

if TYPE_CHECKING:
    from springdrift_agents.advise.advice import Advice as Advice
    from springdrift_agents.advise.advice import advise as advise


def __getattr__(name: str) -> Any:
    if name in ("Advice", "advise"):
        from springdrift_agents.advise import advice

        return getattr(advice, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
