"""Log into the Django admin as alice and edit a managed task anyway: another queue. Usage: edit_in_admin.py NAME QUEUE."""

from __future__ import annotations

import sys
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402  needs Django to be set up
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django_celery_beat.models import PeriodicTask  # noqa: E402


def main() -> None:
    name, queue = sys.argv[1:]
    setup_test_environment()  # without it, responses have no context
    users: Any = get_user_model()._default_manager
    alice = users.filter(username="alice").first() or users.create_superuser("alice", "alice@example.org", "secret")
    client = Client()
    client.force_login(alice)
    task = PeriodicTask.objects.get(name=name)
    url = f"/admin/django_celery_beat/periodictask/{task.pk}/change/?beatsync_edit=1"
    form = client.get(url).context["adminform"].form
    data = {field: value for field, value in form.initial.items() if value is not None and value is not False}
    data |= {"queue": queue, "regtask": task.task, "beatsync_reason": "the workers are down", "_save": "Save"}
    response = client.post(url, data)
    if response.status_code != 302:
        sys.exit(f"the form was refused: {response.context['adminform'].form.errors}")


main()
