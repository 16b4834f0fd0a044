"""Settings of a project with the Django admin, and with one of the packages that change it (`BEATSYNC_TEST_SKIN`)."""

from __future__ import annotations

import os

SKIN = os.environ.get("BEATSYNC_TEST_SKIN", "")
SKINS = {
    "": [],
    "unfold": ["unfold"],
    "jazzmin": ["jazzmin"],
    "grappelli": ["grappelli"],
    "import_export": ["import_export"],
    "simple_history": ["simple_history"],
}

SECRET_KEY = "only for tests"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("BEATSYNC_TEST_SITE", ":memory:"),
    }
}
IS_LATE = SKIN == "import_export"
"""Whether `urls.py` registers the admin of tasks, after every app is ready."""
IS_FIRST = SKIN not in {"jazzmin", "simple_history"}
"""Whether BeatSync comes before the apps whose admins it wraps."""
INSTALLED_APPS = [
    *(["beatsync"] if IS_FIRST else []),
    *SKINS[SKIN],
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "tests.web.shop",
    *([] if IS_FIRST else ["beatsync"]),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
if SKIN == "simple_history":
    MIDDLEWARE.append("simple_history.middleware.HistoryRequestMiddleware")
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "tests.web.urls"
STATIC_URL = "/static/"
ALLOWED_HOSTS = ["testserver"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TIMEZONE = "UTC"
BEATSYNC: dict[str, object] = {}
