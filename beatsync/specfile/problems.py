"""What is wrong with one piece of a spec, before anybody knows where it stands.

The leaf normalisers raise `SpecError`; whoever knows the place turns it into a `Diagnostic`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Union


class SpecError(ValueError):
    """One value of a spec that cannot be taken: a stable kebab-case code, what is wrong, and the mend where there is one."""

    def __init__(self, code: str, message: str, hint: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code: Final = code
        self.message: Final = message
        self.hint: Final = hint
        self.field: Final = field
        """Which key of a mapping it is about (`hour`, `latitude`), where the value had several."""
        self.others: Sequence[SpecError] = ()
        """What else is wrong with the same value: a person mends all of it at once."""

    def beside(self, others: Sequence[SpecError]) -> SpecError:
        """Return this error, with what else is wrong with the value."""
        self.others = others
        return self


Path = tuple[Union[str, int], ...]
"""The way from a file's documents to a value: the document's number, then keys and indices."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a path, before its line and column are known."""

    path: Path
    code: str
    message: str
    hint: str | None = None
    on_key: bool = False
    mark: tuple[int, int] | None = None
    """Line and column, from 1, where the reader knows them already."""
    warning: bool = False
    meant: str | None = None
    """The key that is missing, or that an unknown one was probably meant to be; of a misspelt key no one says that it is missing."""
