"""What can be wrong with a bitstream or with the database it is read by."""

from __future__ import annotations

from host_build.errors import HostError


class ReadbackError(HostError):
    """A bitstream, or what it configures, cannot be read; the message says what and where."""


class DatabaseError(HostError):
    """Project X-Ray's database is of another device, damaged or not whole."""
