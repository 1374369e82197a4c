"""Pictures of an episode; they see frames alone."""
