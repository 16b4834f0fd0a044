"""BeatSync's own writes in the history page of a row. They are no entries of the admin's log: a sync has no user of the project."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.timezone import get_default_timezone, is_naive, make_aware, make_naive

from beatsync.plan.history import EDITED, HistoryEntry, past_names
from beatsync.report.history import outcome_words
from beatsync.report.schedules import schedule_text
from beatsync.report.summary import revision_name
from beatsync.specfile.shapes import mask_text
from beatsync.web.admin.changelist import managed_of
from beatsync.web.admin.database import is_ready, store

_LIMIT = 100
"""Entries of BeatSync's history that the page has: each may hold a megabyte, so they take time to read."""


def with_own_writes(request: Any, queryset: Any, model: Any) -> Any:
    """Return the admin's log of a row with BeatSync's writes, by time; any other queryset unchanged."""
    from django.contrib.admin.models import LogEntry

    match = getattr(request, "resolver_match", None)
    key = match.kwargs.get("object_id") if match is not None else None
    if getattr(queryset, "model", None) is not LogEntry or key is None or not is_ready():
        return queryset
    row = model._default_manager.filter(pk=key).first()  # noqa: SLF001  documented
    if row is None:
        return queryset
    managed = managed_of(row)
    name = row.name if managed is None else managed.entry.schedule
    entries = store().history(None, _LIMIT, name)
    names = past_names(entries, name)
    own = [action for entry in entries for action in _actions(entry, names, LogEntry)]
    return sorted([*queryset, *own], key=_time)


def _time(action: Any) -> Any:
    """Return the time of an entry, aware: without USE_TZ the log has local times."""
    time = action.action_time
    return make_aware(time, get_default_timezone()) if is_naive(time) else time


def _actions(entry: HistoryEntry, names: Collection[str], model: Any) -> Iterator[Any]:
    """Yield what an entry of the history did to a schedule of these names, as entries of the admin's log that are never saved.

    A deliberate edit is in the admin's own log.
    """
    if entry.outcome == EDITED or entry.started_at is None:
        return
    time = entry.started_at if settings.USE_TZ else make_naive(entry.started_at, get_default_timezone())
    user_model: Any = get_user_model()
    for change in entry.schedule_changes(names):
        revision = f" at {revision_name(entry.revision)}" if entry.revision is not None else ""
        message = f" ({entry.message})" if entry.message else ""
        text = f"BeatSync, source {entry.source}, {outcome_words(entry)}{revision}: {schedule_text(change)}{message}"
        user = user_model(**{user_model.USERNAME_FIELD: entry.actor or "BeatSync"})
        yield model(action_time=time, user=user, action_flag=2, change_message=mask_text(text))
