"""What a conversion reports about one schedule, and its result."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from beatsync.specfile.additions import fault
from beatsync.specfile.fields import FIELD_TABLE, JSON_FIELDS
from beatsync.specfile.placeholders import replace_secrets
from beatsync.specfile.write import Entry


class Remark(NamedTuple):
    """Something about one schedule that a person has to know."""

    name: str
    text: str


@dataclass(slots=True)
class Conversion:
    """The schedules of another form."""

    entries: list[Entry] = field(default_factory=list)
    """Sorted by name; a file can declare each of them."""
    left_out: list[Remark] = field(default_factory=list)
    """Schedules that are finished, or that beat itself writes."""
    refused: list[Remark] = field(default_factory=list)
    """Schedules that a file cannot declare, each with the reason."""
    notes: list[Remark] = field(default_factory=list)
    """What of a converted schedule was dropped, or what a person has to fill in."""
    without_zone: int = 0
    """How many crontabs of another scheduler name no time zone, and got UTC."""

    @property
    def names(self) -> list[str]:
        """Return the names of the converted schedules."""
        return [entry.spec.name for entry in self.entries]

    def add(self, entry: Entry) -> bool:
        """Add a schedule, or the reason why no file can declare it; return whether it was added."""
        reason = fault(entry)
        if reason is None:
            self.entries.append(entry)
        else:
            self.refused.append(Remark(entry.spec.name, reason))
        return reason is None

    def leave_out(self, names: AbstractSet[str]) -> None:
        """Remove the schedules of these names, and the remarks on them."""
        self.entries = [entry for entry in self.entries if entry.spec.name not in names]
        for remarks in (self.left_out, self.refused, self.notes):
            remarks[:] = [remark for remark in remarks if remark.name not in names]

    def hide_secrets(self) -> None:
        """Replace each secret by a placeholder, and note where."""
        for index, entry in enumerate(self.entries):
            public = _public_values(entry)
            if public:
                self.entries[index] = entry._replace(spec=entry.spec._replace(**public))
                self.notes.append(Remark(entry.spec.name, f"has secrets in {' and '.join(public)}; fill them in"))
        self.sort()

    def sort(self) -> None:
        """Sort the schedules and the remarks by name."""
        self.entries.sort(key=lambda entry: entry.spec.name)
        for remarks in (self.left_out, self.refused, self.notes):
            remarks.sort()


def _public_values(entry: Entry) -> dict[str, Any]:
    """Return the fields that hold a secret, with placeholders."""
    public: dict[str, Any] = {}
    for name in (column.name for column in FIELD_TABLE):
        text = getattr(entry.spec, name)
        if name in {"name", "task"} or not isinstance(text, str):
            continue
        is_json = name in JSON_FIELDS
        value = json.loads(text) if is_json else text
        replaced = replace_secrets(value, name, entry.policy.sensitive)
        if replaced != value:
            public[name] = json.dumps(replaced) if is_json else replaced
    return public


def unique(name: str, names: set[str]) -> str:
    """Return a name that is not among `names`, with a number behind it if necessary, and add it to them."""
    candidate, number = name, 1
    while candidate in names:
        number += 1
        candidate = f"{name}-{number}"
    names.add(candidate)
    return candidate
