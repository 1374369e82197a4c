"""``springdrift/InclinedMassOps-v0``: five decisions, with fine-tuning and versions to go back to."""

from dataclasses import replace
from typing import ClassVar

from springdrift.game.actions import FIVE_ACTIONS
from springdrift.incline.drift import BadRelease, Jump, Recurring, Walk
from springdrift.incline.env import InclinedMassEnv, InclinedMassVectorEnv
from springdrift.incline.observation import MODES, OPS_MODES, OPS_OBSERVE
from springdrift.incline.outputs import OPS_TRUTH_NAMES, VERSION_NAMES
from springdrift.incline.reward import OPS_TERMS, OpsCosts
from springdrift.incline.scenario import SCENARIOS, K, Scenario
from springdrift.incline.world import InclinedMassWorld

_ALL = (
    *(scenario for scenario in SCENARIOS.values() if not scenario.members),
    Scenario(
        "bad-release",
        "the stiffness walks, and now and then a deployment goes wrong although the fit looked right",
        (Walk("stiffness", 0.25, (5.0, 17.0)), BadRelease(0.4)),
        "keep up with the walk; roll back what turns out worse than the version before",
    ),
    Scenario(
        "returning",
        "two regimes take turns",
        (Recurring(({"stiffness": K}, {"stiffness": 0.55 * K})),),
        "roll back: the version before was fitted on the regime that returned",
        gap=(20, 40),
    ),
    Scenario(
        "two-speed",
        "the stiffness walks slowly, and now and then it jumps",
        (Walk("stiffness", 0.15, (5.0, 17.0)), Jump("stiffness", (5.5, 16.5), 5.0)),
        "fine-tune after the walk, retrain after a jump",
        gap=(60, 100),
    ),
)
OPS_SCENARIOS: dict[str, Scenario] = {
    **SCENARIOS,
    **{scenario.name: scenario for scenario in _ALL},
    "mix-ops": replace(SCENARIOS["mix"], name="mix-ops", members=tuple(scenario.name for scenario in _ALL)),
}


class InclinedMassOpsWorld(InclinedMassWorld):
    """A batch of inclined masses whose operator can also fine-tune, and roll back to the version before.

    Options are those of :class:`~springdrift.incline.world.InclinedMassWorld`, and so is what they do. A
    fine-tuning refits on the newest two cycles, leaning strongly on the last retraining, and is live in the
    next cycle, without waiting for a release slot. A rollback puts the version that served before into
    service at once; the next one takes it back.
    """

    scenarios, prices, observations = OPS_SCENARIOS, OpsCosts, OPS_OBSERVE
    actions, terms = FIVE_ACTIONS, OPS_TERMS
    truth_names, version_names = (*OPS_TRUTH_NAMES, *VERSION_NAMES), VERSION_NAMES
    modes: ClassVar = {name: mode + OPS_MODES for name, mode in MODES.items()}


class InclinedMassOpsEnv(InclinedMassEnv):
    """The inclined mass with five decisions: wait, intervene, retrain, fine-tune, roll back.

    As :class:`~springdrift.incline.env.InclinedMassEnv`; ``info["version"]`` says which version serves.

    >>> import gymnasium as gym, springdrift
    >>> env = gym.make("springdrift/InclinedMassOps-v0", scenario="stationary")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(springdrift.Action.FINE_TUNE)
    >>> info["terms"]["fine_tune"], info["version"]["number"], info["version"]["tuned"]
    (1.0, 1.0, 1.0)
    """

    World = InclinedMassOpsWorld


class InclinedMassOpsVectorEnv(InclinedMassVectorEnv):
    """Many of them in one kernel call; as :class:`~springdrift.incline.env.InclinedMassVectorEnv`."""

    Env = InclinedMassOpsEnv
