"""A thin subclass of django-celery-beat's scheduler that saves only what it changed, for `celery beat -S`.

    celery -A proj beat -S beatsync.schedulers:DatabaseScheduler

Stock beat saves whole rows that it read long before: it reverts what was committed in between, an operator's pause included, and
inserts deleted rows again (docs/facts.md, 1 and 26; django-celery-beat's pull request 1038). From 2.8.1 on, the time of its reload
grows with the square of the number of distinct crontabs (docs/facts.md, 24), and SQLite refuses its query. After each task that it
sends, it compares all entries. When rows changed, it reloads before it sends what was due before the change, and so loses a run whose
row changed. With celery before 5.7, a solar event that does not occur on a day ends beat (docs/facts.md, 44).
It also sends a notice that an application did not send because it ended after its commit. Nothing else is changed. This module must not import any other of BeatSync's.
"""

from __future__ import annotations

import heapq
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from celery.schedules import schedstate, solar
from celery.utils.log import get_logger
from django.apps import apps
from django.db import DatabaseError, router
from django.db.models import Case, F, QuerySet, When
from django_celery_beat import schedulers as stock
from django_celery_beat.models import CrontabSchedule
from django_celery_beat.utils import NEVER_CHECK_TIMEOUT

_log = get_logger(__name__)
_YEAR = 366
_LONGEST_SENDING = 5.0
"""Seconds after which a reload no longer waits for what is due."""


class SolarSchedule(solar):  # type: ignore[misc]
    """celery's solar schedule, which goes on to the next day that has the event, with every release of celery."""

    _is_reported = False

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Return the time from now to the first event after `last_run_at`; a year if there is none within a year of it."""
        for days in range(_YEAR):
            try:
                remaining: timedelta = super().remaining_estimate(last_run_at + timedelta(days=days))
            except TypeError:  # celery before 5.7 adds a timedelta to a number
                continue
            if days:
                self._report(f"the next one is in {remaining.days} days")
            return remaining
        self._report("there is none within a year")
        return timedelta(days=_YEAR)

    def _report(self, outlook: str) -> None:
        if not self._is_reported:
            self._is_reported = True
            _log.warning("%s at latitude %s does not occur on each day: %s", self.event, self.lat, outlook)


class ModelEntry(stock.ModelEntry):  # type: ignore[misc]  # it has no types
    """One row as beat runs it. It updates only the columns that beat owns, so it sends no signal and resurrects no deleted row."""

    def __init__(self, model: Any, app: Any = None) -> None:
        super().__init__(model, app=app)
        schedule: Any = getattr(self, "schedule", None)
        if isinstance(schedule, solar):
            self.schedule = SolarSchedule(
                schedule.event, schedule.lat, schedule.lon, nowfun=schedule.nowfun, app=self.app
            )

    def save(self) -> None:
        """Write when and how often the task ran; a later `last_run_at` that another process wrote is kept."""
        model = self.model
        if not model.enabled:
            return  # beat disabled the row and has written it already
        ran = When(last_run_at__gt=model.last_run_at, then=F("last_run_at"))
        self._row().update(total_run_count=model.total_run_count, last_run_at=Case(ran, default=model.last_run_at))

    def is_due(self) -> Any:
        """Return whether to run now and when to check again; disable a one-off that ran."""
        model = self.model
        if model.enabled and model.one_off and model.total_run_count > 0:
            model.enabled, model.total_run_count = False, 0
            self._row().filter(one_off=True).update(enabled=False, total_run_count=0, last_run_at=None)
            return schedstate(False, NEVER_CHECK_TIMEOUT)
        return super().is_due()

    def _disable(self, model: Any) -> None:
        """Disable a row that expired or cannot be run, unless the faulty columns have changed since it was read."""
        model.no_changes, model.enabled = True, False
        faulty = {name: getattr(model, name) for name in ("expires", "args", "kwargs")}
        type(model)._default_manager.filter(pk=model.pk, **faulty).update(enabled=False, last_run_at=None)  # noqa: SLF001

    def _row(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = type(self.model)._default_manager.filter(pk=self.model.pk)  # noqa: SLF001
        return rows


class DatabaseScheduler(stock.DatabaseScheduler):  # type: ignore[misc]
    """django-celery-beat's scheduler with the entries above and a reload in linear time."""

    Entry = ModelEntry
    _heap: list[Any]
    _heap_invalidated: bool
    """Set by a reload."""
    _last_timestamp: datetime
    """The stamp of the last notice of a change."""

    def _get_unique_timezone_names(self) -> QuerySet[Any]:
        # The model's default ordering makes `distinct()` yield a row for each crontab, and the caller adds a branch for each.
        names: QuerySet[Any] = CrontabSchedule.objects.order_by().values_list("timezone", flat=True).distinct()
        return names

    def enabled_models_qs(self) -> QuerySet[Any]:
        """Return the enabled rows by one join: Django 5.2 prefetches with an `OR` for each schedule row, and SQLite refuses a thousand."""
        rows = super().enabled_models_qs().prefetch_related(None)
        joined: QuerySet[Any] = rows.select_related("interval", "crontab", "solar", "clocked")
        return joined

    def schedule_changed(self) -> bool:
        """Return whether rows changed, which leads to a reload; send what was due before they changed first."""
        if apps.is_installed("beatsync"):
            try:
                self._settle_notices(apps.get_model("beatsync", "PendingWrite"))
            except DatabaseError as error:  # the table may be missing: BeatSync's migrations may run after beat's start
                _log.debug("notices of applications cannot be read: %s", error)
        is_changed = bool(super().schedule_changed())
        if is_changed and self._heap:
            self._send_due(self._last_timestamp.timestamp())
        return is_changed

    def _settle_notices(self, model: Any) -> None:
        """Notify for the writes of an application that ended between its commit and its notice (`beatsync.dynamic`)."""
        owing = model.objects.using(router.db_for_write(self.Model)).filter(notified=False)
        keys = list(owing.values_list("pk", flat=True))
        if keys:
            self.Changes.update_changed()
            owing.filter(pk__in=keys).update(notified=True)

    def _send_due(self, changed_at: float) -> None:
        """Send each entry that was due at `changed_at`, in seconds since 1970. The reload makes a new heap."""
        end = time.monotonic() + _LONGEST_SENDING
        while self._heap and self._heap[0].time <= changed_at and time.monotonic() < end:
            entry = heapq.heappop(self._heap).entry
            # What cannot be checked is reported by celery after the reload.
            with suppress(Exception):
                is_due, _ = self.is_due(entry)
                if is_due:
                    self.reserve(entry)
                    self.apply_entry(entry, producer=self.producer)

    def schedules_equal(self, *_: Any, **__: Any) -> bool:
        """Return whether no reload came in between, which alone changes entries: celery compares all of them after each task it sends."""
        is_new, self._heap_invalidated = self._heap_invalidated, False
        return not is_new
