"""What runs after a commit, and Django's signals for the rows that a sync wrote: bulk writes send none.

The signals are for projects that set `BEATSYNC["SIGNALS"]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from beatsync.plan.model import Action, Plan
from beatsync.store.tasks import writes_row


def after_commit(alias: str, callback: Callable[[], None]) -> None:
    """Call back after the commit of the current transaction; never, if it or a savepoint around this call is rolled back.

    An exception of the callback is logged by Django, and is no error of what was committed.
    """

    def run() -> None:
        # Django logs the `__qualname__` of a callback that fails, and a `partial` has none.
        callback()

    transaction.on_commit(run, using=alias, robust=True)


def send_after_commit(alias: str, plan: Plan) -> None:
    """Send `post_save` and `post_delete` for the rows of a plan after the commit of the current transaction.

    The instance of a deleted row has its key and name only.
    """
    after_commit(alias, lambda: _send(alias, plan))


def _send(alias: str, plan: Plan) -> None:
    model: Any = apps.get_model("django_celery_beat", "PeriodicTask")
    changes = {change.name: change for change in plan.changes if writes_row(change)}
    saved = [name for name, change in changes.items() if change.action is not Action.DELETE]
    rows = model._default_manager.using(alias).in_bulk(saved, field_name="name")  # noqa: SLF001
    for name, change in changes.items():
        if change.action is Action.DELETE:
            instance = model(pk=change.row_id, name=name)
            post_delete.send_robust(sender=model, instance=instance, using=alias, origin=instance)
        elif (row := rows.get(name)) is not None:
            is_new = change.action is Action.CREATE
            post_save.send_robust(
                sender=model, instance=row, created=is_new, update_fields=None, raw=False, using=alias
            )
