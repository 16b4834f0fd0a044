import os

import dj_database_url

SECRET_KEY = "tests"
DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django_celery_beat", "beatsync"]
DATABASES = {"default": dj_database_url.parse(os.environ["PROJECT_DATABASE_URL"])}
CELERY_BROKER_URL = os.environ.get("PROJECT_BROKER_URL", "memory://")
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": os.environ.get("PROJECT_PREFIX", "")}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "Europe/Berlin"
BEATSYNC = {}
