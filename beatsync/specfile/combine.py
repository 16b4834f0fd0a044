"""The files of one source → `Desired`, and the problems that depend on several files.

Those are computed from the facts of all files, parsed or unchanged, on every run: a warning never disappears because a file is
unchanged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from beatsync.specfile.acknowledge import Acknowledged, acknowledged_of
from beatsync.specfile.limits import MAX_SHOWN, rest
from beatsync.specfile.parse import ParsedFile, ParseOptions
from beatsync.specfile.problems import cut, others, suggestion
from beatsync.values import Desired, Diagnostic, FileFacts, Location, ScheduleFacts, Severity

_UNREGISTERED = "task-unregistered"
_MAX_NAMES = 4
"""Names that a message lists."""
MAX_HASHED = 2_000
"""Different crontabs that come from `H`, above which a warning is reported."""
WARNING_DAYS = 45
"""How long before the end of a calendar, or of the compiled years, a warning is reported."""
_MAX_NEAREST = 20
"""How many unregistered tasks are compared with all registered ones."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The facts of all files of a source, as the lints across files get them."""

    files: Sequence[FileFacts]
    names: Sequence[str]
    """Every name, in file order."""
    distinct: frozenset[str]
    environment: str | None
    acknowledged: Acknowledged
    today: date | None = None
    """None: checks that need the clock are left out."""
    _counts: Counter[tuple[str, str, Severity]] = field(default_factory=Counter)

    def admits(self, place: Location, code: str, severity: Severity = Severity.ERROR) -> bool:
        """Count a diagnostic of a file; return False if so many of its code were reported that it is only counted, or if it is acknowledged."""
        if severity is Severity.WARNING and self.acknowledged.covers(place, code):
            return False
        key = (place.path, code, severity)
        self._counts[key] += 1
        return self._counts[key] <= MAX_SHOWN

    def rests(self) -> Iterator[Diagnostic]:
        """Yield the diagnostics that count what was not admitted."""
        for (path, code, severity), number in self._counts.items():
            if number > MAX_SHOWN:
                yield rest(severity, path, code, number - MAX_SHOWN)

    def group(self, key: Callable[[ScheduleFacts], str | None]) -> Iterator[list[tuple[ScheduleFacts, Location]]]:
        """Yield each group of two schedules or more that have the same key, with their places; schedules whose key is None are skipped."""
        groups: defaultdict[str, list[tuple[ScheduleFacts, Location]]] = defaultdict(list)
        for file in self.files:
            for schedule in file.schedules:
                value = key(schedule)
                if value is not None:
                    groups[value].append((schedule, Location(file.path, schedule.line, schedule.column)))
        return (group for group in groups.values() if len(group) > 1)


CrossLint = Callable[[SourceFacts], Iterator[Diagnostic]]


def combine(
    parsed: Iterable[ParsedFile],
    unchanged: Iterable[FileFacts],
    options: ParseOptions,
    extra: Sequence[Diagnostic] = (),
    today: date | None = None,
) -> Desired:
    """Return what the parsed files declare, sorted by name, and the diagnostics of all files.

    `unchanged` are the facts of the files that were not parsed; `extra` are diagnostics from before the parsing. Without `today`,
    nothing is said about calendars that end.
    """
    files = sorted(parsed, key=lambda file: file.path)
    remaining = list(unchanged)
    facts = [*(file.facts for file in files), *remaining]
    acknowledged = acknowledged_of(facts)
    schedules = sorted((each for file in files for each in file.schedules), key=lambda declared: declared.spec.name)
    diagnostics = [
        *extra,
        *(diagnostic for file in files for diagnostic in file.diagnostics),
        *(warning for facts in remaining for warning in facts.warnings),
        *cross_check(facts, options.environment, today, acknowledged),
    ]
    rows = _unchanged_rows(remaining)
    groups = {name: schedule.name for name, schedule in rows.items() if schedule.is_group}
    desired = Desired(tuple(schedules), (), options.environment, frozenset(rows), groups, options.timezone)
    desired = _with_diagnostics(desired, diagnostics, acknowledged.count)
    return _with_diagnostics(desired, acknowledged.unused(desired.invalid_paths))


def _unchanged_rows(files: Iterable[FileFacts]) -> dict[str, ScheduleFacts]:
    """Return the schedule of each row that the files declare in the chosen environment, by the row's name."""
    schedules = (each for facts in files for each in facts.schedules if each.task is not None)
    return {name: schedule for schedule in schedules for name in schedule.row_names}


