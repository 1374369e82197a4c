"""Policies, training, evaluation and the command line for springdrift."""

from springdrift_agents.learned import load as load
