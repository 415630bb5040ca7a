"""Serves exports: a real TensorFlow Serving where there is one, the embedded server where not; and a client."""
