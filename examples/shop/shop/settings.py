"""A minimal Django project with django-celery-beat and BeatSync."""

import os

import dj_database_url

SECRET_KEY = "an example has no secrets"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django_celery_beat", "beatsync"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DATABASE", "shop.sqlite3"),
        "OPTIONS": {"timeout": 30},
    }
}
if "SHOP_DATABASE_URL" in os.environ:
    DATABASES["default"] = dj_database_url.config("SHOP_DATABASE_URL")
CELERY_BROKER_URL = os.environ.get("SHOP_BROKER", "memory://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "Europe/Berlin"
# Defaults for the command line.
BEATSYNC = {"SOURCE": "shop"}
