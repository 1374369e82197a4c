"""Policies, training, evaluation and the command line for springdrift."""

from springdrift_agents.policies.learned import load as load
