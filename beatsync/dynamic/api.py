"""`schedules(NAME)`: the set of schedules of that name, and what an application does with it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.core.exceptions import ValidationError
from django.db import router

from beatsync.collector import garbage_collector_paused
from beatsync.dynamic.declare import declare, is_name
from beatsync.dynamic.errors import refusal_error, renamed, validation_error
from beatsync.dynamic.oneoff import OneOffArguments
from beatsync.dynamic.state import Scheduled, scheduled
from beatsync.plan.model import Plan
from beatsync.sets import Refused, SetChange, change_set
from beatsync.specfile.problems import Problem
from beatsync.store import SetStore
from beatsync.sync_types import check_source_name, utc_now
from beatsync.values import Declared

KEEP = timedelta(days=7)
"""How long the row of a one-off is kept after it ran."""
Arguments = Mapping[str, Any]
"""The fields of one schedule."""


def schedules(set_name: str, using: str | None = None, *, actor: str = "") -> Schedules:
    """Return the set of this name, which need not exist yet, in the database `using`; by default where Django writes PeriodicTask.

    `actor` stands in the history beside the changes; by default the process. Raises ValueError for an impossible name.
    """
    check_source_name(set_name)
    return Schedules(set_name, using, actor)


class Schedules:
    """One set of schedules that an application owns. All threads may use it at once.

    Each method that writes runs in the caller's transaction, if there is one, and returns whether anything was written.
    Raises ValidationError for invalid input, OwnershipConflict, ChangeRefused, RetryableError and StoreError; nothing was written then.
    """

    def __init__(self, name: str, using: str | None, actor: str) -> None:
        self.name = name
        self._using = using
        self._actor = actor

    def __repr__(self) -> str:
        return f"schedules({self.name!r})"

    def put(self, name: str, /, *, adopt: bool = False, **fields: Any) -> bool:
        """Declare one schedule, with the fields of the spec format. `adopt` takes over an existing row that no source owns."""
        declared = self._declare({name: fields}, with_names=False)
        return self._change(SetChange(self.name, declared, adopt=adopt))

    def once(
        self,
        name: str,
        /,
        *,
        task: str,
        at: datetime | str | None = None,
        after: timedelta | str | None = None,
        keep_for: timedelta = KEEP,
        adopt: bool = False,
        **fields: Any,
    ) -> bool:
        """Declare a task that runs once, `at` a time or `after` a duration from now; called again, move it.

        After it ran, or its `expires` passed, the row is kept for `keep_for`.
        """
        one_off = OneOffArguments(at, after, keep_for)
        arguments = {**fields, "task": task, "clocked": one_off.clocked(utc_now())}
        try:
            declared = self._declare({name: arguments}, one_off.problems(name, fields), with_names=False)
            retentions = {each.spec.name: one_off.retention(each) for each in declared}
            return self._change(SetChange(self.name, declared, one_offs=retentions, adopt=adopt))
        except ValidationError as error:
            raise renamed(error, {"clocked": one_off.time_argument}) from None

    @garbage_collector_paused()
    def put_many(self, schedules: Mapping[str, Arguments], /, *, adopt: bool = False) -> bool:
        """Declare many schedules at once, fields by name; the others of the set stay. The whole set is locked."""
        return self._change(SetChange(self.name, self._declare(schedules), locks_set=True, adopt=adopt))

    @garbage_collector_paused()
    def replace(self, schedules: Mapping[str, Arguments], /, *, allow_empty: bool = False, adopt: bool = False) -> bool:
        """Declare the whole set: every other schedule of it is removed. Raises ValueError for nothing without `allow_empty`."""
        if not schedules and not allow_empty:
            raise ValueError(f"replace({{}}) removes every schedule of the set {self.name!r}: pass allow_empty=True")
        return self._change(SetChange(self.name, self._declare(schedules), is_whole=True, adopt=adopt))

    def remove(self, name: str, /) -> bool:
        """Remove one schedule; nothing happens if the set has none of this name."""
        return is_name(name) and self._change(SetChange(self.name, removed=frozenset({name})))

    def get(self, name: str, /) -> Scheduled | None:
        """Return one schedule; None if the set has none of this name."""
        return self._read(name).get(name) if is_name(name) else None

    def all(self) -> Mapping[str, Scheduled]:
        """Return every schedule of the set by its name, in the order of the names."""
        return MappingProxyType(self._read())

    @property
    def _store(self) -> SetStore:
        return _store(self._using or _default_alias())

    def _read(self, name: str | None = None) -> dict[str, Scheduled]:
        store = self._store
        states = (scheduled(entry, row, store.name_rule()) for entry, row in store.owned_rows(self.name, name))
        return {each.name: each for each in states if each is not None}

    def _declare(
        self, schedules: Mapping[str, Arguments], more: Iterable[Problem] = (), *, with_names: bool = True
    ) -> tuple[Declared, ...]:
        """Return what is declared. Raises ValidationError with every problem of every schedule, and `more` of one schedule."""
        zone = self._store.project_settings().get("TIMEZONE") or self._store.celery_timezone() or "UTC"
        declarations = {name: declare(name, fields, str(zone)) for name, fields in schedules.items()}
        problems = [("", problem) for problem in more]
        problems += (
            (f"{name}." if with_names else "", problem)
            for name, declaration in declarations.items()
            for problem in declaration.problems
        )
        if problems:
            raise validation_error(problems)
        return tuple(each for declaration in declarations.values() for each in declaration.declared)

    def _change(self, change: SetChange) -> bool:
        try:
            plan: Plan = change_set(self._store, replace(change, actor=self._actor or _process()))
        except Refused as refusal:
            raise refusal_error(refusal) from None
        return plan.does_something


def _default_alias() -> str:
    from django.apps import apps

    return router.db_for_write(apps.get_model("django_celery_beat", "PeriodicTask"))


@lru_cache(maxsize=64)
def _store(alias: str) -> SetStore:
    return SetStore(alias)


def _process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
