"""Releases of django-celery-beat, and settings of it, that BeatSync can write for and that still do not do what they are told."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

PACKAGE = "django-celery-beat"
_KNOWN_BAD = {
    "2.8.0": "django-celery-beat 2.8.0 does not run crontabs that carry another time zone than beat's own, and never makes good"
    " a missed notice of a change: update beat to 2.8.1 or newer, or stay on 2.7",
}


_BLIND_TO_ZONES = (
    "DJANGO_CELERY_BEAT_TZ_AWARE is False in the Django settings: beat runs every crontab in its own zone, whatever zone the"
    " specs and the rows name"
)


def warnings() -> tuple[str, ...]:
    """Return what is known against the installed django-celery-beat, and against how this project sets it."""
    from django.conf import settings

    known = []
    with suppress(PackageNotFoundError):
        known.append(_KNOWN_BAD.get(version(PACKAGE)))
    if not getattr(settings, "DJANGO_CELERY_BEAT_TZ_AWARE", True):
        known.append(_BLIND_TO_ZONES)
    return tuple(text for text in known if text)
