"""Training binaries, one for each paper that trains something."""
