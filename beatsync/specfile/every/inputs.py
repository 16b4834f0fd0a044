"""What schedules of several files depend on: shared windows and calendars, `.ics` files, and the compiled years."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from beatsync.values import SharedDefinition, SourceFile


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The inputs of one source at one time. Two values are equal only if they are the same object: compare the digests."""

    year: int = 1970
    """The first compiled year: the year of now."""
    shared: tuple[SharedDefinition, ...] = ()
    """In order of path and position."""
    files: tuple[SourceFile, ...] = field(default=(), repr=False)
    """The `.ics` files of the source."""
    digest: str = field(init=False)
    """Hex SHA-256 of everything here: of positions too, as messages name them."""

    def __post_init__(self) -> None:
        sha256 = hashlib.sha256(repr((self.year, self.shared)).encode(errors="surrogatepass"))
        for file in self.files:
            sha256.update(repr((file.path, file.sha256)).encode(errors="surrogatepass"))
        object.__setattr__(self, "digest", sha256.hexdigest())

    def calendar_files(self) -> dict[str, bytes]:
        """Return the content of the `.ics` files by path."""
        return {file.path: file.data for file in self.files}


NO_INPUTS = Inputs()
"""Enough for files without windows and calendars."""


def inputs_of(year: int, shared: Iterable[SharedDefinition], files: Iterable[SourceFile] = ()) -> Inputs:
    """Return the inputs of a source."""
    ordered = sorted(shared, key=lambda each: (each.path, each.line, each.column))
    return Inputs(year, tuple(ordered), tuple(files))