def _with_diagnostics(desired: Desired, more: Iterable[Diagnostic], acknowledged: int = 0) -> Desired:
    """Return `desired` with more diagnostics, and with more acknowledged warnings."""
    diagnostics = tuple(sorted([*desired.diagnostics, *more], key=_place))
    return replace(desired, diagnostics=diagnostics, acknowledged=desired.acknowledged + acknowledged)


def cross_check(
    facts: Iterable[FileFacts],
    environment: str | None,
    today: date | None = None,
    acknowledged: Acknowledged | None = None,
) -> tuple[Diagnostic, ...]:
    """Return the diagnostics that depend on several files, the environment or the date; at most 100 of one code for each file.

    `acknowledged` counts the warnings that are left out because comments acknowledge them.
    """
    files = sorted(facts, key=lambda file: file.path)
    names = [schedule.name for file in files for schedule in file.schedules]
    acknowledged = acknowledged or acknowledged_of(files)
    source = SourceFacts(files, names, frozenset(names), environment, acknowledged, today)
    diagnostics = [diagnostic for lint in CROSS_LINTS for diagnostic in lint(source)]
    return (*source.acknowledged.remaining(diagnostics), *source.rests())


def with_warnings_as_errors(desired: Desired) -> Desired:
    """Return `desired` with every warning as an error, for `--strict`."""
    return replace(desired, diagnostics=tuple(replace(each, severity=Severity.ERROR) for each in desired.diagnostics))


def with_unregistered_tasks(desired: Desired, facts: Iterable[FileFacts], tasks: Collection[str]) -> Desired:
    """Return `desired` with a warning for each task that an application with these `tasks` has not registered.

    Nothing is added if it registers no task: such an application only sends messages to others.
    """
    if all(task.startswith("celery.") for task in tasks):
        return desired
    facts = list(facts)
    acknowledged = acknowledged_of(facts)
    before = acknowledged.count
    schedules: defaultdict[str, list[Location]] = defaultdict(list)
    for file in sorted(facts, key=lambda file: file.path):
        for schedule in file.schedules:
            place = Location(file.path, schedule.line, schedule.column)
            if schedule.task is None or schedule.task in tasks or acknowledged.covers(place, _UNREGISTERED):
                continue
            schedules[schedule.task].append(place)
    warnings = [
        _unregistered(task, places, tasks if number < _MAX_NEAREST else ())
        for number, (task, places) in enumerate(schedules.items())
    ]
    warnings += acknowledged.unused(desired.invalid_paths, {_UNREGISTERED})
    return _with_diagnostics(desired, warnings, acknowledged.count - before)


def _unregistered(task: str, places: Sequence[Location], tasks: Collection[str]) -> Diagnostic:
    more = f"; {len(places) - 1:,} more schedules name it" if len(places) > 1 else ""
    message = f"the task {task!r} is not registered in the celery application{more}"
    hint = suggestion(task, tasks, "check its name, and that the application imports its module")
    return Diagnostic(Severity.WARNING, _UNREGISTERED, message, places[0], hint)


def duplicate_names(source: SourceFacts) -> Iterator[Diagnostic]:
    """Report each name that is declared more than once."""
    if len(source.distinct) == len(source.names):
        return
    for group in source.group(lambda schedule: schedule.name):
        message = f"the schedule {_name(group[0][0].name)} is declared more than once"
        places = [place for _, place in group]
        yield from _at_each(source, places, Severity.ERROR, "duplicate-name", message, "rename or remove one of them")


def colliding_names(source: SourceFacts) -> Iterator[Diagnostic]:
    """Warn about names that a database that ignores case treats as the same name."""
    if len(set(map(str.casefold, source.distinct))) == len(source.distinct):
        return
    for group in source.group(lambda schedule: schedule.name.casefold()):
        by_name = {schedule.name: place for schedule, place in group}
        if len(by_name) == 1:
            continue
        names = " and ".join(map(_name, list(by_name)[:_MAX_NAMES]))
        message = f"{names} differ only in case; MariaDB and MySQL treat them as the same name"
        yield from _at_each(
            source, list(by_name.values()), Severity.WARNING, "name-collision", message, "rename one of them"
        )


def conflicting_renames(source: SourceFacts) -> Iterator[Diagnostic]:
    """Report each `renamed_from` that occurs more than once, or whose name is still declared."""
    claims = [
        (schedule.renamed_from, Location(file.path, schedule.line, schedule.column))
        for file in source.files
        for schedule in file.schedules
        if schedule.renamed_from is not None
    ]
    if not claims:
        return
    for group in source.group(lambda schedule: schedule.renamed_from):
        message = f"more than one schedule has `renamed_from: {group[0][0].renamed_from}`"
        places = [place for _, place in group]
        yield from _at_each(source, places, Severity.ERROR, "renamed-from-twice", message, "remove all but one of them")
    for old_name, place in claims:
        if old_name in source.distinct and source.admits(place, "renamed-from-declared"):
            message = f"renamed_from names {old_name!r}, which is still declared"
            hint = "remove the old schedule, or renamed_from"
            yield Diagnostic(Severity.ERROR, "renamed-from-declared", message, place, hint)


