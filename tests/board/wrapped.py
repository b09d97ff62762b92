"""A backend around another, to change one thing of it."""

from __future__ import annotations

from typing import Any

from board_app.network.backend import Backend


class Wrapped:
    """Does what the other does."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)
