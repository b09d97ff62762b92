"""Text files from Jinja templates: the same values give the same bytes, a missing one an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(
    template: Path, values: Mapping[str, object], filters: Mapping[str, Callable[..., Any]] = {}
) -> str:
    """The template filled in. Nothing is escaped: what is made is no HTML.

    Raises jinja2.TemplateError for a name that is in the template only.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    environment.filters |= filters
    return environment.get_template(template.name).render(values)
