"""Advice on your own series: how often to retrain, what it saves, and how sure that is."""
