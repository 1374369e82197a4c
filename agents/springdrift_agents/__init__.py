"""Policies, training, evaluation and the command line for springdrift."""

from springdrift_agents.policies.registry import load as load
from springdrift_agents.policies.registry import policy as policy
