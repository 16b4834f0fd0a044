"""The bytes of one file → the schedules that it declares, its facts and its diagnostics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from beatsync.specfile.checks import check
from beatsync.specfile.excerpts import diagnostics
from beatsync.specfile.interpret import interpret
from beatsync.specfile.layers import InvalidPaths, Layer, invalid_paths, make_layer
from beatsync.specfile.lints import LINTS
from beatsync.specfile.problems import Mark, Path, Problem, cut
from beatsync.specfile.reader import Reading, read
from beatsync.values import Declared, Diagnostic, FileFacts, Location, ScheduleFacts, Severity, SourceFile

_UNKNOWN_POSITION = (1, 1)


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What the interpretation of a file depends on apart from its text."""

    environment: str | None = None
    timezone: str = "UTC"
    """IANA name of the zone that applies where no spec names one."""
    is_zone_assumed: bool = False
    """Whether nothing gives this zone. A sync takes the one that the source was last synced with; without a database, it is a warning."""


class ParsedFile(NamedTuple):
    """What one file declares under the options with which it was parsed."""

    path: str
    schedules: tuple[Declared, ...]
    facts: FileFacts
    diagnostics: tuple[Diagnostic, ...] = ()


def parse_file(file: SourceFile, options: ParseOptions) -> ParsedFile:
    """Return what a file declares; every problem is in the result, nothing is raised."""
    reading = read(file.data)
    parser = _Parser(file.path, reading, options)
    if reading.complete:
        for number, document in enumerate(reading.documents):
            parser.parse_document(document, number)
        parser.report_assumed_zone()
    problems = parser.problems
    shown = diagnostics(file, list(problems), frozenset(parser.sensitive)) if problems else ()
    reported = (*shown, *problems.rest(file.path))
    warnings = tuple(each for each in reported if each.severity is Severity.WARNING)
    facts = FileFacts(file.path, tuple(parser.facts), frozenset(parser.environments), warnings)
    return ParsedFile(file.path, tuple(parser.schedules), facts, reported)


class _Parser:
    """Collects what the documents of one file declare."""

    def __init__(self, path: str, reading: Reading, options: ParseOptions) -> None:
        self.schedules: list[Declared] = []
        self.facts: list[ScheduleFacts] = []
        self.environments: set[str] = set()
        self.problems = reading.problems
        self.sensitive: set[Path] = set()
        self._assuming: dict[str, Path] = {}
        self._path = path
        self._reading = reading
        self._options = options

    def parse_document(self, document: Any, number: int) -> None:
        """Check one document of the file and interpret its schedules."""
        if self.problems.is_over:
            return
        problems = check(document, number)
        self.problems.add(problems)
        schedules = document.get("schedules") if isinstance(document, dict) else None
        if not isinstance(schedules, dict):
            return
        invalid = invalid_paths(problems)
        defaults = make_layer((number, "defaults"), document.get("defaults"), invalid)
        marks = self._reading.names[number]
        for name, body in schedules.items():
            mark = marks.get(name, _UNKNOWN_POSITION)
            declared = None
            # The names are facts also of a file that is not checked to its end.
            if isinstance(body, dict) and not self.problems.is_over:
                own = make_layer((number, "schedules", name), body, invalid)
                declared = self._parse_schedule(name, mark, (defaults, own), invalid)
            if declared is None:
                self.facts.append(ScheduleFacts(name, *mark, None))
            else:
                self.schedules.append(declared)
                self.facts.append(ScheduleFacts(name, *mark, declared.spec.task, declared.policy.renamed_from))

    def report_assumed_zone(self) -> None:
        """Warn once about the schedules that no zone is given for."""
        if not self._options.is_zone_assumed or not self._assuming:
            return
        name, path = next(iter(self._assuming.items()))
        more = f" and {len(self._assuming) - 1:,} more of this file" if len(self._assuming) > 1 else ""
        message = f"no time zone is given for {cut(repr(name), 210)}{more}; {self._options.timezone} is assumed"
        hint = "write timezone: in `defaults`, or name the zone of the syncs with --timezone or BEATSYNC_TIMEZONE"
        self.problems.add([Problem(path, "zone-assumed", message, hint, on_key=True, warning=True)])

    def _parse_schedule(self, name: str, mark: Mark, layers: Sequence[Layer], invalid: InvalidPaths) -> Declared | None:
        """Interpret a schedule in every environment; return it as the chosen environment has it, if without an error."""
        declared = None
        for variant, is_chosen in self._variants(layers, invalid):
            if self.problems.is_over:
                return None
            interpretation = interpret(name, variant, self._options.timezone)
            if interpretation.assumes_zone:
                self._assuming.setdefault(name, interpretation.merged.layers[1].path)
            self.problems.add(interpretation.problems)
            for lint in LINTS:
                self.problems.add(lint(interpretation))
            for dotted in interpretation.policy.sensitive:
                key, *rest = dotted.split(".")
                self.sensitive.add((*interpretation.merged.path(key), *rest))
            if is_chosen and not interpretation.problems:
                place, is_enabled_declared = Location(self._path, *mark), "enabled" in interpretation.merged.fields
                declared = Declared(
                    interpretation.spec, place, interpretation.policy, is_enabled_declared,
                    assumes_zone=interpretation.assumes_zone,
                )  # fmt: skip
        return declared

    def _variants(self, layers: Sequence[Layer], invalid: InvalidPaths) -> Iterator[tuple[Sequence[Layer], bool]]:
        """Yield the layers of each variant of a schedule, and whether it is that of the chosen environment.

        A schedule without `environments` and `only` has one variant.
        """
        own = layers[-1]
        only, environments = own.fields.get("only"), own.fields.get("environments")
        only = only if isinstance(only, list) else None
        bodies = environments if isinstance(environments, Mapping) else {}
        self.environments.update(bodies, only or ())
        chosen = self._options.environment
        if only is None:
            yield layers, chosen not in bodies
        elif remaining := set(only) - bodies.keys():
            yield layers, chosen in remaining
        for name, body in bodies.items():
            if only is None or name in only:
                path = (*own.path, "environments", name)
                yield (*layers, make_layer(path, body, invalid)), name == chosen
