"""Who decides: rules, detectors and learned networks."""
