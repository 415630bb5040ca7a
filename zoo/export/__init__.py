"""SavedModels, TFLite files, TF Serving files and model cards."""
