"""Decides which files are parsed and which rows are read: the one place for that decision.

A file is skipped only if its fingerprint is the recorded one and the server's digest of each of its rows is too. Everything else is
in scope: changed and new files, files with a changed row, files that a check across files mentions, and entries that no
unchanged file declares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from beatsync.fingerprint.context import context_of, fingerprint
from beatsync.fingerprint.records import EVERYTHING, FileRecord, RowFingerprints, Scope
from beatsync.plan.collation import collisions
from beatsync.plan.observed import NameRule
from beatsync.specfile.combine import WARNING_DAYS, combine
from beatsync.specfile.every.inputs import Inputs, inputs_of
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.specfile.sections import shared_of
from beatsync.values import Desired, Diagnostic, FileFacts, Location, Severity, Snapshot, SourceFile

MAX_NAMES = 5_000
"""Above this number of names, reading everything at once is quicker than asking by name."""
ParseProgress = Callable[[int, int], object]
"""Called with the number of files parsed so far and the number to parse."""


@dataclass(frozen=True, slots=True)
class Parsing:
    """The date for which files are parsed, and what reports the progress."""

    today: date
    progress: ParseProgress


@dataclass(frozen=True, slots=True)
class ScopedSource:
    """The files of one snapshot, as far as they are in scope."""

    scope: Scope
    desired: Desired
    facts: Mapping[str, FileFacts]
    """Facts of the files in scope, by path."""
    fingerprints: Mapping[str, str]
    """Fingerprint of every file of the snapshot, by path."""
    unchanged: Sequence[FileFacts] = ()
    """Recorded facts of the files that are not in scope."""

    @property
    def all_facts(self) -> list[FileFacts]:
        """Return the facts of every file."""
        return [*self.facts.values(), *self.unchanged]


def scope_source(
    snapshot: Snapshot,
    options: ParseOptions,
    records: Mapping[str, FileRecord],
    rows: RowFingerprints,
    beat_schedule: Collection[str],
    parsing: Parsing,
) -> ScopedSource:
    """Decide the scope of one run and parse the files in it.

    `beat_schedule` are the names that the celery application writes: they depend on the application, so their files are always in
    scope. A file that uses windows or calendars is unchanged only if all shared ones, all `.ics` files and the compiled years are.
    """
    context = context_of(options)
    fingerprints = {file.path: fingerprint(file, context) for file in snapshot.files}
    unchanged = {
        path: record.facts
        for path, record in records.items()
        if _is_unchanged(record, fingerprints.get(path), rows, beat_schedule)
    }
    inputs = shared_inputs(snapshot, unchanged, parsing.today)
    unchanged = _with_inputs(unchanged, inputs)
    changed = [file for file in snapshot.files if file.path not in unchanged]
    parsed = _parse(changed, options, inputs, parsing.progress)
    extra = [*snapshot.diagnostics, *_ending_horizons(snapshot, records, parsing.today)]
    desired = combine(parsed, unchanged.values(), options, extra, parsing.today)
    mentioned = _mentioned(desired.diagnostics, unchanged) | _colliding(parsed, unchanged, rows.name_rule)
    if mentioned:
        parsed += _parse([file for file in snapshot.files if file.path in mentioned], options, inputs, parsing.progress)
        unchanged = {path: facts for path, facts in unchanged.items() if path not in mentioned}
        desired = combine(parsed, unchanged.values(), options, extra, parsing.today)
    facts = {file.path: file.facts for file in parsed}
    scope = _scope(facts, desired.unchanged, rows)
    return ScopedSource(scope, desired, facts, fingerprints, tuple(unchanged.values()))


def _is_unchanged(
    record: FileRecord, fingerprint_now: str | None, rows: RowFingerprints, beat_schedule: Collection[str]
) -> bool:
    """Return whether a file has its recorded fingerprint, and each of its rows the recorded digest."""
    if record.fingerprint != fingerprint_now:
        return False
    digests, recorded = rows.digests, record.row_digests
    for schedule in record.facts.schedules:
        if schedule.task is None:
            continue
        for name in schedule.row_names:
            digest = recorded.get(name)
            if digest is None or digests.get(name) != digest or name in beat_schedule:
                return False
    return True


def shared_inputs(snapshot: Snapshot, unchanged: Mapping[str, FileFacts], today: date) -> Inputs:
    """Return what the source shares: from the facts of unchanged files, and from the text of the others."""
    shared = [each for facts in unchanged.values() for each in facts.shared]
    for file in snapshot.files:
        if file.path not in unchanged:
            shared += shared_of(file)
    return inputs_of(today.year, shared, snapshot.calendars)


def _ending_horizons(snapshot: Snapshot, records: Mapping[str, FileRecord], today: date) -> Iterator[Diagnostic]:
    """Yield a warning for each file whose rows were compiled for years that end soon, and that was not synced since."""
    for file in snapshot.files:
        record = records.get(file.path)
        horizon = record.facts.horizon if record else None
        if horizon is not None and (horizon - today).days <= WARNING_DAYS:
            message = f"the rows in the database follow calendars until {horizon} only"
            hint = "sync, which compiles this year and the next; a weekly CI job or the daemon does so in time"
            yield Diagnostic(Severity.WARNING, "calendar-horizon", message, Location(file.path), hint)


def _with_inputs(unchanged: Mapping[str, FileFacts], inputs: Inputs) -> dict[str, FileFacts]:
    """Return the files that were parsed with the same inputs, or that use none."""
    return {path: facts for path, facts in unchanged.items() if facts.inputs in {"", inputs.digest}}


def _parse(
    files: Sequence[SourceFile], options: ParseOptions, inputs: Inputs, progress: ParseProgress
) -> list[ParsedFile]:
    parsed = []
    for number, file in enumerate(files, 1):
        parsed.append(parse_file(file, options, inputs))
        progress(number, len(files))
    return parsed


def _mentioned(diagnostics: Iterable[Diagnostic], unchanged: Mapping[str, FileFacts]) -> set[str]:
    """Return the unchanged files that a check across files mentions."""
    paths = set()
    for diagnostic in diagnostics:
        facts = unchanged.get(diagnostic.location.path)
        if facts is not None and diagnostic not in facts.warnings:
            paths.add(facts.path)
    return paths


def _colliding(parsed: Sequence[ParsedFile], unchanged: Mapping[str, FileFacts], rule: NameRule) -> set[str]:
    """Return the unchanged files with a name that the database does not tell apart from another one."""
    if rule is NameRule.EXACT:
        return set()
    files = [*(file.facts for file in parsed), *unchanged.values()]
    names = {name for facts in files for name in facts.row_names}
    colliding = collisions(names, rule)
    if not colliding:
        return set()
    return {path for path, facts in unchanged.items() if not colliding.keys().isdisjoint(facts.row_names)}


def _scope(facts: Mapping[str, FileFacts], unchanged: frozenset[str], rows: RowFingerprints) -> Scope:
    """Return the scope: names in the files that were parsed, their old names, and entries that no unchanged file declares."""
    names = set(rows.digests.keys() - unchanged)
    for file in facts.values():
        for schedule in file.schedules:
            names.update(schedule.row_names)
            if schedule.renamed_from is not None:
                names.update(schedule._replace(name=schedule.renamed_from).row_names)
    if len(names) > MAX_NAMES:
        return EVERYTHING
    return Scope(frozenset(names), rows.resurrected)
