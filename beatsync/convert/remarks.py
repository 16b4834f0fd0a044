"""What a conversion reports about one schedule, and its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from beatsync.specfile.additions import fault
from beatsync.specfile.write import Entry


class Remark(NamedTuple):
    """Something about one schedule that a person has to know."""

    name: str
    text: str


@dataclass(slots=True)
class Conversion:
    """The schedules of another form."""

    entries: list[Entry] = field(default_factory=list)
    """Sorted by name, each of which a file can say."""
    left_out: list[Remark] = field(default_factory=list)
    """Schedules that nobody needs any more, or that beat itself writes."""
    refused: list[Remark] = field(default_factory=list)
    """Schedules that a file cannot say, each with the reason."""
    notes: list[Remark] = field(default_factory=list)
    """What of a converted schedule was dropped, or what a person has to fill in."""

    @property
    def names(self) -> list[str]:
        """Return the names of the converted schedules."""
        return [entry.spec.name for entry in self.entries]

    def add(self, entry: Entry) -> bool:
        """Add a schedule, or the reason why no file can say it; return whether it was added."""
        reason = fault(entry)
        if reason is None:
            self.entries.append(entry)
        else:
            self.refused.append(Remark(entry.spec.name, reason))
        return reason is None

    def sort(self) -> None:
        """Sort the schedules and the remarks by name."""
        self.entries.sort(key=lambda entry: entry.spec.name)
        for remarks in (self.left_out, self.refused, self.notes):
            remarks.sort()


def with_unique_names(names: Iterable[str]) -> Iterator[str]:
    """Yield the names, each with a number behind it if it occurred before."""
    seen: set[str] = set()
    for name in names:
        unique, number = name, 1
        while unique in seen:
            number += 1
            unique = f"{name}-{number}"
        seen.add(unique)
        yield unique
