"""Measurements of springdrift itself."""
