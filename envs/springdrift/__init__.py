"""Gymnasium worlds that drift: wait, intervene or retrain?"""

import numpy as _np

from springdrift.game.actions import FIVE_ACTIONS as FIVE_ACTIONS
from springdrift.game.actions import THREE_ACTIONS as THREE_ACTIONS
from springdrift.game.actions import Action as Action
from springdrift.game.actions import ActionSet as ActionSet
from springdrift.game.batch import NumpyWorld as NumpyWorld
from springdrift.game.check import ContractError as ContractError
from springdrift.game.check import check as check
from springdrift.game.costs import Prices as Prices
from springdrift.game.env import DriftEnv as DriftEnv
from springdrift.game.jit import compiled_first as _compiled_first
from springdrift.game.observation import DASHBOARD
from springdrift.game.vector_env import DriftVectorEnv as DriftVectorEnv
from springdrift.incline.drift import BadRelease as BadRelease
from springdrift.incline.drift import Dropout as Dropout
from springdrift.incline.drift import Jump as Jump
from springdrift.incline.drift import Law as Law
from springdrift.incline.drift import Outlier as Outlier
from springdrift.incline.drift import Recurring as Recurring
from springdrift.incline.drift import Seasonal as Seasonal
from springdrift.incline.drift import Shock as Shock
from springdrift.incline.drift import Trend as Trend
from springdrift.incline.drift import Walk as Walk
from springdrift.incline.dynamics import Params as Params
from springdrift.incline.dynamics import simulate as simulate
from springdrift.incline.env import InclinedMassEnv as InclinedMassEnv
from springdrift.incline.env import InclinedMassVectorEnv as InclinedMassVectorEnv
from springdrift.incline.reward import TERMS as TERMS
from springdrift.incline.reward import Costs as Costs
from springdrift.incline.scenario import SCENARIOS as SCENARIOS
from springdrift.incline.scenario import Scenario as Scenario
from springdrift.incline.world import KERNELS as _KERNELS
from springdrift.incline.world import InclinedMassWorld as InclinedMassWorld
from springdrift.registry import ENV_ID as ENV_ID
from springdrift.registry import OPS_ID as OPS_ID
from springdrift.registry import SERIES_ID as SERIES_ID
from springdrift.registry import SERIES_OPS_ID as SERIES_OPS_ID
from springdrift.registry import UPKEEP_ID as UPKEEP_ID
from springdrift.registry import WORLDS as WORLDS
from springdrift.registry import WorldSpec as WorldSpec
from springdrift.registry import register_scenario as register_scenario
from springdrift.registry import register_world as register_world
from springdrift.registry import unregister_scenario as unregister_scenario
from springdrift.registry import world_spec as world_spec
from springdrift.series import best_calendar as _best_calendar
from springdrift.series import best_threshold as _best_threshold
from springdrift.series import optimum as _best_schedule
from springdrift.series.world import SeriesWorld as _SeriesWorld
from springdrift.upkeep.env import UpkeepEnv as UpkeepEnv

__version__ = "0.1.0"
OBS = DASHBOARD
World = InclinedMassWorld


def warm_up(env: str = ENV_ID) -> None:
    """Compile the kernels of a kind of world, or load them from their cache, so that the first step is fast.

    Args:
        env: its id, such as ``SERIES_ID``.

    Raises:
        ValueError: there is no such kind of world.
    """
    world = world_spec(env).world
    is_incline = issubclass(world, InclinedMassWorld)
    with _compiled_first():
        if is_incline:
            simulate(duration=1.0)
        for lanes in [kernel.LANES for kernel, _ in _KERNELS] if is_incline else (1,):
            envs = world_spec(env).vector_env(lanes)
            envs.reset(seed=0)
            envs.step(envs.action_space.sample())
        if issubclass(world, _SeriesWorld):
            _warm_up_planning(world(1, "elnino", cycles=10))


def _warm_up_planning(world: _SeriesWorld) -> None:
    """Compile what finds the best schedule on a series."""
    world.begin(_np.ones(1, _np.bool_))
    for plan in (_best_schedule,) if world.keeps else (_best_calendar, _best_threshold, _best_schedule):
        plan(world.problem())
