"""Policies, training, evaluation and the command line for springdrift."""
