"""Problems of one piece of a spec file, before its path and position are known.

The normalisers raise `SpecError`; the caller, which knows the path of the value, turns it into a `Problem`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, Union

Path = tuple[Union[str, int], ...]
"""The keys and indices that lead from a file to a value; the first is the number of the document."""
Mark = tuple[int, int]
"""Line and column, from 1."""

Place = TypeVar("Place")
_MAX_OTHERS = 3
_MAX_WORD = 80
"""Length of the longest word to which a similar one is searched."""


class SpecError(ValueError):
    """A value of a spec is invalid: a stable kebab-case code, a message, and a hint if there is a fix to propose."""

    def __init__(
        self, code: str, message: str, hint: str | None = None, *, field: str | None = None, on_key: bool = False
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint
        self.field = field
        """The key of the mapping (`hour`, `latitude`) that the error is about, if the value is a mapping."""
        self.on_key = on_key
        """Whether the error is about that key itself rather than about its value."""
        self.others: Sequence[SpecError] = ()
        """Further errors of the same value, so that all are reported at once."""

    def at(self, field: str) -> SpecError:
        """Return this error, as one about a key of a mapping."""
        self.field = field
        return self


def raise_all(errors: Iterable[SpecError]) -> None:
    """Raise the first of several errors with all others; nothing if there are none."""
    flat = [each for error in errors for each in (error, *error.others)]
    if flat:
        flat[0].others = flat[1:]
        raise flat[0]


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem at a path."""

    path: Path
    code: str
    message: str
    hint: str | None = None
    on_key: bool = False
    """Whether the problem is reported at the key rather than at its value."""
    mark: Mark | None = None
    """The position, if the reader knows it already."""
    warning: bool = False
    related_key: str | None = None
    """The key that is missing, or the known key that is nearest to an unknown one."""


def others(places: Sequence[Place]) -> Iterator[tuple[tuple[Place, ...], int]]:
    """Yield for each of the distinct places the first others, and how many more there are."""
    for place in places:
        shown = tuple(other for other in places[: _MAX_OTHERS + 1] if other != place)[:_MAX_OTHERS]
        yield shown, len(places) - 1 - len(shown)


def cut(text: str, length: int = 60) -> str:
    """Return a text as a message shows it."""
    return text if len(text) <= length else f"{text[: length - 3]}…"


def nearest(word: str, words: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the one of `words` that is most similar to `word`; None if none is similar."""
    if len(word) > _MAX_WORD:
        return None
    from difflib import get_close_matches  # imported only to report a problem

    close = get_close_matches(word, list(words), n=1, cutoff=cutoff)
    return close[0] if close else None


def with_nearest(word: str, words: Iterable[str]) -> str:
    """Return a word in quotes, and the nearest of `words` if one is similar: `'nigthly' (did you mean 'nightly'?)`."""
    close = nearest(word, words)
    return f"{word!r} (did you mean {close!r}?)" if close else repr(word)


def suggestion(word: object, words: Iterable[str], otherwise: str, cutoff: float = 0.6) -> str:
    """Return the hint that proposes the one of `words` that is nearest to `word`; `otherwise` if none is similar."""
    close = nearest(str(word), words, cutoff)
    return f"did you mean {close}?" if close else otherwise
