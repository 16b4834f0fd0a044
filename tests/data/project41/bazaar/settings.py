import os
from datetime import timedelta

import dj_database_url
from celery.schedules import crontab, solar

SECRET_KEY = "tests"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django_celery_beat", "beatsync", "bazaar"]
DATABASES = {"default": dj_database_url.parse(os.environ["PROJECT_DATABASE_URL"])}
CELERY_BROKER_URL = "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "Europe/Berlin"
BEATSYNC = {"SOURCE": "bazaar"}

# The schedules, until they are moved:
CELERY_BEAT_SCHEDULE = {
    "settings.tick": {"task": "bazaar.tick", "schedule": 1.0, "args": ("settings",)},
    "settings.poll": {"task": "bazaar.poll", "schedule": 30},
    "settings.refresh": {"task": "bazaar.refresh", "schedule": timedelta(minutes=5)},
    "settings.purge": {"task": "bazaar.purge", "schedule": timedelta(days=1), "kwargs": {"days": 30}},
    "settings.hourly": {"task": "bazaar.report", "schedule": crontab(minute=0)},
    "settings.nightly": {"task": "bazaar.bill", "schedule": crontab(minute=30, hour=2)},
    "settings.weekdays": {"task": "bazaar.bill", "schedule": crontab(minute="15", hour="9", day_of_week="mon-fri")},
    "settings.quarters": {"task": "bazaar.poll", "schedule": crontab(minute="*/15")},
    "settings.monthly": {"task": "bazaar.close", "schedule": crontab(minute=0, hour=4, day_of_month=1)},
    "settings.yearly": {"task": "bazaar.close", "schedule": crontab(0, 5, day_of_month=1, month_of_year=1)},
    "settings.busy": {"task": "bazaar.poll", "schedule": crontab(minute="*/5", hour="8-17", day_of_week="1,3,5")},
    "settings.queued": {"task": "bazaar.bill", "schedule": timedelta(hours=6), "options": {"queue": "billing"}},
    "settings.urgent": {"task": "bazaar.poll", "schedule": timedelta(minutes=1), "options": {"priority": 9}},
    "settings.dawn": {"task": "bazaar.purge", "schedule": solar("sunrise", 52.52, 13.405)},
    "settings.call": {"task": "bazaar.call", "schedule": 3600, "kwargs": {"api_token": "t0p-of-settings"}},
}
