"""The bytes of one file → the schedules that it declares, its facts and its diagnostics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from beatsync.specfile.acknowledge import Acknowledged, acknowledgements, without_reason
from beatsync.specfile.checks import check
from beatsync.specfile.every.clauses import COMPILED_YEARS
from beatsync.specfile.every.definitions import Definitions
from beatsync.specfile.every.inputs import NO_INPUTS, Inputs, inputs_of
from beatsync.specfile.excerpts import diagnostics, lines_of_secrets
from beatsync.specfile.interpret import Interpretation, interpret
from beatsync.specfile.layers import InvalidPaths, Layer, invalid_paths, make_layer
from beatsync.specfile.limits import first_of_each_code
from beatsync.specfile.lints import LINTS
from beatsync.specfile.problems import Mark, Path, Problem, cut
from beatsync.specfile.reader import Reading, read
from beatsync.specfile.sections import Sections, has_definitions, is_definition, shared_of
from beatsync.specfile.spread import uses_hash
from beatsync.values import (
    CalendarEnd,
    Crontab,
    Declared,
    Diagnostic,
    FileFacts,
    Location,
    Policy,
    ScheduleFacts,
    Severity,
    SharedDefinition,
    SourceFile,
    TaskSpec,
    group_row_name,
)

_UNKNOWN_POSITION = (1, 1)
_DEFINING_KEYS = frozenset({"windows", "calendars", "shared"})


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

    def values(self) -> dict[str, tuple[TaskSpec, Policy]]:
        """Return the values and the policy of each row, by its name."""
        return {each.spec.name: (each.spec, each.policy) for each in self.schedules}


def parse_file(file: SourceFile, options: ParseOptions, inputs: Inputs | None = None) -> ParsedFile:
    """Return what a file declares; every problem is in the result, nothing is raised.

    Without `inputs`, the file is the only one of its source, and its calendars count for no year.
    """
    parser = _parse(file, options, inputs)
    acknowledged = Acknowledged([(file.path, acknowledgements(file.data) if parser.is_complete else ())])
    reported = tuple(_reported(file, parser, acknowledged))
    warnings = tuple(each for each in reported if each.severity is Severity.WARNING)
    facts = FileFacts(
        file.path,
        tuple(parser.facts),
        frozenset(parser.environments),
        warnings,
        parser.shared,
        *parser.every_facts(),
        acknowledged.of(file.path),
    )
    return ParsedFile(file.path, tuple(parser.schedules), facts, reported)


def secret_lines(file: SourceFile) -> frozenset[int]:
    """Return the numbers of the lines of a file that may hold a secret: by its name, its shape, or `sync.sensitive`."""
    return lines_of_secrets(file, frozenset(_parse(file, ParseOptions()).sensitive))


def _parse(file: SourceFile, options: ParseOptions, inputs: Inputs | None = None) -> _Parser:
    reading = read(file.data, is_definition if has_definitions(file.data) else None)
    shared = shared_of(file, reading)
    parser = _Parser(file, reading, options, inputs or inputs_of(NO_INPUTS.year, shared), shared)
    if reading.complete:
        for number, document in enumerate(reading.documents):
            parser.parse_document(document, number)
        parser.report_assumed_zone()
    return parser


def _reported(file: SourceFile, parser: _Parser, acknowledged: Acknowledged) -> Iterator[Diagnostic]:
    """Yield the diagnostics of a file, without the warnings that its comments acknowledge."""
    problems, sensitive = parser.problems, frozenset(parser.sensitive)
    if not acknowledged.of(file.path):
        if problems:
            yield from diagnostics(file, list(problems), sensitive)
            yield from problems.rest(file.path)
        return
    kept = list(diagnostics(file, list(problems.kept()), sensitive))
    remaining = acknowledged.remaining(kept)
    problems.discount(Counter(each.code for each in kept) - Counter(each.code for each in remaining))
    yield from first_of_each_code(remaining)
    yield from problems.rest(file.path)
    yield from without_reason(file.path, acknowledged.of(file.path))


class _Parser:
    """Collects what the documents of one file declare."""

    def __init__(
        self,
        file: SourceFile,
        reading: Reading,
        options: ParseOptions,
        inputs: Inputs,
        shared: tuple[SharedDefinition, ...],
    ) -> None:
        self.shared = shared
        self.schedules: list[Declared] = []
        self.facts: list[ScheduleFacts] = []
        self.environments: set[str] = set()
        self.problems = reading.problems
        self.sensitive: set[Path] = set()
        self.is_complete = reading.complete
        self._assuming: dict[str, Path] = {}
        self._path = file.path
        self._reading = reading
        self._options = options
        self._inputs = inputs
        self._sections = Sections(file, reading, inputs)
        self._hashed: set[str] = set()
        self._uses_inputs = False
        self._uses_dates = False

    def every_facts(self) -> tuple[str, date | None, tuple[CalendarEnd, ...], frozenset[str]]:
        """Return the facts about windows, calendars and `H`, in the order of `FileFacts`."""
        inputs = self._inputs
        horizon = date(inputs.year + COMPILED_YEARS - 1, 12, 31) if self._uses_dates else None
        digest = inputs.digest if self._uses_inputs else ""
        return digest, horizon, tuple(self._sections.ends), frozenset(self._hashed)

    def parse_document(self, document: Any, number: int) -> None:
        """Check one document of the file and interpret its schedules."""
        if self.problems.is_over:
            return
        problems = check(document, number)
        self.problems.add(problems)
        if not isinstance(document, dict):
            return
        definitions = self._sections.definitions(document, number)
        self.problems.add(self._sections.problems)
        self._uses_inputs |= not _DEFINING_KEYS.isdisjoint(document)
        schedules = document.get("schedules")
        if not isinstance(schedules, dict):
            return
        invalid = invalid_paths(problems)
        defaults = make_layer((number, "defaults"), document.get("defaults"), invalid)
        marks = self._reading.names[number]
        for name, body in schedules.items():
            mark = marks.get(name, _UNKNOWN_POSITION)
            declared: Sequence[Declared] = ()
            # The names are facts also of a file that is not checked to its end.
            if isinstance(body, dict) and not self.problems.is_over:
                own = make_layer((number, "schedules", name), body, invalid)
                declared = self._parse_schedule(name, mark, (defaults, own), (invalid, definitions))
            if not declared:
                self.facts.append(ScheduleFacts(name, *mark, None))
            else:
                first = declared[0]
                self.schedules += declared
                clauses = None if first.group is None else tuple(each.clauses for each in declared)
                facts = ScheduleFacts(name, *mark, first.spec.task, first.policy.renamed_from, clauses)
                self.facts.append(facts)

    def report_assumed_zone(self) -> None:
        """Warn once about the schedules that no zone is given for."""
        if not self._options.is_zone_assumed or not self._assuming:
            return
        name, path = next(iter(self._assuming.items()))
        more = f" and {len(self._assuming) - 1:,} more of this file" if len(self._assuming) > 1 else ""
        message = f"no time zone is given for {cut(repr(name), 210)}{more}; {self._options.timezone} is assumed"
        hint = "write timezone: in `defaults`, or name the zone of the syncs with --timezone or BEATSYNC_TIMEZONE"
        self.problems.add([Problem(path, "zone-assumed", message, hint, on_key=True, warning=True)])

    def _parse_schedule(
        self, name: str, mark: Mark, layers: Sequence[Layer], context: tuple[InvalidPaths, Definitions]
    ) -> Sequence[Declared]:
        """Interpret a schedule in every environment; return its rows in the chosen environment, if they are without an error."""
        declared: Sequence[Declared] = ()
        invalid, definitions = context
        for variant, is_chosen in self._variants(layers, invalid):
            if self.problems.is_over:
                return ()
            interpretation = interpret(name, variant, self._options.timezone, definitions)
            if interpretation.assumes_zone:
                self._assuming.setdefault(name, interpretation.merged.own_path)
            self.problems.add(interpretation.problems)
            for lint in LINTS:
                self.problems.add(lint(interpretation))
            for dotted in interpretation.policy.sensitive:
                key, *rest = dotted.split(".")
                self.sensitive.add((*interpretation.merged.path(key), *rest))
            self._note_every(interpretation, definitions)
            if is_chosen and not interpretation.problems:
                declared = list(_rows(interpretation, Location(self._path, *mark)))
                self._note_hash(interpretation)
        return declared

    def _note_every(self, interpretation: Interpretation, definitions: Definitions) -> None:
        every = interpretation.merged.fields.get("every")
        if every is not None:
            self._uses_inputs = True
            self._uses_dates |= isinstance(every, dict) and not definitions.dated.isdisjoint(every)

    def _note_hash(self, interpretation: Interpretation) -> None:
        crontab = interpretation.spec.schedule
        if isinstance(crontab, Crontab) and uses_hash(interpretation.merged.fields.get("crontab")):
            self._hashed.add(f"{crontab.expression} {crontab.timezone}")

    def _variants(self, layers: Sequence[Layer], invalid: InvalidPaths) -> Iterator[tuple[Sequence[Layer], bool]]:
        """Yield the layers of each variant of a schedule, and whether it is that of the chosen environment.

        A schedule without `environments`, its own or of the defaults, and `only` has one variant.
        """
        defaults, own = layers
        only = own.fields.get("only")
        only = only if isinstance(only, list) else None
        names = dict.fromkeys((*_environments(defaults), *_environments(own)))
        self.environments.update(names, only or ())
        chosen = self._options.environment
        if only is None:
            yield layers, chosen not in names
        elif remaining := set(only) - names.keys():
            yield layers, chosen in remaining
        for name in names:
            if only is None or name in only:
                # What differs by default is weaker than what the schedule itself says.
                yield (
                    [*_with_environment(defaults, name, invalid), *_with_environment(own, name, invalid)],
                    name == chosen,
                )


def _environments(layer: Layer) -> Mapping[str, Any]:
    bodies = layer.fields.get("environments")
    return bodies if isinstance(bodies, Mapping) else {}


def _with_environment(layer: Layer, name: str, invalid: InvalidPaths) -> Iterator[Layer]:
    """Yield a layer, and that of one of its environments, if it has it."""
    yield layer
    bodies = _environments(layer)
    if name in bodies:
        yield make_layer((*layer.path, "environments", name), bodies[name], invalid)


def _rows(interpretation: Interpretation, place: Location) -> Iterator[Declared]:
    """Yield the rows that a schedule compiles to: one, or those of its `every`; none if a window has an error."""
    spec, policy = interpretation.spec, interpretation.policy
    is_enabled_declared = "enabled" in interpretation.merged.fields
    if "every" not in interpretation.merged.fields:
        yield Declared(spec, place, policy, is_enabled_declared, assumes_zone=interpretation.assumes_zone)
        return
    for number, row in enumerate(interpretation.rows or (), 1):
        # `_replace` takes twice as long, and schedules have many rows.
        named = TaskSpec._make((group_row_name(spec.name, number), spec.task, row.crontab, *spec[3:]))
        old_name = policy.renamed_from and group_row_name(policy.renamed_from, number)
        renamed = policy if number == 1 or old_name is None else replace(policy, renamed_from=old_name)
        group = spec.name, row.clauses
        yield Declared(named, place, renamed, is_enabled_declared, *group, interpretation.assumes_zone)
