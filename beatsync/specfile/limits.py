"""How much is reported about one file: output and work stay bounded, and the rest is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from beatsync.specfile.problems import Problem, cut
from beatsync.values import Diagnostic, Location, Severity

Reported = TypeVar("Reported", Problem, Diagnostic)
MAX_SHOWN = 100
"""Diagnostics of one code in one file."""
MAX_ERRORS = 500
"""After so many errors, the rest of a file is not checked."""
_MAX_KEPT = 2_000
_MAX_LENGTH = 1_000
"""Characters of a message and its hint: a value of a file may have millions."""


@dataclass(slots=True)
class Problems:
    """The different problems of one file, and how many more there are of each code."""

    _kept: dict[Problem, None] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _errors: int = 0

    def __iter__(self) -> Iterator[Problem]:
        """Yield the problems to report, at most 100 of one code."""
        return first_of_each_code(self._kept)

    def kept(self) -> Iterable[Problem]:
        """Return all problems that were kept, also more than 100 of one code."""
        return self._kept

    def __len__(self) -> int:
        return sum(self._counts.values())

    def add(self, problems: Iterable[Problem]) -> None:
        """Add problems; one that is equal to an earlier one is the same."""
        for problem in problems:
            if len(problem.message) + len(problem.hint or "") > _MAX_LENGTH:
                problem = replace(problem, message=cut(problem.message, _MAX_LENGTH), hint=None)  # noqa: PLW2901
            if problem in self._kept:
                continue
            if len(self._kept) < _MAX_KEPT:
                self._kept[problem] = None
            self._counts[problem.code] += 1
            self._errors += not problem.warning

    def count(self, code: str, number: int) -> None:
        """Count errors without adding them."""
        self._counts[code] += number
        self._errors += number

    def discount(self, numbers: Mapping[str, int]) -> None:
        """Remove warnings from the counts: so many of each code are acknowledged."""
        self._counts.subtract(numbers)

    def is_full(self, code: str) -> bool:
        """Return whether no further problem of this code is shown."""
        return self._counts[code] >= MAX_SHOWN

    @property
    def is_over(self) -> bool:
        """Return whether there are so many errors that the rest of the file is not checked."""
        return self._errors >= MAX_ERRORS

    def rest(self, path: str) -> Iterator[Diagnostic]:
        """Yield for each code the diagnostic that counts the problems that are not shown."""
        severities = {problem.code: Severity.WARNING if problem.warning else Severity.ERROR for problem in self._kept}
        for code, number in self._counts.items():
            if number > MAX_SHOWN:
                yield rest(severities.get(code, Severity.ERROR), path, code, number - MAX_SHOWN, is_over=self.is_over)


def first_of_each_code(reports: Iterable[Reported]) -> Iterator[Reported]:
    """Yield the problems or diagnostics to report, at most 100 of one code."""
    shown: Counter[str] = Counter()
    for each in reports:
        shown[each.code] += 1
        if shown[each.code] <= MAX_SHOWN:
            yield each


def rest(severity: Severity, path: str, code: str, number: int, *, is_over: bool = False) -> Diagnostic:
    """Return the diagnostic that counts `number` problems that are not shown."""
    message = f"{'at least ' if is_over else ''}{number} more problems of this file have the code {code}"
    hint = "fix those that are shown first; the rest of the file was not checked" if is_over else None
    return Diagnostic(severity, "more-problems", message, Location(path), hint)
