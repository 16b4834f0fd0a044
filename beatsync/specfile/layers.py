"""`defaults`, a schedule and its environment, laid over one another; each value keeps the way back to its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beatsync.specfile.problems import Path

KINDS = ("interval", "crontab", "solar", "clocked")
_OWN_KEYS = frozenset({"environments", "only"})
EXCLUSIVE = (frozenset(KINDS), frozenset({"expires", "expire_seconds"}))
"""Groups of keys of which a later layer's replaces an earlier layer's."""

BAD: Any = object()
"""Stands for a value that the schema has already found wrong: it was given, and nothing more is said about it."""


Bad = dict[Path, set[str]]
"""The paths at or below which the schema found something wrong, each with the keys that unknown ones there were meant to be."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One mapping of fields and the path at which it stands."""

    path: Path
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """What the layers say together. A key that is missing was left out, or set back by null."""

    layers: Sequence[Layer]
    fields: Mapping[str, Any]
    sync: Mapping[str, Any]

    def path(self, key: str) -> Path:
        """Return where a field, or `sync.KEY`, was given last; the schedule itself where it was not given."""
        first, _, second = key.partition(".")
        for layer in reversed(self.layers):
            if first in layer.fields:
                if not second:
                    return (*layer.path, first)
                block = layer.fields[first]
                if isinstance(block, Mapping) and second in block:
                    return (*layer.path, first, second)
        return self.layers[1].path


def merge(layers: Sequence[Layer]) -> Merged:
    """Lay later layers over earlier ones: a null sets back, one kind of schedule replaces another, `sync` merges key by key."""
    fields: dict[str, Any] = {}
    sync: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.fields.items():
            if key == "sync":
                sync.update(value if isinstance(value, Mapping) else {})
            elif key in _OWN_KEYS:
                continue
            elif value is None:
                fields.pop(key, None)
            else:
                for group in EXCLUSIVE:
                    if key in group:
                        for other in group - {key}:
                            # Two in one layer exclude each other, and the schema says so.
                            if other not in layer.fields:
                                fields.pop(other, None)
                fields[key] = value
    return Merged(layers, fields, sync)


def layer(path: Path, mapping: Any, bad: Bad) -> Layer:
    """Return a mapping as a layer, what stands at or above a `bad` path replaced by `BAD`."""
    if not isinstance(mapping, Mapping):
        return Layer(path, {})
    if not bad:
        return Layer(path, mapping)
    fields: dict[str, Any] = {}
    for key, value in mapping.items():
        here = (*path, key)
        if key == "sync" and isinstance(value, Mapping):
            fields[key] = {name: BAD if (*here, name) in bad else item for name, item in value.items()}
        elif key == "environments":
            fields[key] = value
        else:
            fields[key] = BAD if here in bad else value
    for key in bad.get(path, ()):
        fields.setdefault(key, BAD)
    return Layer(path, fields)
