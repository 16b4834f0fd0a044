"""The first page: totals, each source with its state, and problems at their lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from beatsync.plan.history import APPLIED
from beatsync.report.board import Board, SourceBoard
from beatsync.report.html.frame import Site, line_link
from beatsync.report.html.markup import Content, Html, element, join
from beatsync.report.html.tables import Cell, Part, facts, pager, state, table
from beatsync.report.runs import duration_in_words
from beatsync.report.states import AS_APPLIED, DECLARED_BY_APPLICATION, DRIFTED, NEVER_SYNCED
from beatsync.report.summary import counted, revision_name, utc_text
from beatsync.report.values import SourceStatus
from beatsync.values import Diagnostic, Revision

_MAX_PROBLEMS = 100
"""Warnings that are listed of one source."""
_SHORT = 12
"""Characters of a commit."""


def render(board: Board, part: Part[SourceBoard], site: Site) -> Html:
    """Return the overview; `part` is one page of the sources."""
    sources = join(
        table(
            "Each source of schedules",
            (
                "Source", "State", "Revision", "Last sync", "Leader", Cell("Schedules", "number"),
                Cell("Drifted", "number"), Cell("Paused", "number"), Cell("Warnings", "number"),
            ),
            (_source(each, site) for each in part.items),
        ),
        pager(part, "source", site, "overview"),
    )  # fmt: skip
    empty = element("p", "No source was synced into this database yet.")
    return join(
        _totals(board, site),
        site.heading("Sources"),
        sources if part.total else empty,
        (_problems(each, site) for each in part.items),
    )


def _totals(board: Board, site: Site) -> Html:
    schedules = sum(each.schedules for each in board.sources)
    drifted = sum(len(each.drifted) for each in board.sources)
    paused = sum(len(each.paused) for each in board.sources)
    return facts(
        [
            ("Sources", f"{len(board.sources):,}"),
            ("Schedules", site.link(f"{schedules:,}", "schedules")),
            ("Drifted", site.link(f"{drifted:,}", "drift")),
            ("Paused", site.link(f"{paused:,}", "pauses")),
            ("Unowned rows", site.link(f"{board.unowned:,}", "unowned")),
        ],
        "totals",
    )


def _source(each: SourceBoard, site: Site) -> Iterator[Content | Cell]:
    status = each.status
    yield status.name
    yield state(*source_state(status))
    yield DECLARED_BY_APPLICATION if status.is_application else _revision(status)
    yield age(status.synced_at, site.now)
    yield status.leader or element("span", "no daemon", class_="quiet")
    counts = (each.schedules, len(each.drifted), len(each.paused), len(each.warnings))
    yield from (Cell(f"{number:,}", "number") for number in counts)


def _revision(status: SourceStatus) -> Content:
    if status.revision is None:
        return "none"
    environment = f", environment {status.environment}" if status.environment else ""
    return join(revision_code(status.revision), environment)


def revision_code(revision: Revision) -> Html:
    """Return the name of a revision, shortened as git shortens it."""
    name = revision_name(revision)
    commit, dash, dirty = (revision.git or "").partition("-")
    return element("code", f"{commit[:_SHORT]}{dash}{dirty}" if revision.git else name, title=name)


def age(time: datetime | None, now: datetime) -> Content:
    """Return a time and how long ago it was."""
    if time is None:
        return "never"
    return join(element("span", utc_text(time), class_="time"), f" ({duration_in_words(now - time)} ago)")


def source_state(status: SourceStatus) -> tuple[str, str]:
    """Return the state of a source in a word, and its kind for `state`."""
    if status.suspension:
        return "suspended", "warning"
    if status.outcome and status.outcome != APPLIED:
        return status.outcome, "bad"
    if status.is_application or status.outcome:
        return (DRIFTED, "warning") if status.drifted or status.missing else (AS_APPLIED, "good")
    return NEVER_SYNCED, "warning"


def source_messages(status: SourceStatus) -> list[str]:
    """Return why a source is not synced; empty if it is."""
    suspension = [str(status.suspension)] if status.suspension else []
    return suspension + ([status.message] if status.message else [])


def _problems(each: SourceBoard, site: Site) -> Html | None:
    """Return what is wrong with a source: why it is not synced, and the warnings of its files at their lines."""
    messages = source_messages(each.status)
    if not messages and not each.warnings:
        return None
    items = [element("li", message) for message in messages]
    items += [_warning(warning, each.status, site) for warning in each.warnings[:_MAX_PROBLEMS]]
    more = max(0, len(each.warnings) - _MAX_PROBLEMS)
    return join(
        site.heading(f"Problems of {each.status.name}"),
        element("ul", items, class_="problems"),
        element("p", f"and {counted(more, 'more warning')}; `beatsync validate` lists all of them") if more else None,
    )


def _warning(warning: Diagnostic, status: SourceStatus, site: Site) -> Html:
    place = line_link(status.origin, status.revision, warning.location, site)
    hint = element("span", f" hint: {warning.hint}", class_="quiet") if warning.hint else None
    return element("li", place, f": {warning.severity.value}: {warning.text} [{warning.code}]", hint)
