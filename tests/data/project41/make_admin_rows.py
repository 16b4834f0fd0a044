"""Make the 15 rows that people made in the admin over the years: with the checks that the admin's form makes."""

from datetime import datetime, timedelta, timezone

import django

django.setup()

from django_celery_beat.models import (  # noqa: E402  needs Django to be set up
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

NOW = datetime.now(timezone.utc).replace(microsecond=0)
SECOND = {"interval": IntervalSchedule.objects.get_or_create(every=1, period="seconds")[0]}
HALF_HOUR = {"interval": IntervalSchedule.objects.get_or_create(every=30, period="minutes")[0]}


def crontab(text: str, zone: str = "Europe/Berlin") -> dict[str, object]:
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    values = {**dict(zip(fields, text.split(), strict=True)), "timezone": zone}
    return {"crontab": CrontabSchedule.objects.get_or_create(**values)[0]}


def at(time: datetime) -> dict[str, object]:
    return {"clocked": ClockedSchedule.objects.get_or_create(clocked_time=time)[0], "one_off": True}


def make(name: str, task: str, schedule: dict[str, object], **fields: object) -> None:
    row = PeriodicTask(name=name, task=f"bazaar.{task}", **schedule, **fields)
    row.full_clean()
    row.save()


make("admin tick", "tick", SECOND, args='["admin"]')
make("Morning report", "report", crontab("0 8 * * mon-fri"), queue="reports", description="for Åsa, ask her first")
make("Tokyo report", "report", crontab("0 8 * * 1-5", "Asia/Tokyo"), kwargs='{"country": "no", "hours": 8}')
make("last days", "close", crontab("0 22 28-31 * *"), expire_seconds=1800)
make("paused poll", "poll", HALF_HOUR, enabled=False)
make("paused purge", "purge", crontab("0 1 * * sun"), enabled=False, description="off until the archive is fixed")
make("paused call", "call", HALF_HOUR, enabled=False, kwargs='{"retries": 3}')
make("backfill 2023", "refresh", HALF_HOUR, one_off=True, enabled=False)
make("campaign 2023", "call", at(NOW - timedelta(days=500)))
make("campaign next", "call", at(NOW + timedelta(days=400)), kwargs='{"list": "all"}')
make("call partner", "call", HALF_HOUR, kwargs='{"url": "https://partner.example", "password": "t0p-of-admin"}')
make("routed", "poll", HALF_HOUR, exchange="work", routing_key="work.poll", priority=5, headers='{"x-team": "ops"}')
make("until 2090", "poll", HALF_HOUR, expires=datetime(2090, 1, 1, tzinfo=timezone.utc))
make("from next year", "refresh", HALF_HOUR, start_time=NOW + timedelta(days=365))
solar, _ = SolarSchedule.objects.get_or_create(event="sunset", latitude="52.520000", longitude="13.405000")
make("lights", "poll", {"solar": solar})
# As years of beat and people leave them.
PeriodicTask.objects.update(date_changed=NOW - timedelta(days=90))
PeriodicTask.objects.filter(name="backfill 2023").update(total_run_count=1, last_run_at=NOW - timedelta(days=300))
PeriodicTask.objects.filter(name="Morning report").update(total_run_count=411, last_run_at=NOW - timedelta(hours=20))
