"""Policies, training, evaluation and the command line for springdrift.

What is named here is loaded when it is first used: a monitor in production needs no Gymnasium.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from springdrift_agents.policies.registry import load as load
    from springdrift_agents.policies.registry import policy as policy


def __getattr__(name: str) -> Any:
    if name in ("load", "policy"):
        from springdrift_agents.policies import registry

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
