"""The fieldsets of a form with fields of BeatSync in front."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any


def with_fields_first(title: str, fields: Sequence[str], fieldsets: Iterable[Any], own: Collection[str]) -> list[Any]:
    """Return a fieldset of `fields`, and `fieldsets` without the fields `own`, which Django lists if a class has no fieldsets."""
    rest = [(name, {**options, "fields": list(_without(options["fields"], own))}) for name, options in fieldsets]
    return [(title, {"fields": list(fields)}), *rest]


def _without(fields: Iterable[Any], own: Collection[str]) -> Iterator[Any]:
    """Yield the fields, also those on one line, except for `own`."""
    for field in fields:
        if isinstance(field, (list, tuple)):
            line = [name for name in field if name not in own]
            if line:
                yield line
        elif field not in own:
            yield field
