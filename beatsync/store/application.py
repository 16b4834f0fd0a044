"""The celery application of a project, as `celery -A` finds and loads it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from beatsync.plan.observed import LateRuns
from beatsync.store.errors import StoreError
from beatsync.store.loading import importing

_HONOURS_DEADLINE = (2, 9)
"""The first release of django-celery-beat that honours the deadline for crontabs with a zone (docs/facts.md, 35)."""


@dataclass(frozen=True, slots=True)
class Application:
    """What a sync needs to know of a celery application."""

    name: str = ""
    timezone: str | None = None
    beat_schedule: frozenset[str] = frozenset()
    """The names that beat writes at every start, those of `add_periodic_task` included."""
    tasks: frozenset[str] = frozenset()
    """The names of all registered tasks; empty if they are unknown."""
    problem: str = ""
    """Why the tasks could not be imported; empty if they were."""
    late_runs: LateRuns | None = None
    """Why its beat may run a crontab at a time that the crontab does not name; None if it does not."""
    celery: Any = field(default=None, repr=False, compare=False)
    """The application itself."""


def load(name: str | None) -> Application | None:
    """Load and finalize an application: the one of this name, else the project's; None if it has none.

    The project's is the current application, or that of the module `celery` in a package of the settings. Raises StoreError if it
    cannot be imported, or, with a name, if its tasks cannot.
    """
    what = f"the celery application {name!r}" if name else "the project's celery application"
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")  # a sync must be possible before the project passes its checks
    with importing(what):
        app = _find(name)
        if app is None:
            return None
        _ = app.conf.timezone  # reads the configuration, which may fail
    problem = ""
    try:
        with importing(f"the tasks of {what}"):
            app.loader.import_default_modules()
            app.finalize()
    except StoreError as error:
        if name:
            raise
        problem = str(error)
    return _application(app, name or app.main or "", problem)


def _application(app: Any, name: str, problem: str) -> Application:
    zone = app.conf.timezone
    names = frozenset(map(str, app.conf.beat_schedule or ()))
    tasks = frozenset() if problem else frozenset(app.tasks)
    return Application(name, str(zone) if zone else None, names, tasks, problem, _late_runs(app), app)


def _late_runs(app: Any) -> LateRuns | None:
    setting = "beat_cron_starting_deadline"
    installed = version("django-celery-beat")
    if tuple(map(int, re.findall(r"\d+", installed)[:2])) < _HONOURS_DEADLINE:
        reason = f"django-celery-beat {installed} ignores {setting} for crontabs with a time zone"
        return LateRuns(reason, f"update django-celery-beat to 2.9 or newer, and {_set_deadline(app)}")
    if app.conf.beat_cron_starting_deadline is None:
        return LateRuns(f"the celery application does not set {setting}", _set_deadline(app))
    return None


def _set_deadline(app: Any) -> str:
    if app.namespace:
        return f"write {app.namespace}_BEAT_CRON_STARTING_DEADLINE = 60 in the Django settings"
    return "write app.conf.beat_cron_starting_deadline = 60"


def _find(name: str | None) -> Any:
    from celery import Celery, current_app
    from celery.app.utils import find_app

    if name:
        app = find_app(name)
        if not isinstance(app, Celery):
            raise ImportError(f"it is a {type(app).__name__}, not an application; name it as for `celery -A`")
        return app
    current = current_app._get_current_object()  # noqa: SLF001  celery's own way to the object behind the proxy
    # Without an application, celery makes one that is not set as the current one.
    if current.set_as_current:
        return current
    package = next((package for package in _settings_packages() if find_spec(f"{package}.celery")), None)
    return find_app(package) if package else None


def _settings_packages() -> list[str]:
    """Return the packages that contain the settings module, innermost first."""
    from django.conf import settings

    parts = (settings.SETTINGS_MODULE or "").split(".")
    return [".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
