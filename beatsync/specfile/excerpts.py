"""Problems → diagnostics: each gets its position and its source line, unless the line could reveal a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from beatsync.specfile.problems import Path, Problem
from beatsync.specfile.reader import Positions, Reading, read
from beatsync.specfile.secrets import is_secret
from beatsync.specfile.shapes import mask_text
from beatsync.values import Diagnostic, Location, Severity, SourceFile

_MAX_LENGTH = 200
_MAX_LINES_ABOVE = 1_000
_MAX_SEARCHED = 10_000
"""Length of the longest line that is searched for the name of a secret."""
_KEY = re.compile(r"\s*(?:- +)*[^\s#][^:]*:(?:\s|$)")


def diagnostics(file: SourceFile, problems: Iterable[Problem], sensitive: AbstractSet[Path]) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each problem of a file. `sensitive` holds the paths listed in `sync.sensitive`.

    The file is read once more, with the positions of what is sensitive and of the problems, if they are not known.
    """
    # A listed path is text, also where it contains the index of a list.
    listed = {tuple(map(str, path)) for path in sensitive}
    positions = _positions(file, problems, listed)
    lines = file.data.decode("utf-8-sig", errors="replace").splitlines()
    hidden = _hidden_lines(positions, listed)
    is_secret_line = lru_cache(maxsize=None)(_names_secret)
    for problem in problems:
        line, column = problem.mark or positions.position(problem.path, on_key=problem.on_key)
        text = lines[line - 1] if line <= len(lines) else ""
        above = () if problem.path else _enclosing_lines(lines, line)
        is_hidden = line in hidden or is_secret(problem.path) or any(map(is_secret_line, (text, *above)))
        yield Diagnostic(
            Severity.WARNING if problem.warning else Severity.ERROR,
            problem.code,
            mask_text(problem.message),
            Location(file.path, line, column),
            problem.hint and mask_text(problem.hint),
            None if is_hidden else text[:_MAX_LENGTH].rstrip(),
        )


def lines_of_secrets(file: SourceFile, sensitive: AbstractSet[Path]) -> frozenset[int]:
    """Return the numbers of the lines that may hold a secret; `sensitive` is that of `diagnostics`."""
    listed = {tuple(map(str, path)) for path in sensitive}
    hidden = _hidden_lines(_positions(file, (), listed), listed)
    lines = file.data.decode("utf-8-sig", errors="replace").splitlines()
    is_secret_line = lru_cache(maxsize=None)(_names_secret)
    return hidden.union(
        number
        for number, text in enumerate(lines, 1)
        if text.strip() and any(map(is_secret_line, (text, *_enclosing_lines(lines, number, _depth(text)))))
    )


def _depth(text: str) -> int:
    """Return the indentation of the lines of a key that can hold this line: an item may begin below the key's first letter."""
    content = text.lstrip()
    return len(text) - len(content) + content.startswith("- ")


def _positions(file: SourceFile, problems: Iterable[Problem], listed: AbstractSet[tuple[str, ...]]) -> Reading:
    """Return the positions that problems and listed paths need; an empty reading if they need none."""
    if listed or any(problem.mark is None for problem in problems):
        return read(file.data, _wanted_positions(problems, listed))
    return Reading()


def _wanted_positions(problems: Iterable[Problem], listed: AbstractSet[tuple[str, ...]]) -> Positions:
    """Return what decides which positions are recorded: those at, above or (what is sensitive) below these paths."""
    above = {path[:length] for path in (problem.path for problem in problems) for length in range(len(path) + 1)}
    above_listed = {path[:length] for path in listed for length in range(len(path) + 1)}

    def is_wanted(path: Path) -> bool:
        return path in above or (bool(listed) and (_texts(path) in above_listed or _is_below(path, listed)))

    return is_wanted


def _texts(path: Path) -> tuple[str, ...]:
    return tuple(map(str, path))


def _is_below(path: Path, listed: AbstractSet[tuple[str, ...]]) -> bool:
    """Return whether a path is listed or below a listed one."""
    texts = _texts(path)
    return any(texts[:length] in listed for length in range(1, len(texts) + 1))


def _hidden_lines(positions: Reading, listed: AbstractSet[tuple[str, ...]]) -> frozenset[int]:
    """Return the numbers of the lines that hold a value at or below a listed path."""
    return frozenset(mark[0] for path, mark in positions.values.items() if _is_below(path, listed))


def _enclosing_lines(lines: Sequence[str], line: int, nearest: int = _MAX_LINES_ABOVE) -> Iterator[str]:
    """Yield the lines whose values may contain a line, nearest first: up to the keys that are no deeper.

    All are indented by less than `nearest`.
    """
    for text in reversed(lines[max(0, line - 1 - _MAX_LINES_ABOVE) : line - 1]):
        indent = len(text) - len(text.lstrip())
        if text.strip() and indent < nearest:
            yield text
            if _KEY.match(text):
                nearest = indent


def _names_secret(line: str) -> bool:
    """Return whether a line could reveal a secret: by its words or their shape, or because it is too long to look at each."""
    if len(line) > _MAX_SEARCHED:
        return True
    return is_secret(line.replace(":", " ").split()) or mask_text(line) != line
