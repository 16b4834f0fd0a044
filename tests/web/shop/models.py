"""With django-simple-history, the history of the tasks is kept in a model of this app."""

from __future__ import annotations

from tests.web.site import SKIN

if SKIN == "simple_history":
    from django_celery_beat.models import PeriodicTask
    from simple_history import register

    register(PeriodicTask, app="tests.web.shop")
