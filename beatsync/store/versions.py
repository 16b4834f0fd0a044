"""Releases and settings of django-celery-beat with which a row that is written correctly still runs wrongly."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

PACKAGE = "django-celery-beat"
_FAULTY_RELEASES = {
    "2.8.0": "django-celery-beat 2.8.0 does not run crontabs that carry another time zone than beat's own, and never makes good"
    " a missed notice of a change: update beat to 2.8.1 or newer, or stay on 2.7",
}
_ZONES_IGNORED = (
    "DJANGO_CELERY_BEAT_TZ_AWARE is False in the Django settings: beat runs every crontab in its own zone, whatever zone the"
    " specs and the rows name"
)


def warnings() -> tuple[str, ...]:
    """Return what is wrong with the installed django-celery-beat, and with how this project sets it."""
    from django.conf import settings

    texts = []
    with suppress(PackageNotFoundError):
        texts.append(_FAULTY_RELEASES.get(version(PACKAGE)))
    if not getattr(settings, "DJANGO_CELERY_BEAT_TZ_AWARE", True):
        texts.append(_ZONES_IGNORED)
    return tuple(text for text in texts if text)
