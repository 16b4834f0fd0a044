from typing import Any, ClassVar

from django.db import migrations

CRONTAB = {"day_of_month": "*", "month_of_year": "*", "day_of_week": "*", "timezone": "Europe/Berlin"}


def add_schedules(apps: Any, _: object) -> None:
    intervals, crontabs, tasks = (
        apps.get_model("django_celery_beat", name) for name in ("IntervalSchedule", "CrontabSchedule", "PeriodicTask")
    )
    second, _ = intervals.objects.get_or_create(every=1, period="seconds")
    hours, _ = intervals.objects.get_or_create(every=12, period="hours")
    night, _ = crontabs.objects.get_or_create(minute="10", hour="3", **CRONTAB)
    utc, _ = crontabs.objects.get_or_create(minute="10", hour="3", **{**CRONTAB, "timezone": "UTC"})
    tasks.objects.create(name="migration.tick", task="bazaar.tick", interval=second, args='["migration"]')
    tasks.objects.create(name="migration.close", task="bazaar.close", interval=hours, description="since 2021")
    tasks.objects.create(name="migration.bill", task="bazaar.bill", crontab=night, kwargs='{"dry_run": false}')
    tasks.objects.create(name="migration.bill-utc", task="bazaar.bill", crontab=utc, queue="billing")
    tasks.objects.create(name="migration.off", task="bazaar.report", crontab=night, enabled=False)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("django_celery_beat", "0018_improve_crontab_helptext")]
    operations: ClassVar = [migrations.RunPython(add_schedules, migrations.RunPython.noop)]
