"""`defaults`, a schedule and the environments of both, merged; each value keeps its path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beatsync.specfile.problems import Path, Problem
from beatsync.specfile.rules import EXCLUSIVE_KEYS, replaced_keys

INVALID: Any = object()
"""Replaces a value with a structural problem: the key is present, and nothing more is reported about its value."""

InvalidPaths = dict[Path, set[str]]
"""The paths at or below which there is a structural problem, each with the keys that its unknown keys probably mean."""
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Layer:
    """One mapping of fields and its path."""

    path: Path
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged fields. A key is missing if no layer has it, or if a later layer sets it to null."""

    layers: Sequence[Layer]
    fields: Mapping[str, Any]
    sync: Mapping[str, Any]

    def path(self, key: str) -> Path:
        """Return the path of a field, or of `sync.KEY`, in the last layer that has it; else that of the schedule."""
        first, _, second = key.partition(".")
        for layer in reversed(self.layers):
            if first in layer.fields:
                if not second:
                    return (*layer.path, first)
                block = layer.fields[first]
                if isinstance(block, Mapping) and second in block:
                    return (*layer.path, first, second)
        return self.own_path

    @property
    def own_path(self) -> Path:
        """Return the path of the schedule itself."""
        return next(layer.path for layer in self.layers if layer.path[1] != "defaults")


def merge(layers: Sequence[Layer]) -> Merged:
    """Merge later layers over earlier ones: null removes a key, one kind of schedule replaces another, `sync` merges by key."""
    first, *rest = layers
    fields = dict(first.fields)
    sync = _sync(first)
    for layer in rest:
        exclusive = EXCLUSIVE_KEYS.intersection(layer.fields)
        for key in replaced_keys(frozenset(key for key in exclusive if layer.fields[key] is not None)):
            # Two exclusive keys in one layer are a structural problem.
            if key not in layer.fields:
                fields.pop(key, None)
        fields.update(layer.fields)
        if "sync" in layer.fields:
            sync = {**sync, **_sync(layer)}
    if None in fields.values():
        fields = {key: value for key, value in fields.items() if value is not None}
    return Merged(layers, fields, sync)


def _sync(layer: Layer) -> Mapping[str, Any]:
    block = layer.fields.get("sync")
    return block if isinstance(block, Mapping) else _NOTHING


def make_layer(path: Path, mapping: Any, invalid: InvalidPaths) -> Layer:
    """Return a mapping as a layer, with each value at or above an invalid path replaced by `INVALID`."""
    if not isinstance(mapping, Mapping):
        return Layer(path, _NOTHING)
    if not invalid:
        return Layer(path, mapping)
    fields: dict[str, Any] = {}
    for key, value in mapping.items():
        here = (*path, key)
        if key == "sync" and isinstance(value, Mapping):
            fields[key] = {name: INVALID if (*here, name) in invalid else item for name, item in value.items()}
        elif key == "environments":
            fields[key] = value
        else:
            fields[key] = INVALID if here in invalid else value
    for key in invalid.get(path, ()):
        fields.setdefault(key, INVALID)
    return Layer(path, fields)


def invalid_paths(problems: Sequence[Problem]) -> InvalidPaths:
    """Return the paths at or above structural problems, and the keys that misspelt ones there probably mean."""
    paths: InvalidPaths = {
        problem.path[:length]: set() for problem in problems for length in range(2, len(problem.path) + 1)
    }
    for problem in problems:
        if problem.code == "unknown-key" and problem.related_key and problem.path[:-1] in paths:
            paths[problem.path[:-1]].add(problem.related_key)
    return paths
