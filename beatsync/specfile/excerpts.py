"""Problems → diagnostics: each gets its position and its source line, unless the line could reveal a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from beatsync.specfile.problems import Path, Problem
from beatsync.specfile.reader import Reading, read
from beatsync.specfile.secrets import is_secret
from beatsync.specfile.shapes import mask_text
from beatsync.values import Diagnostic, Location, Severity, SourceFile

_MAX_LENGTH = 200
_MAX_LINES_ABOVE = 1_000
_KEY = re.compile(r"\s*(?:- +)*[^\s#][^:]*:(?:\s|$)")


def diagnostics(file: SourceFile, problems: Iterable[Problem], sensitive: AbstractSet[Path]) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each problem of a file. `sensitive` holds the paths listed in `sync.sensitive`.

    The file is read once more, with the positions of all nodes.
    """
    positions = read(file.data, positions=True)
    lines = file.data.decode("utf-8-sig", errors="replace").splitlines()
    hidden = _hidden_lines(positions, sensitive)
    for problem in problems:
        line, column = problem.mark or positions.position(problem.path, on_key=problem.on_key)
        text = lines[line - 1] if line <= len(lines) else ""
        above = () if problem.path else _enclosing_lines(lines, line)
        yield Diagnostic(
            Severity.WARNING if problem.warning else Severity.ERROR,
            problem.code,
            mask_text(problem.message),
            Location(file.path, line, column),
            problem.hint and mask_text(problem.hint),
            None if line in hidden or _reveals(problem.path, text, above) else text[:_MAX_LENGTH].rstrip(),
        )


def _hidden_lines(positions: Reading, sensitive: AbstractSet[Path]) -> frozenset[int]:
    """Return the numbers of the lines that hold a value at or below a sensitive path."""
    if not sensitive:
        return frozenset()
    # A listed path is text, also where it contains the index of a list.
    marks = ((tuple(map(str, path)), mark) for path, mark in positions.values.items())
    listed = {tuple(map(str, path)) for path in sensitive}
    return frozenset(
        mark[0] for path, mark in marks if any(path[:length] in listed for length in range(1, len(path) + 1))
    )


def _enclosing_lines(lines: Sequence[str], line: int) -> Iterator[str]:
    """Yield the lines whose values may contain a line, nearest first: up to the keys that are no deeper."""
    nearest = _MAX_LINES_ABOVE
    for text in reversed(lines[max(0, line - 1 - _MAX_LINES_ABOVE) : line - 1]):
        indent = len(text) - len(text.lstrip())
        if text.strip() and indent < nearest:
            yield text
            if _KEY.match(text):
                nearest = indent


def _reveals(path: Path, text: str, above: Iterable[str]) -> bool:
    """Return whether a line could reveal a secret: by its own words, or, if no path is known, by the keys above it."""
    return (
        mask_text(text) != text
        or is_secret(path)
        or any(is_secret(line.replace(":", " ").split()) for line in (text, *above))
    )
