"""Amortised MAP inference for image super-resolution (Sønderby, Caballero, Theis, Shi, Huszár 2017)."""
