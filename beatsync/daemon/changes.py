"""What changed from one read of a source to the next, where it changed nothing but what some schedules say.

Whatever only all files together can get wrong (`beatsync.specfile.combine`) depends on the names that they give, their
environments and renames. Where those are the same as before, a few files can be looked at alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from beatsync.specfile import ParsedFile
from beatsync.values import Declared, Desired


def changes(before: Mapping[str, ParsedFile], now: Mapping[str, ParsedFile]) -> tuple[Declared, ...] | None:
    """Return what the files declare that are not as before; None where more than what their schedules say has changed."""
    if before.keys() != now.keys():
        return None
    changed = [path for path, parsed in now.items() if parsed is not before[path]]
    if not all(_is_alike(before[path], now[path]) for path in changed):
        return None
    return tuple(one for path in changed for one in now[path].schedules)


def _is_alike(before: ParsedFile, now: ParsedFile) -> bool:
    """Whether a file gives the same names in the same environments as before, and nothing is wrong with it."""
    return (
        not before.diagnostics
        and not now.diagnostics
        and before.environments == now.environments
        and _names(before) == _names(now)
        and len(before.names) == len(now.names)
        and {one.spec.name for one in before.schedules} == {one.spec.name for one in now.schedules}
        and not any(one.policy.renamed_from for one in (*before.schedules, *now.schedules))
    )


def _names(parsed: ParsedFile) -> frozenset[str]:
    return frozenset(name for name, _ in parsed.names)


def spliced(desired: Desired, changed: tuple[Declared, ...]) -> Desired | None:
    """Return what all files declare where some schedules say something else; None where diagnostics may name their places."""
    if desired.diagnostics:
        return None
    new = {one.spec.name: one for one in changed}
    return replace(desired, schedules=tuple(new.get(one.spec.name, one) for one in desired.schedules))
