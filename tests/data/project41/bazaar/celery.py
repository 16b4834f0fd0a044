import os
from datetime import timedelta

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bazaar.settings")

app = Celery("bazaar")
app.config_from_object("django.conf:settings", namespace="CELERY")


def work(*args: object, **kwargs: object) -> None:
    """Do nothing."""


for name in ("tick", "poll", "refresh", "purge", "report", "bill", "close", "call"):
    app.task(work, name=f"bazaar.{name}")


# The schedules, until they are moved:
@app.on_after_finalize.connect
def add_schedules(sender: Celery, **_: object) -> None:
    tasks = sender.tasks
    sender.add_periodic_task(1.0, tasks["bazaar.tick"].s("code"), name="code.tick")
    sender.add_periodic_task(timedelta(minutes=10), tasks["bazaar.refresh"].s(), name="code.refresh")
    sender.add_periodic_task(crontab(minute=45, hour=23), tasks["bazaar.report"].s(day="today"), name="code.report")
    sender.add_periodic_task(crontab(minute="5,35"), tasks["bazaar.poll"].s(), name="code.poll", queue="slow")
    sender.add_periodic_task(crontab(minute=0, hour="*/3"), tasks["bazaar.purge"].s(7))
