"""One file's bytes → what it declares and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from beatsync.specfile import schema
from beatsync.specfile.layers import Bad, Layer, layer, merge
from beatsync.specfile.meaning import Meaning
from beatsync.specfile.passes import passes
from beatsync.specfile.plainmeaning import PlainMeaning
from beatsync.specfile.problems import Path, Problem
from beatsync.specfile.reader import read
from beatsync.specfile.reading import Reading
from beatsync.specfile.secrets import is_secret
from beatsync.values import Declared, Diagnostic, Location, Severity, SourceFile, make

_EXCERPT_LENGTH = 200
_UNPLACED = (1, 1)
_FAR = 1_000
_KEY = re.compile(r"\s*(?:- +)*[^\s#][^:]*:(?:\s|$)")


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What the meaning of a file depends on beside its text."""

    environment: str | None = None
    timezone: str = "UTC"
    """IANA name of the zone where no spec says one."""


class ParsedFile(NamedTuple):
    """What one file declares under the options it was parsed with."""

    path: str
    schedules: tuple[Declared, ...] = ()
    names: tuple[tuple[str, Location], ...] = ()
    """Every name that the file gives to a schedule, in whatever environment."""
    environments: frozenset[str] = frozenset()
    """Every environment that the file speaks of."""
    diagnostics: tuple[Diagnostic, ...] = ()
    is_simple: bool = False
    """Whether it could be read line by line."""


def parse_file(file: SourceFile, options: ParseOptions) -> ParsedFile:
    """Return what a file declares; whatever is wrong with it is in the result, nothing is raised."""
    reading = read(file.data)
    parser = _Parser(file.path, reading, options)
    if reading.complete:
        for number, document in enumerate(reading.documents):
            parser.document(document, number)
    problems = [*reading.problems, *parser.problems]
    return ParsedFile(
        file.path,
        tuple(parser.schedules),
        tuple(parser.names),
        frozenset(parser.environments),
        tuple(_diagnostics(file, dict.fromkeys(problems), frozenset(parser.sensitive))) if problems else (),
        reading.is_simple,
    )


class _Parser:
    """Collects what the documents of one file declare."""

    def __init__(self, path: str, reading: Reading, options: ParseOptions) -> None:
        self.schedules: list[Declared] = []
        self.names: list[tuple[str, Location]] = []
        self.environments: set[str] = set()
        self.problems: list[Problem] = []
        self.sensitive: set[Path] = set()
        self._path = path
        self._reading = reading
        self._options = options

    def document(self, document: Any, number: int) -> None:
        """Take one document of the file."""
        found = [] if passes(document) else schema.check(document, number)
        schedules = document.get("schedules") if isinstance(document, dict) else None
        if not isinstance(schedules, dict):
            self.problems.extend(found)
            return
        marks, file = self._reading.names[number], self._path
        places = [(name, make(Location, (file, *marks.get(name, _UNPLACED)))) for name in schedules]
        self.names.extend(places)
        if found:
            self.problems.extend(found)
            self._carefully(document, number, places, _bad(found))
            return
        declared, read = self.schedules, PlainMeaning(document.get("defaults"), self._options.timezone).read
        for pair in places:
            one = read(pair[0], schedules[pair[0]], pair[1])
            if one is not None:
                declared.append(one)
            else:
                self._carefully(document, number, (pair,), {})

    def _carefully(self, document: Any, number: int, places: Iterable[tuple[str, Location]], bad: Bad) -> None:
        """Take the schedules of these names with every question asked."""
        defaults = layer((number, "defaults"), document.get("defaults"), bad)
        for name, place in places:
            body = document["schedules"][name]
            if isinstance(body, dict):
                self._schedule(name, place, (defaults, layer((number, "schedules", name), body, bad)), bad)

    def _schedule(self, name: str, place: Location, layers: tuple[Layer, Layer], bad: Bad) -> None:
        """Take one schedule, in the environment asked for; those not asked for are checked all the same."""
        own = layers[1]
        only, variants = own.fields.get("only"), own.fields.get("environments")
        only = only if isinstance(only, list) else None
        body = variants if isinstance(variants, Mapping) else {}
        self.environments.update(body, only or ())
        wanted = self._options.environment
        for environment in dict.fromkeys([None, *body, *(only or ()), *([wanted] if wanted else ())]):
            stack: tuple[Layer, ...] = layers
            if environment in body:
                stack = (*layers, layer((*own.path, "environments", environment), body[environment], bad))
            exists = only is None or environment in only
            if exists:
                self._variant(name, place, stack, is_wanted=environment == wanted)

    def _variant(self, name: str, place: Location, layers: tuple[Layer, ...], *, is_wanted: bool) -> None:
        merged = merge(layers)
        meaning = Meaning(name, merged, self._options.timezone)
        self.problems.extend(meaning.problems)
        for dotted in meaning.policy.sensitive:
            key, *rest = dotted.split(".")
            self.sensitive.add((*merged.path(key), *rest))
        if is_wanted and not any(not problem.warning for problem in meaning.problems):
            self.schedules.append(Declared(meaning.spec, place, meaning.policy, meaning.enabled_declared))


def _bad(found: Iterable[Problem]) -> Bad:
    bad: Bad = {problem.path[:length]: set() for problem in found for length in range(2, len(problem.path) + 1)}
    for problem in found:
        if problem.code == "unknown-key" and problem.meant and problem.path[:-1] in bad:
            bad[problem.path[:-1]].add(problem.meant)
    return bad


def _diagnostics(file: SourceFile, problems: Iterable[Problem], sensitive: AbstractSet[Path]) -> Iterator[Diagnostic]:
    """Give each problem its place, for which the file is read once more, and its line."""
    positions = read(file.data, positions=True)
    lines = file.data.decode("utf-8-sig", errors="replace").splitlines()
    hidden = _hidden_lines(positions, sensitive)
    for problem in problems:
        line, column = problem.mark or positions.place(problem.path, on_key=problem.on_key)
        text = lines[line - 1] if line <= len(lines) else ""
        above = () if problem.path else _above(lines, line)
        yield Diagnostic(
            Severity.WARNING if problem.warning else Severity.ERROR,
            problem.code,
            problem.message,
            Location(file.path, line, column),
            problem.hint,
            None if line in hidden or _hides(problem.path, text, above) else text[:_EXCERPT_LENGTH].rstrip(),
        )


def _hidden_lines(positions: Reading, sensitive: AbstractSet[Path]) -> frozenset[int]:
    """Return the lines on which something stands that was listed as sensitive."""
    if not sensitive:
        return frozenset()
    # A listed path is text, and what it names may be the item of a list.
    marks = ((tuple(map(str, path)), mark) for path, mark in positions.values.items())
    wanted = {tuple(map(str, path)) for path in sensitive}
    return frozenset(
        mark[0] for path, mark in marks if any(path[:length] in wanted for length in range(1, len(path) + 1))
    )


def _above(lines: Sequence[str], line: int) -> Iterator[str]:
    """Yield the lines in whose values a line may stand, where it cannot be told in which: up to the keys that are no deeper."""
    nearest = _FAR
    for text in reversed(lines[max(0, line - 1 - _FAR) : line - 1]):
        indent = len(text) - len(text.lstrip())
        if text.strip() and indent < nearest:
            yield text
            if _KEY.match(text):
                nearest = indent


def _hides(path: Path, text: str, above: Iterable[str]) -> bool:
    """Whether a line could give away a secret: by its own words, or, where no path is known, by those of the keys above it."""
    return is_secret(path) or any(is_secret(line.replace(":", " ").split()) for line in (text, *above))
