"""django-celery-beat's real scheduler under a clock of our own: nothing of it is replaced but the sending of messages.

`time_machine` moves `datetime.now` for beat, celery, BeatSync and Django alike; no test waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import time_machine
from celery import Celery, _state
from django.db import connections
from django_celery_beat.schedulers import DatabaseScheduler as Stock

from beatsync.schedulers import DatabaseScheduler as Thin

SCHEDULERS = {"stock": Stock, "thin": Thin}
LOOK = 3600.0
"""Seconds between two looks of these beats. From 2.8.1 on beat loads only crontabs of the hours nearby, so it must look that often."""


@contextmanager
def application(zone: str = "UTC") -> Iterator[Celery]:
    """A celery application that is the current one inside, as it is in a beat: entries fall back on it."""
    before = _state._tls.current_app, _state.default_app
    app = Celery("firing", set_as_current=True, broker="memory://")
    # No row of beat's own: `celery.backend_cleanup` has tests elsewhere.
    app.conf.update(timezone=zone, enable_utc=True, result_expires=None)
    try:
        yield app
    finally:
        app.close()
        _state._tls.current_app, _state.default_app = before


class Clock:
    """The moment that every process-wide clock shows."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    @property
    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def move_to(self, moment: datetime) -> None:
        self._traveller.move_to(moment)


@contextmanager
def clock(start: datetime) -> Iterator[Clock]:
    """Stop the clock at `start`; it moves only when it is told to."""
    with time_machine.travel(start, tick=False) as traveller:
        yield Clock(traveller)


class Beat:
    """One beat of one class, and what it ran when."""

    def __init__(self, kind: str, app: Celery, watch: Clock) -> None:
        self.ran: list[tuple[str, datetime]] = []
        self._clock = watch
        beat = self

        class Recording(SCHEDULERS[kind]):  # type: ignore[misc, valid-type]
            def apply_entry(self, entry: Any, producer: Any = None) -> None:  # noqa: ARG002  celery's signature
                beat.ran.append((entry.name, watch.now))
                # What `apply_async` does about the database, at its most eager.
                self.sync()

            @property
            def producer(self) -> None:
                return None

        self._scheduler = Recording(app=app, max_interval=LOOK)

    def run_until(self, end: datetime) -> list[tuple[str, datetime]]:
        """Tick until `end`, and return what ran meanwhile."""
        already = len(self.ran)
        while self._clock.now < end:
            # Where beat does not sleep, a moment passes all the same: it rounds a rest of a few milliseconds to none.
            pause = max(self._scheduler.tick() or 0.0, 0.001)
            self._clock.move_to(min(end, self._clock.now + timedelta(seconds=pause)))
        return self.ran[already:]

    def end(self) -> None:
        """Flush, as beat does when it is told to stop."""
        self._scheduler._finalize.cancel()
        self._scheduler.sync()


@contextmanager
def routed_to(alias: str) -> Iterator[None]:
    """Let the models, and so beat, speak to another database than the default one."""
    from django.db import router

    class To:
        def db_for_read(self, *_: Any, **__: Any) -> str:
            return alias

        db_for_write = db_for_read

    before = router.routers
    router.routers = [To()]
    try:
        yield
    finally:
        router.routers = before
        connections[alias].close()
