"""What reviewers, programs and CI are shown, whole, as golden files in `tests/data/reports`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator

from beatsync.plan.diff import make_plan
from beatsync.plan.drift import states
from beatsync.plan.jsonform import plan_json, plan_lines
from beatsync.plan.model import Blocked, Plan
from beatsync.plan.observed import Suspension
from beatsync.report import diagnostics, plan, status
from beatsync.specfile import ParseOptions, crontab, parse_file
from beatsync.published import read_schema
from beatsync.values import Clocked, Interval, OnRemove, Policy, Revision, SourceFile
from tests.builders import NOW, declared, desired, observed, owned, request, row
from tests.golden import DATA, compare

REPORTS = DATA / "reports"
BROKEN = """\
defalts: {queue: a}
schedules:
  nightly: {task: shop.bill, crontab: "0 25 * * 9"}
  tick|tock: {task: shop.tick, interval: 100%}
  "bell\\u0007": {task: shop.ring, interval: 30s, kwargs: {password: [hunter2, yes]}}
  friday-13: {task: shop.fear, crontab: "0 0 13 * fri"}
"""


def everything() -> Plan:
    """A plan with each action, cause, note and condition."""
    weekdays = crontab.from_expression("30 2 * * mon-fri", "Europe/Berlin")
    now_daily = crontab.from_expression("0 11 * * *", "Europe/Berlin")
    secret = Policy(sensitive=("kwargs.iban",))
    created = declared(
        "create",
        policy=secret,
        schedule=weekdays,
        kwargs='{"iban": "DE1", "note": "a`b"}',
        description="Zwölf | *",
        queue="q",
    )
    updated = declared(
        "update",
        schedule=Interval(30, "seconds"),
        expire_seconds=30,
        enabled=True,
        kwargs='{"limits": {"high": 2, "low": 1.0, "since": null}, "region": "eu", "token": "new", "x\\ny": []}',
        headers='{"password": "same", "trace": [1, 2]}',
    )
    was = declared(
        "update",
        schedule=Interval(1, "minutes"),
        kwargs='{"gone": {"a": 1}, "limits": {"high": 2, "low": 1}, "region": "eu", "token": "old"}',
        headers='{"password": "same", "trace": [1]}',
    )
    daily = declared("moved", schedule=now_daily)
    daily_was = declared("moved", schedule=crontab.from_expression("0 3 * * *", "Europe/Berlin"))
    adopted, paused, ended = (
        declared("adopt"),
        declared("paused"),
        declared("ended", schedule=Clocked(NOW), one_off=True),
    )
    renamed = declared("renamed", policy=Policy(renamed_from="old name"))
    deleted, disabled = declared("delete"), declared("disable", policy=Policy(on_remove=OnRemove.DISABLE))
    kept, protected = (
        declared("keep", policy=Policy(on_remove=OnRemove.KEEP)),
        declared("protected", policy=Policy(protect=True)),
    )
    gone = declared("deleted by hand")
    return make_plan(
        desired(created, updated, daily, adopted, paused, ended, renamed, gone, environment="production"),
        observed(
            row(was, 1, queue="slow", enabled=False),
            row(daily_was, 2, last_run_at=NOW - timedelta(hours=9)),
            row(adopted, 3, queue="theirs"),
            row(paused, 4, enabled=False),
            row(ended, 5, enabled=False),
            row(declared("old name"), 6),
            row(deleted, 7),
            row(disabled, 8),
            row(kept, 9),
            row(protected, 10),
            inventory=(
                owned(was, 1), owned(daily_was, 2), owned(paused, 4), owned(ended, 5), owned(declared("old name"), 6),
                owned(deleted, 7), owned(disabled, 8), owned(kept, 9), owned(protected, 10), owned(gone, 11),
            ),
        ),
        request(adopt=True, catch_up=True),
    )  # fmt: skip


def stopped() -> Plan:
    """A plan that every kind of guard stops, and more conflicts than anybody reads."""
    names = [f"job-{number:02}" for number in range(30)]
    rows = [row(declared(name), number + 1) for number, name in enumerate(names)]
    left = [declared(name) for name in ("a", "b", "c", "d", "e*f")]
    return make_plan(
        desired(*map(declared, names)),
        observed(
            *rows,
            *(row(one, number + 100) for number, one in enumerate(left)),
            inventory=tuple(owned(one, number + 100) for number, one in enumerate(left)),
            suspension=Suspension(
                "ann@host", "the move of @billing", NOW - timedelta(hours=1), NOW + timedelta(hours=1)
            ),
        ),
        request(),
    )


def isolated() -> Plan:
    """A plan around a file with faults."""
    read = parse_file(SourceFile("broken.yaml", BROKEN.encode()), ParseOptions())
    good = declared("good", path="good.yaml")
    return make_plan(desired(good, diagnostics=read.diagnostics), observed(), request(isolate=True))


def nothing() -> Plan:
    """A plan that changes nothing, of a commit."""
    one = declared()
    told = request()
    return Plan(told.source, Revision("0" * 64, "3f2a1c9"), unchanged=make_plan(
        desired(one), observed(row(one), inventory=(owned(one),)), told
    ).unchanged)  # fmt: skip


PLANS = {made.__name__: made for made in (everything, stopped, isolated, nothing)}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_for_a_reviewer(name: str) -> None:
    made = PLANS[name]()
    refused = bool(made.blocked)
    compare(REPORTS / f"plan-{name}.txt", "\n".join(plan.text_report(made, applied=False, refused=refused)) + "\n")
    compare(REPORTS / f"plan-{name}.md", plan.markdown_report(made, applied=False, refused=refused) + "\n")


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_for_programs(name: str) -> None:
    text = "\n".join(plan.json_report(PLANS[name](), applied=False))
    Draft202012Validator(read_schema("plan")).validate(json.loads(text))
    compare(REPORTS / f"plan-{name}.json", text + "\n")


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_in_blocks_of_lines_is_the_same_json(name: str) -> None:
    made = PLANS[name]()
    whole = {**plan_json(made, applied=True), "more": [1]}
    assert "\n".join(plan_lines(made, applied=True, more=[1])) == json.dumps(whole, indent=2, ensure_ascii=False)


def test_what_was_done() -> None:
    compare(REPORTS / "sync-everything.txt", "\n".join(plan.text_report(everything(), applied=True)) + "\n")


def test_no_report_of_a_plan_shows_what_is_secret() -> None:
    made = everything()
    for text in (
        "\n".join(plan.text_report(made, applied=False)),
        plan.markdown_report(made, applied=False),
        "\n".join(plan.json_report(made, applied=False)),
    ):
        assert "DE1" not in text
        assert "***" in text


def test_what_has_one_mend_is_told_it_once() -> None:
    made = stopped()
    assert len([one for one in made.blocked if one.code == "conflict"]) == 30
    text = "\n".join(plan.text_report(made, applied=False, refused=True))
    assert text.count("--adopt takes it over") == 1
    assert "and 10 more of the kind" in text
    apart = Plan("s", Revision("0"), blocked=(Blocked("a", "one", hint="x"), Blocked("b", "two", hint="x")))
    assert "\n".join(plan.text_report(apart, applied=False)).count("hint: x") == 2


def test_a_plan_of_thousands_is_a_comment_that_a_server_takes() -> None:
    many = [declared(f"job-{number:05}", description="x" * 100) for number in range(5000)]
    faults = parse_file(
        SourceFile("faults.yaml", b"".join(b"k%d: 1\n" % number for number in range(500))), ParseOptions()
    )
    made = make_plan(desired(*many, diagnostics=faults.diagnostics), observed(), request(isolate=True))
    text = plan.markdown_report(made, applied=False)
    assert len(text) < 65_536
    assert "**5,000 to create" in text
    shown = text.count("\n+ job-")
    assert f"\n{5000 - shown:,} more changes have no room here.\n" in text
    assert f"\n- and {len(faults.diagnostics) - 50:,} more, which `validate` tells" in text
    assert "\n".join(plan.text_report(made, applied=False)).count("\n  + job-") == 5000


def checked() -> diagnostics.Checked:
    read = parse_file(SourceFile("broken.yaml", BROKEN.encode()), ParseOptions())
    return diagnostics.Checked(2, len(read.schedules), read.diagnostics, ["broken.yaml", "fine.yaml"])


FORMATS: dict[str, Callable[[diagnostics.Checked], str]] = {
    "txt": diagnostics.text_report,
    "json": diagnostics.json_report,
    "github": diagnostics.github_report,
    "sarif": lambda found: diagnostics.sarif_report(found, "1.2.3"),
    "xml": diagnostics.junit_report,
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_wrong(suffix: str) -> None:
    text = FORMATS[suffix](checked())
    assert "hunter2" not in text
    compare(REPORTS / f"validate.{suffix}", text + "\n")


def test_how_the_sources_stand() -> None:
    drifted, paused, gone = declared("drifted", kwargs='{"token": "a"}'), declared("paused"), declared("gone")
    seen = observed(
        row(drifted, 1, queue="slow", kwargs='{"token": "b"}'),
        row(paused, 2, enabled=False),
        inventory=(owned(drifted, 1), owned(paused, 2), owned(gone, 3)),
    )
    sources = [
        status.SourceStatus(
            "shop", "git@host:shop#schedules.d", Revision("0" * 64, "3f2a1c9"), "production", NOW, "blocked",
            "too many deletions", states(seen, NOW), Suspension("ann@host", "a move", NOW), "pod-1",
            {1: "changed by ann in the admin on 2026-06-01"},
        ),
        status.SourceStatus("new", None, None, None, None, "", "", ()),
    ]  # fmt: skip
    text = status.json_report(sources)
    Draft202012Validator(read_schema("status")).validate(json.loads(text))
    compare(REPORTS / "status.json", text + "\n")
    compare(REPORTS / "status.txt", status.text_report(sources) + "\n")


def test_of_more_new_rows_than_anybody_reads_the_first_are_told_and_all_other_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "_MOST_NEW", 2)
    kept = declared("job-9", task="changed")
    named = [*(declared(f"job-{number}") for number in range(5)), kept]
    made = make_plan(
        desired(*named), observed(row(declared("job-9"), 1), inventory=(owned(declared("job-9"), 1),)), request()
    )
    lines = "\n".join(plan.text_report(made, applied=False)).splitlines()
    assert [line for line in lines if line[:3] in {"  +", "  ~", "  a"}] == [
        "  + job-0", "  + job-1", "  ~ job-9", "  and 3 more that are new; `--format json` tells all",
    ]  # fmt: skip
    assert lines[-1] == "5 to create, 1 to update, 0 unchanged."


def test_the_status_of_thousands_can_be_read() -> None:
    named = [declared(f"job-{number:04}") for number in range(5000)]
    rows = [row(one, number, enabled=False) for number, one in enumerate(named, 1)]
    seen = observed(*rows, inventory=tuple(owned(one, number) for number, one in enumerate(named, 1)))
    shop = status.SourceStatus("shop", None, None, None, None, "applied", "", states(seen, NOW))
    (line,) = (line for line in status.text_report([shop]).splitlines() if "paused" in line)
    assert line.endswith("job-0018, job-0019 and 4,980 more")
    assert len(json.loads(status.json_report([shop]))["sources"][0]["conditions"]) == 5000


def test_nothing_is_expected_of_a_report_that_is_gone() -> None:
    wanted = {f"plan-{name}.{suffix}" for name in PLANS for suffix in ("txt", "md", "json")}
    wanted |= {"sync-everything.txt", "status.json", "status.txt", *(f"validate.{suffix}" for suffix in FORMATS)}
    assert {path.name for path in REPORTS.iterdir()} == wanted, "remove what no report needs"
