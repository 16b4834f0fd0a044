"""All parsed files of one source → `Desired`, and what only all of them together can get wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from beatsync.specfile.parse import ParsedFile, ParseOptions
from beatsync.values import Declared, Desired, Diagnostic, Location, Severity


def combine(parsed: Iterable[ParsedFile], options: ParseOptions, extra: Sequence[Diagnostic] = ()) -> Desired:
    """Return everything that the files declare, sorted by name; `extra` is what was wrong before they were parsed."""
    files = list(parsed)
    names = [pair for file in files for pair in file.names]
    known = {name for name, _ in names}
    # Most sources are large and in order: what is asked of every name costs more than what is asked of the few that repeat.
    order = _name if len(known) == len(names) else _name_and_place
    schedules = sorted((one for file in files for one in file.schedules), key=order)
    diagnostics = [
        *extra,
        *(diagnostic for file in files for diagnostic in file.diagnostics),
        *(_twice(names) if len(known) < len(names) else ()),
        *(_alike(names) if len(set(map(str.casefold, known))) < len(known) else ()),
        *_renames(schedules, known),
        *_unknown_environment(files, options.environment),
    ]
    return Desired(tuple(schedules), tuple(sorted(diagnostics, key=_place)), options.environment)


def _name(declared: Declared) -> str:
    return declared.spec.name


def _name_and_place(declared: Declared) -> tuple[str, Location]:
    return declared.spec.name, declared.location


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    where = diagnostic.location
    return (where.path, where.line or 0, where.column or 0, diagnostic.code, diagnostic.message)


def _grouped(names: Iterable[tuple[str, Location]], key: Callable[[str], str]) -> Iterator[list[tuple[str, Location]]]:
    groups: defaultdict[str, list[tuple[str, Location]]] = defaultdict(list)
    for name, place in names:
        groups[key(name)].append((name, place))
    return (group for group in groups.values() if len(group) > 1)


def _twice(names: Iterable[tuple[str, Location]]) -> Iterator[Diagnostic]:
    for group in _grouped(names, lambda name: name):
        for name, place in group:
            others = ", ".join(str(other) for _, other in group if other != place)
            message = f"the schedule {name!r} is declared more than once; also at {others}"
            yield Diagnostic(Severity.ERROR, "duplicate-name", message, place, "rename or remove one of them")


def _alike(names: Iterable[tuple[str, Location]]) -> Iterator[Diagnostic]:
    for group in _grouped(dict(names).items(), str.casefold):
        for name, place in group:
            others = ", ".join(f"{other!r} at {there}" for other, there in group if other != name)
            message = f"{name!r} and {others} differ in case only, and are one name to MariaDB and MySQL"
            yield Diagnostic(Severity.WARNING, "name-collision", message, place, "rename one of them")


def _renames(schedules: Iterable[Declared], names: set[str]) -> Iterator[Diagnostic]:
    claims = [(one.policy.renamed_from, one.location) for one in schedules if one.policy.renamed_from]
    for group in _grouped(claims, lambda name: name):
        for old, place in group:
            others = ", ".join(str(other) for _, other in group if other != place)
            message = f"{old!r} is claimed by more than one renamed_from; also at {others}"
            yield Diagnostic(Severity.ERROR, "renamed-from-twice", message, place)
    for old, place in claims:
        if old in names:
            message = f"renamed_from names {old!r}, which is still declared"
            yield Diagnostic(
                Severity.ERROR, "renamed-from-declared", message, place, "remove the old schedule, or renamed_from"
            )


def _unknown_environment(files: Iterable[ParsedFile], wanted: str | None) -> Iterator[Diagnostic]:
    known = frozenset[str]().union(*(file.environments for file in files))
    if wanted is None or not known or wanted in known:
        return
    from difflib import get_close_matches

    near = get_close_matches(wanted, sorted(known), n=1)
    hint = f"did you mean {near[0]}?" if near else f"they speak of {', '.join(sorted(known))}"
    message = f"no file speaks of the environment {wanted!r}"
    place = Location(min(file.path for file in files if file.environments))
    yield Diagnostic(Severity.WARNING, "environment-unknown", message, place, hint)
