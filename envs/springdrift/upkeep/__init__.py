"""The small world that can be solved exactly."""

from springdrift.upkeep.env import UpkeepEnv as UpkeepEnv
