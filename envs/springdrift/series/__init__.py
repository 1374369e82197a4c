"""The series world: a time series with hidden drivers, and a deployed forecast that grows stale."""
