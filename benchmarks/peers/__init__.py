"""The codecs that `benchmarks.codec_inference` times."""
