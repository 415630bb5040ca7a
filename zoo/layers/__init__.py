"""Keras layers that two or more papers use."""
