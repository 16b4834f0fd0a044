"""The page of one schedule: everything that `show` shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from beatsync.plan.details import RowDetails
from beatsync.plan.history import HistoryEntry, past_names
from beatsync.plan.jsonform import change_of_json
from beatsync.plan.model import FieldChange
from beatsync.plan.upcoming import ran_last
from beatsync.report.details import run_text, schedule_words
from beatsync.report.history import entry_facts, outcome_words
from beatsync.report.html import changes as change_tables
from beatsync.report.html.frame import Site, outside_link
from beatsync.report.html.markup import Content, Html, element, join
from beatsync.report.html.tables import facts, state, table
from beatsync.report.summary import counted, revision_name, utc_text
from beatsync.report.values import ShownSchedule


def render(shown: ShownSchedule, site: Site) -> Html:
    """Return everything about one schedule."""
    details = shown.details
    runs = element("ol", (element("li", run_text(run, details.timezone)) for run in details.runs))
    return join(
        facts(_facts(shown)),
        site.heading("Next runs"),
        runs if details.runs else element("p", "It does not run."),
        site.heading("Rows"),
        (_row(each, shown, site) for each in details.rows),
        site.heading("Last changes"),
        _changes(shown, site),
    )


def _facts(shown: ShownSchedule) -> Iterator[tuple[str, Content]]:
    words = schedule_words(shown)
    yield "State", state(", ".join(words), "warning") if words else state("enabled", "good")
    if shown.source is None:
        yield "Source", "none: no source owns this row"
        return
    synced = f", synced {utc_text(shown.synced_at)}" if shown.synced_at else ""
    yield "Source", f"{shown.source}{synced}"
    revision = join(" at ", element("code", revision_name(shown.revision))) if shown.revision else None
    place = outside_link(shown.url, element("code", str(shown.location or shown.details.path)))
    yield "Declared", join(place, revision)
    if shown.origin:
        yield "Files", shown.origin


def _row(each: RowDetails, shown: ShownSchedule, site: Site) -> Html:
    row, about = each.row, each.state
    heading = site.heading(each.name if row is None else row.name, deeper=1)
    if row is None:
        return join(heading, element("p", state("deleted outside BeatSync", "bad")))
    last = f"last {utc_text(ran_last(row))}" if ran_last(row) else "none recorded yet"
    pairs: list[tuple[str, Content]] = [
        ("Row", f"id {row.row_id}"),
        ("Runs", f"{counted(row.total_run_count, 'run')}, {last}"),
    ]
    pairs += [(label.capitalize(), note) for label, note in shown.notes(row.row_id, about)]
    drifted = frozenset(field.field for field in about.drift) if about is not None else frozenset()
    lines = (_field(field, field.field in drifted, site) for field in each.fields)
    columns = ("Field", "Value of the row", "Last applied", "State")
    return join(heading, facts(pairs), table(f"Fields of the row {row.name}", columns, lines))


def _field(field: FieldChange, is_drifted: bool, site: Site) -> tuple[Content, ...]:
    have, applied = (change_tables.value(field, side, site) for side in ("before", "after"))
    if field.before == field.after:
        return field.field, have, applied, "as applied"
    return field.field, have, applied, state("drifted", "warning") if is_drifted else "left as it is"


def _changes(shown: ShownSchedule, site: Site) -> Html:
    if not shown.changes:
        return element("p", "The history has no change of this schedule.")
    names = past_names(shown.changes, shown.details.name)
    return join(_entry(entry, names, site) for entry in shown.changes)


def _entry(entry: HistoryEntry, names: Collection[str], site: Site) -> Html:
    about = f" {utc_text(entry.started_at)}: {', '.join([outcome_words(entry), *entry_facts(entry)])}"
    link = site.link(f"#{entry.entry_id}", "history", id=entry.entry_id)
    changes = [change_of_json(each) for each in entry.changes_of(*names)]
    return join(site.heading(join(link, about), deeper=1), change_tables.render(changes, entry.entry_id, site))
