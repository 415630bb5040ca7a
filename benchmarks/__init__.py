"""Speed, side by side with peers, in one run. Not tests: nothing here fails on time."""
