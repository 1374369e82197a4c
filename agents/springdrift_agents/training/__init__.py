"""Learning and tuning policies."""
