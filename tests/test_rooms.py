"""The way of the data: no room of either package needs one that needs it."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _modules() -> dict[str, Path]:
    files = [
        file for package in ("board_app", "host_build") for file in ROOT.glob(f"{package}/**/*.py")
    ]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


def _needs() -> dict[str, set[str]]:
    """What each module imports, at its top or later."""
    modules = _modules()
    needs: dict[str, set[str]] = {}
    for name, file in modules.items():
        found = needs.setdefault(name, set())
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    found |= {part for part in (whole, node.module) if part in modules} - {name}
    return needs


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_no_room_needs_one_that_needs_it():
    rooms: dict[str, set[str]] = {}
    for module, needed in _needs().items():
        rooms.setdefault(_room(module), set()).update(map(_room, needed))
    try:
        TopologicalSorter(
            {room: needed - {room, "board_app", "host_build"} for room, needed in rooms.items()}
        ).prepare()
    except CycleError as error:
        pytest.fail(f"import circle: {' <- '.join(error.args[1])}")


def test_the_board_knows_nothing_of_the_host():
    strangers = {
        module: sorted(name for name in needed if name.startswith("host_build"))
        for module, needed in _needs().items()
        if module.startswith("board_app")
    }
    assert not {module: names for module, names in strangers.items() if names}


def test_errors_need_nothing():
    assert not _needs()["board_app.errors"]
    assert not _needs()["host_build.errors"]
