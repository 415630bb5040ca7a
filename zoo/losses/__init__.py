"""Losses that two or more papers use."""
