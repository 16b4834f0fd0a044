"""A thin subclass of django-celery-beat's scheduler that saves only what it changed, for `celery beat -S`.

    celery -A proj beat -S beatsync.schedulers:DatabaseScheduler

Stock beat writes whole rows back that it read long before: it undoes what was committed meanwhile, an operator's pause
included, and inserts rows anew that were deleted (FACTS 1 and 26; django-celery-beat's pull request 1038). And its reload grows
with the square of the distinct crontabs from 2.8.1 on (FACTS 24), which SQLite refuses; and of every task that it sends, with the
entries. Nothing else is changed. This module knows no other of BeatSync's.
"""

from __future__ import annotations

from typing import Any

from celery.schedules import schedstate
from django.db.models import Case, F, QuerySet, When
from django_celery_beat import schedulers as stock
from django_celery_beat.models import CrontabSchedule
from django_celery_beat.utils import NEVER_CHECK_TIMEOUT


class ModelEntry(stock.ModelEntry):  # type: ignore[misc]  # it has no types
    """One row as beat runs it. It writes by `UPDATE` of its own columns alone, so no signal is sent and no gone row returns."""

    def save(self) -> None:
        """Write when and how often the task ran; a run that is written already by somebody else is never taken back."""
        model = self.model
        if not model.enabled:
            return  # switched off by beat itself, which has written all there was to write
        ran = When(last_run_at__gt=model.last_run_at, then=F("last_run_at"))
        self._row().update(total_run_count=model.total_run_count, last_run_at=Case(ran, default=model.last_run_at))

    def is_due(self) -> Any:
        """Return whether to run now and when to ask again; a one-off that ran is switched off."""
        model = self.model
        if model.enabled and model.one_off and model.total_run_count > 0:
            model.enabled, model.total_run_count = False, 0
            self._row().filter(one_off=True).update(enabled=False, total_run_count=0, last_run_at=None)
            return schedstate(False, NEVER_CHECK_TIMEOUT)
        return super().is_due()

    def _disable(self, model: Any) -> None:
        """Switch a row off that expired or that cannot be run, unless what was wrong with it has been changed meanwhile."""
        model.no_changes, model.enabled = True, False
        seen = {name: getattr(model, name) for name in ("expires", "args", "kwargs")}
        type(model)._default_manager.filter(pk=model.pk, **seen).update(enabled=False, last_run_at=None)  # noqa: SLF001

    def _row(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = type(self.model)._default_manager.filter(pk=self.model.pk)  # noqa: SLF001
        return rows


class DatabaseScheduler(stock.DatabaseScheduler):  # type: ignore[misc]
    """django-celery-beat's scheduler with the entries above and a reload in linear time."""

    Entry = ModelEntry
    _heap_invalidated: bool
    """Said by a reload."""

    def _get_unique_timezone_names(self) -> QuerySet[Any]:
        # The model's default ordering makes `distinct()` yield a row for each crontab, and the caller a branch for each.
        names: QuerySet[Any] = CrontabSchedule.objects.order_by().values_list("timezone", flat=True).distinct()
        return names

    def enabled_models_qs(self) -> QuerySet[Any]:
        """Return the enabled rows; Django 5.2 prefetches by an `OR` for each schedule row, of which SQLite takes no thousand."""
        rows = super().enabled_models_qs().prefetch_related(None)
        joined: QuerySet[Any] = rows.select_related("interval", "crontab", "solar", "clocked")
        return joined

    def schedules_equal(self, *_: Any, **__: Any) -> bool:
        """Whether no reload came in between, the one thing that changes entries; celery compares all of them for every task it sends."""
        is_new, self._heap_invalidated = self._heap_invalidated, False
        return not is_new
