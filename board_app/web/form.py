"""A form's fields, read in a time that no sender can stretch.

Flask's own reading of 16 MB takes half a minute of CPU where they are a million short fields, and
the Werkzeug of the board's image has no limit on their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional
from urllib.parse import parse_qsl

from werkzeug.http import parse_options_header

MAX_PARTS = 24
_MAX_HEAD = 2048
_MAX_BOUNDARY = 100  # RFC 2046 has 70, which some clients exceed: Werkzeug's sends up to 73
_MAX_URLENCODED = 1024
_NO_END = "the form is not complete: its end is missing"


class FormError(Exception):
    """The form is damaged, or more than this page's forms are; the message says how."""


@dataclass(frozen=True)
class Field:
    """A field's bytes; `filename` is None where it is no file, and empty where none was chosen."""

    content: bytes
    filename: Optional[str] = None


def multipart(body: bytes, boundary: str) -> Dict[str, List[Field]]:
    """The fields of a multipart/form-data body by name, in the order they come."""
    if not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise FormError("the form has no boundary between its fields, or one that is too long")
    delimiter = b"\r\n--" + boundary.encode()
    # Without copies: a picture may have 16 MB.
    first = 0 if body.startswith(delimiter[2:]) else body.find(delimiter) + 2
    if first == 1:
        raise FormError(_NO_END)
    at = first + len(delimiter) - 2
    fields: Dict[str, List[Field]] = {}
    for _ in range(MAX_PARTS + 1):
        if body.startswith(b"--", at):
            return fields
        end = body.find(delimiter, at)
        if end < 0:
            raise FormError(_NO_END)
        gap = body.find(b"\r\n\r\n", at, min(at + _MAX_HEAD, end + 2))
        if gap < 0:
            raise FormError("the form is damaged: a field has no name")
        disposition = _disposition(body[at:gap])
        if "name" in disposition:
            field = Field(body[gap + 4 : end], disposition.get("filename"))
            fields.setdefault(disposition["name"], []).append(field)
        at = end + len(delimiter)
    raise FormError(f"the form has too many fields; {MAX_PARTS} at most")


def urlencoded(body: bytes) -> Dict[str, Field]:
    """The fields of a short application/x-www-form-urlencoded body; none where it is long."""
    if len(body) > _MAX_URLENCODED:
        return {}
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=MAX_PARTS, keep_blank_values=True)
    except ValueError:
        return {}  # not text, or too many fields
    return {name: Field(value.encode()) for name, value in pairs}


def _disposition(head: bytes) -> Dict[str, str]:
    for line in head.split(b"\r\n"):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        if name.strip().lower() == "content-disposition":
            return dict(parse_options_header(value.strip())[1])
    return {}
