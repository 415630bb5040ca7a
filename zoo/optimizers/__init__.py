"""Optimizers that Keras does not have."""
