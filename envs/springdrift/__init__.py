"""Gymnasium worlds that drift: wait, intervene or retrain?"""

import gymnasium as _gym

from springdrift.actions import Action as Action
from springdrift.check import ContractError as ContractError
from springdrift.check import check as check
from springdrift.drift import Dropout as Dropout
from springdrift.drift import Jump as Jump
from springdrift.drift import Outlier as Outlier
from springdrift.drift import Recurring as Recurring
from springdrift.drift import Seasonal as Seasonal
from springdrift.drift import Shock as Shock
from springdrift.drift import Trend as Trend
from springdrift.drift import Walk as Walk
from springdrift.dynamics import Params as Params
from springdrift.dynamics import simulate as simulate
from springdrift.env import InclinedMassEnv as InclinedMassEnv
from springdrift.observation import OBS as OBS
from springdrift.reward import TERMS as TERMS
from springdrift.reward import Costs as Costs
from springdrift.scenario import SCENARIOS as SCENARIOS
from springdrift.scenario import Scenario as Scenario
from springdrift.upkeep import UpkeepEnv as UpkeepEnv
from springdrift.vector_env import KERNELS as _KERNELS
from springdrift.vector_env import InclinedMassVectorEnv as InclinedMassVectorEnv
from springdrift.vector_env import World as World

ENV_ID = "springdrift/InclinedMass-v0"
UPKEEP_ID = "springdrift/Upkeep-v0"

if ENV_ID not in _gym.registry:
    _gym.register(
        ENV_ID,
        entry_point="springdrift.env:InclinedMassEnv",
        vector_entry_point="springdrift.vector_env:InclinedMassVectorEnv",
    )
if UPKEEP_ID not in _gym.registry:
    _gym.register(UPKEEP_ID, entry_point="springdrift.upkeep:UpkeepEnv", max_episode_steps=200)


def warm_up() -> None:
    """Compile the kernels, or load them from their cache, so that the first step is a fast one."""
    simulate(duration=1.0)
    for kernel, _ in _KERNELS:
        envs = InclinedMassVectorEnv(kernel.LANES)
        envs.reset(seed=0)
        envs.step(envs.action_space.sample())
