"""The real scheduler of django-celery-beat under a controlled clock; only the sending of messages is replaced.

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
CHECK_INTERVAL = 3600.0
"""Seconds between two checks of the database. From 2.8.1 on beat loads only crontabs whose hour is near, so it must check this often."""


@contextmanager
def application(zone: str = "UTC") -> Iterator[Celery]:
    """Make a celery application the current one, as in a beat: entries use it as their default."""
    before = _state._tls.current_app, _state.default_app
    app = Celery("firing", set_as_current=True, broker="memory://")
    # Prevents beat's own row `celery.backend_cleanup`, which other tests cover.
    app.conf.update(timezone=zone, enable_utc=True, result_expires=None)
    try:
        yield app
    finally:
        app.close()
        _state._tls.current_app, _state.default_app = before


class Clock:
    """Controls the time of all clocks of this process."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    @property
    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def move_to(self, instant: datetime) -> None:
        self._traveller.move_to(instant)


@contextmanager
def clock(start: datetime) -> Iterator[Clock]:
    """Stop the clock at `start`; it moves only by `move_to`."""
    with time_machine.travel(start, tick=False) as traveller:
        yield Clock(traveller)


class Beat:
    """A beat with one of the scheduler classes, and a record of what it ran and when."""

    def __init__(
        self, kind: str, app: Celery, watch: Clock, *, check_interval: float = CHECK_INTERVAL, flush_after: float = 0.0
    ) -> None:
        """Start a beat that checks the database at least every `check_interval` seconds.

        It records what it ran when it runs the first task after `flush_after` seconds; beat's own default is 180.
        """
        self.ran: list[tuple[str, datetime]] = []
        self._clock = watch
        beat, flushed_at = self, [watch.now]

        class Recording(SCHEDULERS[kind]):  # type: ignore[misc, valid-type]
            def apply_entry(self, entry: Any, producer: Any = None) -> None:  # noqa: ARG002  celery's signature
                beat.ran.append((entry.name, watch.now))
                # `apply_async` flushes to the database, at the latest after some time.
                if (watch.now - flushed_at[0]).total_seconds() >= flush_after:
                    flushed_at[0] = watch.now
                    self.sync()

            @property
            def producer(self) -> None:
                return None

        self._scheduler = Recording(app=app, max_interval=check_interval)

    def run_until(self, end: datetime) -> list[tuple[str, datetime]]:
        """Tick until `end`, and return what ran."""
        already = len(self.ran)
        while self._clock.now < end:
            # Time passes even if beat does not sleep: it rounds a delay of a few milliseconds down to 0.
            pause = max(self._scheduler.tick() or 0.0, 0.001)
            self._clock.move_to(min(end, self._clock.now + timedelta(seconds=pause)))
        return self.ran[already:]

    def end(self) -> None:
        """Flush, as beat does when it stops."""
        self._scheduler._finalize.cancel()
        self._scheduler.sync()


@contextmanager
def routed_to(alias: str) -> Iterator[None]:
    """Route the models, and so beat, to another database than the default."""
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
