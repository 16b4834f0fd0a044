"""Decides which files are parsed and which rows are read: the one place for that decision.

A file is skipped only if its fingerprint is the recorded one and the server's digest of each of its rows is too. Everything else is
in scope: changed and new files, files with a changed row, files that a check across files mentions, and entries that no
unchanged file declares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from beatsync.fingerprint.context import context_of, fingerprint
from beatsync.fingerprint.records import EVERYTHING, FileRecord, RowFingerprints, Scope
from beatsync.plan.collation import collisions
from beatsync.plan.observed import NameRule
from beatsync.specfile.combine import combine
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.values import Desired, Diagnostic, FileFacts, Snapshot, SourceFile

MAX_NAMES = 5_000
"""Above this number of names, reading everything at once is quicker than asking by name."""
ParseProgress = Callable[[int, int], object]
"""Called with the number of files parsed so far and the number to parse."""


@dataclass(frozen=True, slots=True)
class ScopedSource:
    """The files of one snapshot, as far as they are in scope."""

    scope: Scope
    desired: Desired
    facts: Mapping[str, FileFacts]
    """Facts of the files in scope, by path."""
    fingerprints: Mapping[str, str]
    """Fingerprint of every file of the snapshot, by path."""


def scope_source(
    snapshot: Snapshot,
    options: ParseOptions,
    records: Mapping[str, FileRecord],
    rows: RowFingerprints,
    beat_schedule: Collection[str],
    progress: ParseProgress,
) -> ScopedSource:
    """Decide the scope of one run and parse the files in it.

    `beat_schedule` are the names that the celery application writes: they depend on the application, so their files are always in
    scope.
    """
    context = context_of(options)
    fingerprints = {file.path: fingerprint(file, context) for file in snapshot.files}
    unchanged = {
        path: record.facts
        for path, record in records.items()
        if _is_unchanged(record, fingerprints.get(path), rows, beat_schedule)
    }
    changed = [file for file in snapshot.files if file.path not in unchanged]
    parsed = _parse(changed, options, progress)
    desired = combine(parsed, unchanged.values(), options, snapshot.diagnostics)
    mentioned = _mentioned(desired.diagnostics, unchanged) | _colliding(parsed, unchanged, rows.name_rule)
    if mentioned:
        parsed += _parse([file for file in snapshot.files if file.path in mentioned], options, progress)
        unchanged = {path: facts for path, facts in unchanged.items() if path not in mentioned}
        desired = combine(parsed, unchanged.values(), options, snapshot.diagnostics)
    facts = {file.path: file.facts for file in parsed}
    return ScopedSource(_scope(facts, desired.unchanged, rows), desired, facts, fingerprints)


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
        digest = recorded.get(schedule.name)
        if digest is None or digests.get(schedule.name) != digest or schedule.name in beat_schedule:
            return False
    return True


def _parse(files: Sequence[SourceFile], options: ParseOptions, progress: ParseProgress) -> list[ParsedFile]:
    parsed = []
    for number, file in enumerate(files, 1):
        parsed.append(parse_file(file, options))
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
    names = {schedule.name for file in parsed for schedule in file.facts.schedules}
    names.update(schedule.name for facts in unchanged.values() for schedule in facts.schedules)
    colliding = collisions(names, rule)
    if not colliding:
        return set()
    return {path for path, facts in unchanged.items() if any(each.name in colliding for each in facts.schedules)}


def _scope(facts: Mapping[str, FileFacts], unchanged: frozenset[str], rows: RowFingerprints) -> Scope:
    """Return the scope: names in the files that were parsed, their old names, and entries that no unchanged file declares."""
    names = set(rows.digests.keys() - unchanged)
    for file in facts.values():
        for schedule in file.schedules:
            names.add(schedule.name)
            if schedule.renamed_from is not None:
                names.add(schedule.renamed_from)
    if len(names) > MAX_NAMES:
        return EVERYTHING
    return Scope(frozenset(names), rows.resurrected)
