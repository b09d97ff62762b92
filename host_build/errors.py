"""The base of the errors that a user can cause and mend."""

from __future__ import annotations


class HostError(Exception):
    """The message says what was wrong, where, and what to do; the command line shows it alone."""
