"""Acknowledged warnings: `# beatsync: ignore[code] why`, on the line of a warning or above a schedule.

An acknowledgement belongs to the line that it ends, or to the next line if its line has nothing else; it covers that line and everything
that is indented below it. An error cannot be acknowledged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from beatsync.specfile.nodes import Comment, comments, documents
from beatsync.specfile.yamltext import decode
from beatsync.values import Acknowledgement, Diagnostic, FileFacts, Location, Severity

PREFIX = b"beatsync:"
"""A file without these bytes acknowledges nothing."""
_WINDOWS = "window-deadline"
_PLANNED_CODES = frozenset({"clocked-past", "rename-possible", _WINDOWS})
"""Codes of warnings that only a plan knows for certain."""
LATE_CODES = frozenset({"calendar-ends", "task-unregistered", "zone-assumed", *_PLANNED_CODES})
"""Codes of warnings that depend on more than the files: the application, the database, the zone and the time. One that does not occur may do so later."""
_COMMENT = re.compile(r"#+\s*beatsync:\s*ignore(?![\w-])\s*(?:\[([^\]]*)\])?(.*)", re.IGNORECASE | re.DOTALL)
_SEPARATORS = " \t,;:.-–—"
_EXAMPLE = "write # beatsync: ignore[code] and the reason"


def acknowledgements(data: bytes) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements of a file that the reader read to its end, in file order."""
    if PREFIX not in data:
        return ()
    text = decode(data)
    all_comments = comments(text, documents(text))
    alone = {comment.line for comment in all_comments if comment.is_alone}
    lines = text.splitlines()
    return tuple(
        _acknowledgement(match, comment, _span(comment, lines, alone))
        for comment in all_comments
        if (match := _COMMENT.match(comment.text))
    )


def _acknowledgement(match: re.Match[str], comment: Comment, span: tuple[int, int]) -> Acknowledgement:
    codes = dict.fromkeys(code for each in (match[1] or "").split(",") if (code := each.strip()))
    has_reason = bool(match[2].strip(_SEPARATORS))
    return Acknowledgement(comment.line, comment.column, *span, tuple(codes), has_reason, (0,) * len(codes))


def _span(comment: Comment, lines: Sequence[str], alone: Collection[int]) -> tuple[int, int]:
    """Return the first and the last line that an acknowledgement in this comment covers; (0, 0) if no line follows it."""
    first = comment.line
    if comment.is_alone:
        following = range(comment.line + 1, len(lines) + 1)
        first = next((line for line in following if line not in alone and lines[line - 1].strip()), 0)
    if first == 0:
        return (0, 0)
    indent = _indent(lines[first - 1])
    last = first
    # A document's own keys hold everything, so they are covered with their line only.
    for line in range(first + 1, len(lines) + 1) if indent else ():
        text = lines[line - 1]
        if line in alone or not text.strip():
            continue
        is_item = text.lstrip().startswith("- ") and not lines[first - 1].lstrip().startswith("- ")
        if _indent(text) < indent + (not is_item):
            break
        last = line
    return (first, last)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


class Acknowledged:
    """The acknowledgements of several files, and how many warnings each of them matched."""

    def __init__(self, acknowledgements: Iterable[tuple[str, Sequence[Acknowledgement]]]) -> None:
        self._by_path = {path: list(each) for path, each in acknowledgements if each}

    def covers(self, place: Location, code: str) -> bool:
        """Return whether a warning at this place is acknowledged, and count it."""
        line, listed = place.line or 0, self._by_path.get(place.path, [])
        covering = [each for each in listed if each.first <= line <= each.last and code in each.codes]
        if not line or not covering:
            return False
        nearest = min(covering, key=lambda each: each.last - each.first)
        matched = tuple(n + (name == code) for name, n in zip(nearest.codes, nearest.matched, strict=True))
        listed[listed.index(nearest)] = nearest._replace(matched=matched)
        return True

    def remaining(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the diagnostics that are not acknowledged: every error, and the warnings that nothing covers."""
        return [
            each for each in diagnostics if each.severity is Severity.ERROR or not self.covers(each.location, each.code)
        ]

    def of(self, path: str) -> tuple[Acknowledgement, ...]:
        """Return the acknowledgements of a file with what they matched."""
        return tuple(self._by_path.get(path, ()))

    @property
    def count(self) -> int:
        """Return the number of acknowledged warnings."""
        return sum(sum(each.matched) for listed in self._by_path.values() for each in listed)

    def unused(self, invalid_paths: Collection[str], codes: Collection[str] | None = None) -> Iterator[Diagnostic]:
        """Yield a warning for each code that matched nothing: of these codes; by default, of all but `LATE_CODES`.

        Files with an error are skipped: their schedules are not checked to the end.
        """
        for path, listed in self._by_path.items():
            for each in listed if path not in invalid_paths else ():
                place = Location(path, each.line, each.column)
                if not each.codes and codes is None:
                    message = "this comment names no code, so it acknowledges nothing"
                    yield Diagnostic(Severity.WARNING, "ignore-unused", message, place, _EXAMPLE)
                for code, number in zip(each.codes, each.matched, strict=True):
                    if not number and (code not in LATE_CODES if codes is None else code in codes):
                        yield _unused(code, place)


def _unused(code: str, place: Location) -> Diagnostic:
    message = f"there is no warning {code!r} on the lines that this comment covers"
    hint = "remove the code, or correct it; an error cannot be acknowledged"
    return Diagnostic(Severity.WARNING, "ignore-unused", message, place, hint)


def without_reason(path: str, acknowledgements: Iterable[Acknowledgement]) -> Iterator[Diagnostic]:
    """Yield a warning for each acknowledgement that does not say why."""
    for each in acknowledgements:
        if each.codes and not each.has_reason:
            message = "this comment does not say why the warning is acknowledged"
            place = Location(path, each.line, each.column)
            yield Diagnostic(Severity.WARNING, "ignore-reason", message, place, "write it after the brackets")


def acknowledged_of(files: Iterable[FileFacts]) -> Acknowledged:
    """Return the acknowledgements of these files."""
    return Acknowledged((file.path, file.acknowledgements) for file in files)


def unacknowledged(diagnostics: Iterable[Diagnostic], files: Sequence[FileFacts]) -> tuple[tuple[Diagnostic, ...], int]:
    """Return the diagnostics of a plan without the warnings that comments in any of the files acknowledge, and the number of these."""
    acknowledged = acknowledged_of(files)
    before = acknowledged.count
    remaining = []
    for each in diagnostics:
        placed = _at_schedule_with_windows(each, files, acknowledged) if each.code == _WINDOWS else each
        if placed is not None and not (each.code in _PLANNED_CODES and acknowledged.covers(placed.location, each.code)):
            remaining.append(placed)
    return tuple(remaining), acknowledged.count - before


def _at_schedule_with_windows(
    warning: Diagnostic, files: Sequence[FileFacts], acknowledged: Acknowledged
) -> Diagnostic | None:
    """Return a warning about all schedules with windows at the first one that does not acknowledge it; None if each one does."""
    places = [
        Location(file.path, schedule.line, schedule.column)
        for file in sorted(files, key=lambda file: file.path)
        for schedule in file.schedules
        if schedule.is_group and schedule.task is not None
    ]
    remaining = [place for place in places if not acknowledged.covers(place, warning.code)]
    if not places:
        return warning
    return replace(warning, location=remaining[0]) if remaining else None
