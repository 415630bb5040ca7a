"""Mistakes that are answered with one line instead of a traceback."""


class UserError(Exception):
    """Something outside the program is wrong and a person can mend it: a path, a value, a damaged file.

    The message is one line: what was given, what was expected, what to do. Command lines print it and exit
    with status 1 (`toulon`) or 2 (wrong usage).
    """
