"""What of a crontab, a CronJob and sidekiq-cron maps, and what is listed instead."""

from __future__ import annotations

import pytest

from beatsync.convert.crontabs import convert_crontab
from beatsync.convert.kubernetes import convert_kubernetes
from beatsync.convert.remarks import Conversion
from beatsync.convert.sidekiq import convert_sidekiq
from beatsync.specfile.placeholders import TASK
from beatsync.specfile.problems import SpecError
from beatsync.specfile.write import document

CRONTAB = b"""\
MAILTO=ops@example.com
CRON_TZ="Europe/Berlin"
# Sends the invoices.
30 2 * * 1-5  cd /srv && celery -A shop call shop.tasks.bill --kwargs='{"dry_run": false}' --queue billing --expires=60

*/5 * * * *   /srv/venv/bin/python manage.py clear_sessions >/dev/null 2>&1
@daily        /usr/local/bin/backup.sh --password=hunter2
0 0 * * 7     /usr/local/bin/backup.sh
CRON_TZ=UTC
0 6 1,15 * *  report
@reboot       warm-up
0 0 13 * 5    friday
0 25 * * *    never
* * * *
"""


def test_a_crontab() -> None:
    conversion = convert_crontab(CRONTAB, None)
    conversion.hide_secrets()
    assert (
        document(conversion.entries)
        == f"""\
version: 1
defaults:
  timezone: Europe/Berlin
schedules:
  backup:
    task: "{TASK}"
    crontab: "0 0 * * *"
    description: "crontab: /usr/local/bin/backup.sh --password=<fill-in:secret>"
  backup-2:
    task: "{TASK}"
    crontab: "0 0 * * sun"
    description: "crontab: /usr/local/bin/backup.sh"
  bill:
    task: shop.tasks.bill
    crontab: "30 2 * * mon-fri"
    kwargs: {{dry_run: false}}
    queue: billing
    expire_seconds: 1m
    description: |-
      Sends the invoices.
      crontab: cd /srv && celery -A shop call shop.tasks.bill --kwargs='{{"dry_run": false}}' --queue billing --expires=60
  clear_sessions:
    task: "{TASK}"
    crontab: "*/5 * * * *"
    description: "crontab: /srv/venv/bin/python manage.py clear_sessions >/dev/null 2>&1"
  report:
    task: "{TASK}"
    crontab: "0 6 1,15 * *"
    timezone: UTC
    description: "crontab: report"
"""
    )
    refused = dict(conversion.refused)
    assert sorted(refused) == ["friday", "job", "never", "warm-up"]
    assert refused["friday"].startswith("crontab(5) runs it on days that match either day field")
    assert refused["warm-up"].startswith("@reboot has no time")
    assert [name for name, text in conversion.notes if text == "needs the name of its celery task"] == [
        "backup", "backup-2", "clear_sessions", "report",
    ]  # fmt: skip
    assert conversion.without_zone == 0


def test_a_system_crontab_names_users_and_a_missing_zone_is_counted() -> None:
    conversion = convert_crontab(b"17 * * * * root cd / && run-parts --report /etc/cron.hourly\n", None, has_user=True)
    [entry] = conversion.entries
    assert (entry.spec.name, conversion.without_zone) == ("run-parts", 1)
    assert convert_crontab(b"0 0 * * * x\n", "Asia/Tokyo").without_zone == 0


JOBS = b"""\
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "30 2 * * ?"
  timeZone: Europe/Berlin
  startingDeadlineSeconds: 300
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          containers: [{name: a, command: [celery], args: [-A, shop, call, shop.tasks.bill, --args, "[1]"]}]
---
kind: List
items:
  - {kind: CronJob, metadata: {name: paused}, spec: {schedule: "@hourly", suspend: true}}
  - {kind: CronJob, metadata: {name: both}, spec: {schedule: "0 0 1 * 1"}}
  - {kind: CronJob, metadata: {name: broken}, spec: null}
  - {kind: Service, metadata: {name: other}}
"""


def test_cron_jobs_of_kubernetes() -> None:
    conversion = convert_kubernetes(JOBS, None)
    assert (
        document(conversion.entries)
        == f"""\
version: 1
schedules:
  nightly:
    task: shop.tasks.bill
    crontab: "30 2 * * *"
    timezone: Europe/Berlin
    args: [1]
    expire_seconds: 5m
    description: "CronJob: celery -A shop call shop.tasks.bill --args [1]"
  paused:
    task: "{TASK}"
    crontab: "0 * * * *"
    timezone: UTC
    enabled: false  # was suspended
"""
    )
    assert [name for name, _ in conversion.refused] == ["both", "broken"]
    assert ("nightly", "loses concurrencyPolicy: Forbid, which beat does not have") in conversion.notes
    assert conversion.without_zone == 1


SIDEKIQ = b"""\
bill:
  cron: "30 2 * * 1-5 Europe/Berlin"
  class: BillWorker
  queue: billing
  args: [1, {a: b}]
  description: Sends the invoices.
hourly: {cron: "0 0 * * * *", class: Hourly, args: "x", active_job: true}
often: {cron: every 15 minutes, class: Often, status: disabled}
ten: {cron: "*/10 * * * * *", class: Ten}
words: {cron: every monday at noon, class: Words}
"""


def test_the_schedule_of_sidekiq_cron() -> None:
    conversion = convert_sidekiq(SIDEKIQ, "UTC")
    assert (
        document(conversion.entries)
        == f"""\
version: 1
defaults:
  timezone: UTC
schedules:
  bill:
    task: "{TASK}"
    crontab: "30 2 * * mon-fri"
    timezone: Europe/Berlin
    args: [1, {{a: b}}]
    queue: billing
    description: |-
      Sends the invoices.
      sidekiq-cron: BillWorker
  hourly:
    task: "{TASK}"
    crontab: "0 * * * *"
    args: [x]
    description: "sidekiq-cron: Hourly"
  often:
    task: "{TASK}"
    crontab: "*/15 * * * *"
    enabled: false  # was disabled
    description: "sidekiq-cron: Often"
"""
    )
    assert [name for name, _ in conversion.refused] == ["ten", "words"]
    assert ("hourly", "loses its key active_job") in conversion.notes


def test_a_list_of_sidekiq_jobs_and_names_that_occur_twice() -> None:
    conversion = convert_sidekiq(
        b"- {name: a, cron: '0 1 * * *', class: A}\n- {name: a, cron: '0 2 * * *', klass: B}\n", None
    )
    assert (conversion.names, conversion.without_zone) == (["a", "a-2"], 2)


@pytest.mark.parametrize("data", [b"{", b"\xff", b"a: *b", b"[" * 99])
def test_a_file_that_is_no_yaml_is_refused(data: bytes) -> None:
    for convert in (convert_kubernetes, convert_sidekiq):
        with pytest.raises(SpecError):
            convert(data, None)


@pytest.mark.parametrize(
    "data",
    [b"", b"a", b"[]", b"[1]", b"{a: 1}", b"kind: CronJob", b"items: [x, {kind: CronJob, spec: {schedule: [1]}}]"],
)
def test_a_file_of_another_shape_has_no_jobs_and_raises_nothing(data: bytes) -> None:
    results: list[Conversion] = [
        convert_kubernetes(data, None),
        convert_sidekiq(data, None),
        convert_crontab(data, None),
    ]
    assert not [result.entries for result in results if result.entries]
