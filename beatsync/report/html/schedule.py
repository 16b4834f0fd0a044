"""The page of one schedule: everything that `show` shows."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from beatsync.plan.details import RowDetails
from beatsync.plan.history import HistoryEntry, past_names
from beatsync.plan.model import FieldChange
from beatsync.report.details import difference_words, differing_fields, row_notes, run_text, runs_text, schedule_words
from beatsync.report.history import entry_facts, outcome_words
from beatsync.report.html import changes as change_tables
from beatsync.report.html.frame import Site, outside_link
from beatsync.report.html.markup import Content, Html, element, join
from beatsync.report.html.tables import facts, state, table
from beatsync.report.states import AS_APPLIED, DRIFTED, MISSING
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
        _rows(shown, site) if shown.is_group else None,
        (_row(each, shown, site) for each in details.rows if not shown.is_group),
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
    if shown.every:
        yield "Every", element("code", shown.every)


def _row(each: RowDetails, shown: ShownSchedule, site: Site) -> Html:
    row = each.row
    heading = site.heading(each.name if row is None else row.name, deeper=1)
    if row is None:
        return join(heading, element("p", state(MISSING, "bad")))
    pairs: list[tuple[str, Content]] = [
        ("Row", f"id {row.row_id}"),
        ("Runs", runs_text(row)),
    ]
    pairs += [(label.capitalize(), note) for label, note in row_notes(each, shown)]
    lines = (_field(field, each, site) for field in each.fields)
    columns = ("Field", "Value of the row", "Last applied", "State")
    return join(heading, facts(pairs), table(f"Fields of the row {row.name}", columns, lines))


def _rows(shown: ShownSchedule, site: Site) -> Html:
    """Return what the rows of a schedule have in common, and a table with a line for each of them."""
    details = shown.details
    columns = ("Field", "Value of the rows", "Last applied", "State")
    fields = (_field(field, details.rows[0], site) for field in details.common_fields)
    notes = dict.fromkeys(note for each in details.rows for note in row_notes(each, shown))
    return join(
        facts((label.capitalize(), note) for label, note in notes) if notes else None,
        table("Fields of all rows", columns, fields),
        table(
            f"The {counted(len(details.rows), 'row')}",
            ("Row", "Crontab", "Clauses", "Differs", "Runs"),
            (_row_line(each, shown, site) for each in details.rows),
        ),
    )


def _row_line(each: RowDetails, shown: ShownSchedule, site: Site) -> Iterator[Content]:
    yield each.name
    if each.row is None:
        yield from (state(MISSING, "bad"), "", "", "")
        return
    crontabs = [_crontab(field, each, site) for field in each.fields if field.field == "crontab"]
    yield join(crontabs)
    yield element("code", shown.clauses_of(each))
    yield join(_differing(field, site) for field in differing_fields(each, shown))
    yield runs_text(each.row)


def _differing(field: FieldChange, site: Site) -> Html:
    """Return a field that not all rows have, with the value last applied if that is another."""
    have, applied = (change_tables.value(field, side, site) for side in ("before", "after"))
    instead = None if field.before == field.after else join(" instead of ", applied)
    return element("div", f"{field.field}: ", have, instead)


def _crontab(field: FieldChange, each: RowDetails, site: Site) -> Html:
    have, applied = (change_tables.value(field, side, site) for side in ("before", "after"))
    if field.before == field.after:
        return join(have)
    return join(have, " (last applied: ", applied, "; ", _difference(field, each), ")")


def _difference(field: FieldChange, each: RowDetails) -> Html:
    words = difference_words(field.field, each.state)
    return state(words, "warning" if words == DRIFTED else None)


def _field(field: FieldChange, each: RowDetails, site: Site) -> tuple[Content, ...]:
    have, applied = (change_tables.value(field, side, site) for side in ("before", "after"))
    if field.before == field.after:
        return field.field, have, applied, AS_APPLIED
    return field.field, have, applied, _difference(field, each)


def _changes(shown: ShownSchedule, site: Site) -> Html:
    if not shown.changes:
        return element("p", "The history has no change of this schedule.")
    names = past_names(shown.changes, shown.details.name)
    return join(_entry(entry, names, site) for entry in shown.changes)


def _entry(entry: HistoryEntry, names: Collection[str], site: Site) -> Html:
    about = f" {utc_text(entry.started_at)}: {', '.join([outcome_words(entry), *entry_facts(entry)])}"
    link = site.link(f"#{entry.entry_id}", "history", id=entry.entry_id)
    changes = change_tables.render(entry.schedule_changes(names), entry.entry_id, site)
    return join(site.heading(join(link, about), deeper=1), changes)
