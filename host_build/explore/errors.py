"""What can be wrong with a sweep."""

from __future__ import annotations

from host_build.errors import HostError


class ExploreError(HostError):
    """A sweep cannot be run as asked; the message says why and what to do."""
