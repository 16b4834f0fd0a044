import os

import dj_database_url

if os.environ["PROJECT_DATABASE_URL"].startswith("mysql:"):
    import pymysql

    pymysql.install_as_MySQLdb()

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

# For the tests that need a person: the admin with all that it wants.
if os.environ.get("PROJECT_ADMIN"):
    INSTALLED_APPS += [
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
    ]
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
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
    ROOT_URLCONF = "proj.urls"
    STATIC_URL = "/static/"
    ALLOWED_HOSTS = ["testserver"]
