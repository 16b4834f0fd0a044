"""YAML of other programs as plain values."""

from __future__ import annotations

from typing import Any

from beatsync.specfile.problems import SpecError
from beatsync.specfile.reader import read
from beatsync.specfile.scalars import Ambiguous


def read_documents(data: bytes) -> list[Any]:
    """Return the documents of a YAML text. Raises SpecError if it cannot be read."""
    reading = read(data)
    if not reading.complete:
        problem = next(iter(reading.problems))
        line = f" in line {problem.mark[0]}" if problem.mark else ""
        raise SpecError(problem.code, f"{problem.message}{line}", problem.hint)
    return reading.documents


def mapping(value: Any) -> dict[str, Any]:
    """Return a value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """Return a scalar as it was written; None as an empty text."""
    if isinstance(value, Ambiguous):
        return value.text
    return "" if value is None else str(value)
