"""What every world shares: decisions, costs, the observation table, checks of what users pass."""
