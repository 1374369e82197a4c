"""What the best decisions would have been: hindsight, exact solutions, regret."""
