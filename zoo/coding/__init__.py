"""Entropy coding and the codec's file format."""
