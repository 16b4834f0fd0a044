"""Reports in every format, compared with the snapshots in `tests/data/reports`; `BEATSYNC_RENEW=1` renews them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator

from beatsync.plan.drift import states
from beatsync.plan.groups import row_counts
from beatsync.plan.jsonform import change_json, plan_lines
from beatsync.plan.model import Blocked, Plan
from beatsync.published import read_schema
from beatsync.report import github, jsonout, junit, markdown, sarif, text
from beatsync.report.summary import refusal_text
from beatsync.report.values import SourceStatus, ValidationResult
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.values import Revision, SourceFile
from tests.builders import NOW, declared, desired, observed, owned, request, row
from tests.golden import DATA, compare
from tests.report import samples

REPORTS = DATA / "reports"
PLANS = {
    sample.__name__: sample
    for sample in (samples.everything, samples.stopped, samples.isolated, samples.nothing, samples.grouped)
}
VALIDATIONS: dict[str, Callable[[ValidationResult], str]] = {
    "txt": text.render_validation,
    "json": jsonout.render_validation,
    "github": github.render_validation,
    "sarif": lambda result: sarif.render_validation(result, "1.2.3"),
    "xml": junit.render_validation,
}


def plan_text(plan: Plan, *, applied: bool = False, refusal: str = "") -> str:
    return "\n".join(text.render_plan(plan, applied=applied, refusal=refusal))


def refusal(plan: Plan) -> str:
    return refusal_text(plan, is_sync=False) if plan.blocked else ""


def plan_json_text(plan: Plan) -> str:
    return "\n".join(jsonout.render_plan(plan, applied=False))


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_as_text(name: str) -> None:
    plan = PLANS[name]()
    compare(REPORTS / f"plan-{name}.txt", plan_text(plan, refusal=refusal(plan)) + "\n")


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_as_markdown(name: str) -> None:
    plan = PLANS[name]()
    comment = markdown.render_plan(plan, applied=False, refusal=refusal(plan))
    compare(REPORTS / f"plan-{name}.md", comment + "\n")


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_as_json(name: str) -> None:
    document = plan_json_text(PLANS[name]())
    Draft202012Validator(read_schema("plan")).validate(json.loads(document))
    compare(REPORTS / f"plan-{name}.json", document + "\n")


@pytest.mark.parametrize("name", PLANS)
def test_the_blocks_of_lines_of_a_plan_are_one_json_document(name: str) -> None:
    plan = PLANS[name]()
    lines = "\n".join(plan_lines(plan, applied=True, more=[1]))
    document = json.loads(lines)
    assert lines == json.dumps(document, indent=2, ensure_ascii=False)
    assert document["changes"] == [change_json(change, row_counts(plan)) for change in plan.changes]
    assert (document["applied"], document["more"]) == (True, [1])


def test_an_applied_plan_as_text() -> None:
    compare(REPORTS / "sync-everything.txt", plan_text(samples.everything(), applied=True) + "\n")


@pytest.mark.parametrize("suffix", VALIDATIONS)
def test_a_validation_in_every_format(suffix: str) -> None:
    report = VALIDATIONS[suffix](samples.validation())
    assert "hunter2" not in report
    compare(REPORTS / f"validate.{suffix}", report + "\n")


def test_the_status_of_sources_as_text() -> None:
    compare(REPORTS / "status.txt", text.render_status(samples.sources(), unowned=samples.unowned()) + "\n")


def test_the_status_of_sources_as_json() -> None:
    document = jsonout.render_status(samples.sources(), samples.unowned())
    Draft202012Validator(read_schema("status")).validate(json.loads(document))
    compare(REPORTS / "status.json", document + "\n")


def test_the_rows_of_schedules() -> None:
    lines = text.render_plan(samples.grouped(), applied=False, with_rows=True)
    compare(REPORTS / "plan-rows.txt", "\n".join(lines) + "\n")
    compare(REPORTS / "status-rows.txt", text.render_status(samples.sources(), with_rows=True) + "\n")
    compare(REPORTS / "plan-rows.md", markdown.render_plan(samples.grouped(), applied=False, with_rows=True) + "\n")


def test_every_snapshot_belongs_to_a_report() -> None:
    expected = {f"plan-{name}.{suffix}" for name in PLANS for suffix in ("txt", "md", "json")}
    expected |= {
        "plan-rows.txt",
        "plan-rows.md",
        "status-rows.txt",
        "sync-everything.txt",
        "status.json",
        "status.txt",
        *(f"validate.{suffix}" for suffix in VALIDATIONS),
    }
    unused = {path.name for path in REPORTS.iterdir()} - expected
    assert not unused, f"delete these from tests/data/reports: {sorted(unused)}"


def test_secrets_are_masked_in_every_format() -> None:
    plan = samples.everything()
    for report in (plan_text(plan), markdown.render_plan(plan, applied=False), plan_json_text(plan)):
        assert "DE1" not in report
        assert "***" in report


def test_reasons_with_the_same_fix_show_it_once() -> None:
    plan = samples.stopped()
    assert len([blocked for blocked in plan.blocked if blocked.code == "conflict"]) == 30
    report = plan_text(plan, refusal="Blocked")
    assert report.count("takes ownership of it") == 1
    assert "and 10 more with the same code" in report


def test_reasons_with_different_codes_show_the_fix_each() -> None:
    blocked = (Blocked("a", "first", hint="x"), Blocked("b", "second", hint="x"))
    assert plan_text(Plan("s", Revision("0"), blocked=blocked)).count("hint: x") == 2


def test_a_plan_of_thousands_fits_into_a_comment_on_github() -> None:
    new = [declared(f"job-{number:05}", description="x" * 100) for number in range(5000)]
    broken = parse_file(
        SourceFile("broken.yaml", b"".join(b"k%d: 1\n" % number for number in range(500))), ParseOptions()
    )
    plan = samples.guarded_plan(desired(*new, diagnostics=broken.diagnostics), observed(), request(isolate=True))
    comment = markdown.render_plan(plan, applied=False)
    assert len(comment) < 65_536
    assert "**5,000 to create" in comment
    shown = comment.count("\n+ job-")
    assert f"\n{5000 - shown:,} more changes are not shown: the comment would be too long.\n" in comment
    assert f"\n- and {len(broken.diagnostics) - 50:,} more; `beatsync validate` lists all of them" in comment
    assert plan_text(plan).count("\n  + job-") == 5000


def test_a_long_text_shows_the_first_new_schedules_and_every_other_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_MAX_NEW", 2)
    new = [declared(f"job-{number}") for number in range(5)]
    before, after = declared("job-9"), declared("job-9", task="changed")
    plan = samples.guarded_plan(desired(*new, after), observed(row(before), inventory=(owned(before),)), request())
    lines = plan_text(plan).splitlines()
    assert [line for line in lines if line[:3] in {"  +", "  ~", "  a"}] == [
        "  + job-0", "  + job-1", "  ~ job-9", "  and 3 more new schedules; `--format json` lists all of them",
    ]  # fmt: skip
    assert lines[-1] == "5 to create, 1 to update, 0 unchanged."


def test_the_status_of_thousands_is_short_as_text_and_complete_as_json() -> None:
    schedules = [declared(f"job-{number:04}") for number in range(5000)]
    database = observed(
        *(row(schedule, number, enabled=False) for number, schedule in enumerate(schedules, 1)),
        inventory=tuple(owned(schedule, number) for number, schedule in enumerate(schedules, 1)),
    )
    shop = SourceStatus("shop", None, None, None, None, "applied", "", states(database, NOW))
    (line,) = (line for line in text.render_status([shop]).splitlines() if "paused" in line)
    assert line.endswith("job-0018, job-0019 and 4,980 more")
    assert len(json.loads(jsonout.render_status([shop]))["sources"][0]["conditions"]) == 5000


def test_a_field_that_the_file_and_an_operator_changed_says_so() -> None:
    before, after = declared("one", queue="a"), declared("one", queue="b")
    current = observed(row(before, queue="c"), inventory=(owned(before),))
    plan = samples.guarded_plan(desired(after), current, request())
    assert '      queue  "c" → "b"  (both the file and the row changed)\n' in plan_text(plan)
    document = json.loads(plan_json_text(plan))
    Draft202012Validator(read_schema("plan")).validate(document)
    assert [(change["cause"], change["fields"][0]["cause"]) for change in document["changes"]] == [("both", "both")]
