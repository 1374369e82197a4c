"""Gymnasium worlds that drift: wait, intervene or retrain?"""

import gymnasium as _gym

from springdrift.game.actions import Action as Action
from springdrift.game.check import ContractError as ContractError
from springdrift.game.check import check as check
from springdrift.incline.drift import Dropout as Dropout
from springdrift.incline.drift import Jump as Jump
from springdrift.incline.drift import Outlier as Outlier
from springdrift.incline.drift import Recurring as Recurring
from springdrift.incline.drift import Seasonal as Seasonal
from springdrift.incline.drift import Shock as Shock
from springdrift.incline.drift import Trend as Trend
from springdrift.incline.drift import Walk as Walk
from springdrift.incline.dynamics import Params as Params
from springdrift.incline.dynamics import simulate as simulate
from springdrift.incline.env import InclinedMassEnv as InclinedMassEnv
from springdrift.incline.observation import OBS as OBS
from springdrift.incline.reward import TERMS as TERMS
from springdrift.incline.reward import Costs as Costs
from springdrift.incline.scenario import SCENARIOS as SCENARIOS
from springdrift.incline.scenario import Scenario as Scenario
from springdrift.incline.vector_env import KERNELS as _KERNELS
from springdrift.incline.vector_env import InclinedMassVectorEnv as InclinedMassVectorEnv
from springdrift.incline.vector_env import World as World
from springdrift.upkeep.env import UpkeepEnv as UpkeepEnv

ENV_ID = "springdrift/InclinedMass-v0"
UPKEEP_ID = "springdrift/Upkeep-v0"

if ENV_ID not in _gym.registry:
    _gym.register(
        ENV_ID,
        entry_point="springdrift.incline.env:InclinedMassEnv",
        vector_entry_point="springdrift.incline.vector_env:InclinedMassVectorEnv",
    )
if UPKEEP_ID not in _gym.registry:
    _gym.register(UPKEEP_ID, entry_point="springdrift.upkeep.env:UpkeepEnv", max_episode_steps=200)


def warm_up() -> None:
    """Compile the kernels, or load them from their cache, so that the first step is a fast one."""
    simulate(duration=1.0)
    for kernel, _ in _KERNELS:
        envs = InclinedMassVectorEnv(kernel.LANES)
        envs.reset(seed=0)
        envs.step(envs.action_space.sample())
