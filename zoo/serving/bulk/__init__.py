"""Bulk work on many files, as pipelines of Apache Beam: `toulon bulk`."""
