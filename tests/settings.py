"""Django settings for the tests and for mypy's Django plugin; `tests/conftest.py` fills in the databases."""

from __future__ import annotations

SECRET_KEY = "only for tests"
INSTALLED_APPS = ["django_celery_beat", "beatsync"]
DATABASES: dict[str, dict[str, object]] = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
TIME_ZONE = "UTC"
