"""Types of command-line arguments."""

import argparse
import math


def positive(kind):
    """An argparse type: a finite number above 0, an int or a float."""

    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no {'whole ' if kind is int else ''}number above 0"
            )
        return value

    return convert


def fraction(text):
    """An argparse type: a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value
