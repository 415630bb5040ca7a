"""Memorization and generalization: Zhang et al., Understanding deep learning requires rethinking generalization, ICLR 2017."""
