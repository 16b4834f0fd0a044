"""What a reader makes of a text, and how much of one it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from beatsync.specfile.plainreader import Mark
from beatsync.specfile.problems import Path, Problem

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 60
MAX_NODES = 2_000_000
"""Nodes of one file, an alias counting for all that it stands for."""
TOO_DEEP = f"this is nested more than {MAX_DEPTH} levels deep"


class Stop(Exception):  # noqa: N818  it ends a reading
    """Nothing more can be read of this file."""


@dataclass(slots=True)
class Reading:
    """What a text says: one value a document, where things stand, and what is wrong with it as YAML."""

    documents: list[Any] = field(default_factory=list)
    names: list[dict[str, Mark]] = field(default_factory=list)
    """For each document, where the names below its `schedules` stand."""
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    is_simple: bool = False
    """Whether it could be read line by line."""
    complete: bool = False
    """Whether the text was read to its end, so that its documents can be looked at even where there are problems."""

    def place(self, path: Path, *, on_key: bool = False) -> Mark:
        """Return the line and column of a path, or of the nearest node above it that has one."""
        for length in range(len(path), 0, -1):
            part = path[:length]
            first, second = (self.keys, self.values) if on_key and length == len(path) else (self.values, self.keys)
            if part in first or part in second:
                return first.get(part) or second[part]
        return (1, 1)
