"""Metrics that two or more papers use."""
