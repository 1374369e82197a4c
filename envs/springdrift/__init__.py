"""Gymnasium worlds that drift: wait, intervene or retrain?"""

from springdrift.actions import Action as Action
from springdrift.dynamics import Params as Params
from springdrift.dynamics import simulate as simulate
from springdrift.observation import OBS as OBS
from springdrift.reward import Costs as Costs
from springdrift.scenario import SCENARIOS as SCENARIOS
from springdrift.scenario import Scenario as Scenario


def warm_up() -> None:
    """Compile the kernels, or load them from their cache."""
    simulate(duration=1.0)
