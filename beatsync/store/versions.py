"""Releases of django-celery-beat that BeatSync can write for and that still do not do what they are told."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

PACKAGE = "django-celery-beat"
_KNOWN_BAD = {
    "2.8.0": "django-celery-beat 2.8.0 does not run crontabs that carry another time zone than beat's own, and never makes good"
    " a missed notice of a change: update beat to 2.8.1 or newer, or stay on 2.7",
}


def warnings() -> tuple[str, ...]:
    """Return what is known against the installed django-celery-beat."""
    try:
        installed = version(PACKAGE)
    except PackageNotFoundError:
        return ()
    return (_KNOWN_BAD[installed],) if installed in _KNOWN_BAD else ()
