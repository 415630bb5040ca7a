"""Generative adversarial networks: Arjovsky & Bottou 2017; Arjovsky, Chintala & Bottou 2017."""