def unknown_environment(source: SourceFacts) -> Iterator[Diagnostic]:
    """Warn if files have environments, but none has the chosen one."""
    wanted = source.environment
    environments = frozenset[str]().union(*(file.environments for file in source.files))
    if wanted is None or not environments or wanted in environments:
        return
    hint = suggestion(wanted, sorted(environments), f"they mention {', '.join(sorted(environments))}")
    message = f"no file mentions the environment {wanted!r}"
    place = Location(min(file.path for file in source.files if file.environments))
    yield Diagnostic(Severity.WARNING, "environment-unknown", message, place, hint)


def generated_names(source: SourceFacts) -> Iterator[Diagnostic]:
    """Report each declared name that is also the name of a row of a schedule with `every`."""
    generated = {
        name: (schedule, Location(file.path, schedule.line, schedule.column))
        for file in source.files
        for schedule in file.schedules
        if schedule.rows > 1
        for name in schedule.row_names[1:]
    }
    if source.distinct.isdisjoint(generated):
        return
    for file in source.files:
        for schedule in file.schedules:
            if schedule.name in generated:
                group, place = generated[schedule.name]
                message = f"{_name(schedule.name)} is also the name of a row of {_name(group.name)}, which has `every`"
                places = [Location(file.path, schedule.line, schedule.column), place]
                yield from _at_each(source, places, Severity.ERROR, "row-name", message, "rename one of them")


def shared_twice(source: SourceFacts) -> Iterator[Diagnostic]:
    """Report each window and each calendar that is shared more than once."""
    places: defaultdict[tuple[str, str], list[Location]] = defaultdict(list)
    for file in source.files:
        for each in file.shared:
            places[each.kind, each.name].append(Location(file.path, each.line, each.column))
    for (kind, name), shared_at in places.items():
        if len(shared_at) > 1:
            message = f"the {kind} {_name(name)} is shared more than once"
            yield from _at_each(
                source, shared_at, Severity.ERROR, "shared-twice", message, "rename or remove one of them"
            )


def many_hashed_crontabs(source: SourceFacts) -> Iterator[Diagnostic]:
    """Warn if `H` makes so many different crontabs that stock beat reloads slowly (docs/facts.md, 24)."""
    hashed = frozenset[str]().union(*(file.hashed for file in source.files))
    if len(hashed) > MAX_HASHED:
        message = f"`H` makes {len(hashed):,} different crontabs, and stock beat reloads slowly with so many"
        hint = "leave * or a fixed number in one of the fields, or write H/15 or H(1-4)"
        place = Location(min(file.path for file in source.files if file.hashed))
        yield Diagnostic(Severity.WARNING, "hash-crontabs", message, place, hint)


def ending_calendars(source: SourceFacts) -> Iterator[Diagnostic]:
    """Warn about each calendar whose last date is near or past."""
    if source.today is None:
        return
    for file in source.files:
        for each in file.calendar_ends:
            place = Location(file.path, each.line, each.column)
            if (each.last - source.today).days <= WARNING_DAYS and source.admits(
                place, "calendar-ends", Severity.WARNING
            ):
                what = "has no date" if each.last == date.min else f"ends on {each.last}"
                message = f"the calendar {_name(each.name)} {what}"
                hint = "add the dates of the next year; without them, its days count like any others"
                yield Diagnostic(Severity.WARNING, "calendar-ends", message, place, hint)


CROSS_LINTS: list[CrossLint] = [
    duplicate_names, colliding_names, conflicting_renames, unknown_environment, generated_names, shared_twice,
    many_hashed_crontabs, ending_calendars,
]  # fmt: skip
"""Every check across files, errors included; to add one, append it. Those of one schedule are `lints.LINTS`."""


def _name(name: str) -> str:
    """Return a name as a message shows it; that of a file with an error may have any length."""
    return cut(repr(name), 210)


def _at_each(
    source: SourceFacts, places: Sequence[Location], severity: Severity, code: str, message: str, hint: str
) -> Iterator[Diagnostic]:
    """Yield a diagnostic at each place that involves the others, and count those that are too many."""
    for place, (also_at, more) in zip(places, others(places), strict=True):
        if source.admits(place, code, severity):
            yield Diagnostic(severity, code, message, place, hint, also_at=also_at, more_places=more)


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    place = diagnostic.location
    return (place.path, place.line or 0, place.column or 0, diagnostic.code, diagnostic.message)
