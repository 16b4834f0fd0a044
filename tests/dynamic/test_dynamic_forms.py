"""The form field for schedules: presets, crontabs, rules, languages and HTML."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone as django_timezone
from django.utils import translation
from django_celery_beat.models import CrontabSchedule
from hypothesis import given
from hypothesis import strategies as st

from beatsync.dynamic.forms import ScheduleField, ScheduleValue
from beatsync.dynamic.words import in_words
from beatsync.specfile import cronfield, crontab
from beatsync.values import Crontab

BERLIN = "Europe/Berlin"
EACH_PRESET = [
    ("hourly", {}, "0 * * * *"),
    ("daily", {"time": "06:30"}, "30 6 * * *"),
    ("weekdays", {"time": "00:00"}, "0 0 * * 1-5"),
    ("weekly", {"time": "23:59", "weekdays": ["0", "3"]}, "59 23 * * 0,3"),
    ("monthly", {"time": "6:05", "day": "31"}, "5 6 31 * *"),
    ("crontab", {"crontab": "*/10 8-18 * jan mon-fri"}, "*/10 8-18 * 1 1-5"),
]


def form_of(data: dict[str, Any] | None = None, initial: Any = None, **options: Any) -> forms.Form:
    """Return a form with one field, which is called `when`."""
    form_class = type("ReportForm", (forms.Form,), {"when": ScheduleField(**options)})
    form: forms.Form = form_class(data, initial={"when": initial})
    return form


def sent(preset: str = "daily", zone: str = BERLIN, **controls: Any) -> dict[str, Any]:
    """Return what a browser sends."""
    return {f"when_{name}": value for name, value in {"preset": preset, "timezone": zone, **controls}.items()}


def codes(form: forms.Form) -> list[str]:
    return [str(error.code) for error in form.errors.as_data()["when"]]


@pytest.mark.parametrize(("preset", "controls", "expression"), EACH_PRESET)
def test_a_choice_becomes_fields_and_is_shown_again(preset: str, controls: dict[str, Any], expression: str) -> None:
    form = form_of(sent(preset, **controls))
    assert form.is_valid(), form.errors
    value = form.cleaned_data["when"]
    assert value.fields == {"crontab": expression, "timezone": BERLIN}
    shown = form_of(initial=value)["when"].field.widget.decompress(value)
    again = form_of(sent(**{**shown._asdict(), "zone": shown.timezone}), initial=value)
    assert shown.preset == preset
    assert again.is_valid()
    assert again.cleaned_data["when"] == value
    assert not again.has_changed()


@pytest.mark.parametrize(
    "initial",
    [
        "30 6 * * mon",
        {"crontab": "30 6 * * 1", "timezone": BERLIN, "queue": "slow"},
        {"crontab": {"minute": 30, "hour": 6, "day_of_week": "mon"}, "timezone": BERLIN},
        CrontabSchedule(minute="30", hour="6", day_of_week="monday", timezone=BERLIN),
        Crontab("30", "6", "*", "*", "1", BERLIN),
        ScheduleValue(Crontab("30", "6", "*", "*", "1", BERLIN)),
    ],
    ids=lambda initial: type(initial).__name__,
)
def test_an_initial_value_shows_its_preset(initial: object) -> None:
    with django_timezone.override(BERLIN):
        form = form_of(initial=initial)
        shown = form["when"].field.widget.decompress(initial)
        assert shown._replace(weekdays=list(shown.weekdays)) == ("weekly", "06:30", ["1"], "", "", BERLIN)
        disabled = form_of({}, initial=initial, disabled=True)
        assert disabled.is_valid()
        assert disabled.cleaned_data["when"].fields == {"crontab": "30 6 * * 1", "timezone": BERLIN}


@pytest.mark.parametrize("initial", ["0 25 * * *", {"crontab": "0 25 * * *"}])
def test_an_invalid_initial_value_is_shown_unchanged(initial: object) -> None:
    assert 'value="0 25 * * *"' in form_of(initial=initial).as_div()


def test_a_row_that_beat_reads_differently_is_shown_unchanged() -> None:
    row = CrontabSchedule(minute="99", hour="6", timezone=BERLIN)
    assert 'value="99 6 * * *"' in form_of(initial=row).as_div()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (sent(""), ["required"]),
        ({}, ["required"]),
        (sent("yearly"), ["preset-unknown"]),
        (sent("daily"), ["time-required"]),
        (sent("daily", time="25:00"), ["clock-syntax"]),
        (sent("daily", time="6.30"), ["clock-syntax"]),
        (sent("weekly", time="06:30"), ["weekdays-required"]),
        (sent("weekly", time="06:30", weekdays=["7"]), ["weekdays-unknown"]),
        (sent("monthly", time="06:30"), ["day-required"]),
        (sent("monthly", time="06:30", day="32"), ["day-range"]),
        (sent("monthly", time="x", day="x", zone="Mars"), ["clock-syntax", "day-range", "timezone-unknown"]),
        (sent("crontab"), ["crontab-required"]),
        (sent("crontab", crontab="* * * *"), ["crontab-fields"]),
        (sent("crontab", crontab="60 x 1- * L", zone="Mars"), [
            "timezone-unknown", "crontab-range", "crontab-name", "crontab-syntax", "crontab-unsupported",
        ]),
        (sent("crontab", crontab="@reboot"), ["crontab-nickname"]),
        (sent("crontab", crontab="0 0 31 4 *"), ["crontab-never"]),
        (sent("crontab", crontab="0 0 * * *" + " " * 500), ["crontab-length"]),
    ],
)  # fmt: skip
def test_every_problem_is_reported_with_its_code(data: dict[str, Any], expected: list[str]) -> None:
    form = form_of(data)
    assert codes(form) == expected
    assert all(error for error in form.errors["when"])
    assert form.has_changed() == bool(data.get("when_preset"))


def test_what_the_form_does_not_offer_is_refused() -> None:
    options: dict[str, Any] = {"presets": ["weekly", "daily"], "allow_free": False, "timezones": [BERLIN, "UTC"]}
    assert codes(form_of(sent("monthly", time="06:30", day="1"), **options)) == ["preset-unknown"]
    assert codes(form_of(sent("crontab", crontab="@daily"), **options)) == ["preset-unknown"]
    assert codes(form_of(sent("daily", zone="Asia/Taipei", time="06:30"), **options)) == ["timezone-not-allowed"]
    html = form_of(**options).as_div()
    assert html.index('"weekly"') < html.index('"daily"')
    assert "when_day" not in html
    assert "when_crontab" not in html
    assert "Asia/Taipei" not in html


def test_an_initial_zone_that_is_not_offered_does_not_silently_become_another() -> None:
    html = form_of(initial={"crontab": "@daily", "timezone": "Asia/Taipei"}, timezones=["UTC"]).as_div()
    assert '<option value="Asia/Taipei" selected>' in html


def test_an_initial_schedule_that_is_not_offered_is_still_explained() -> None:
    html = form_of(initial="*/5 * * * *", allow_free=False).as_div()
    assert '<option value="" selected>' in html
    assert "Every 5 minutes" in html


def test_the_default_zone_is_the_current_one_of_django() -> None:
    with django_timezone.override("Asia/Taipei"):
        assert '<option value="Asia/Taipei" selected>' in form_of().as_div()
        assert '<option value="UTC" selected>' in form_of(timezones=["UTC"]).as_div()
    with django_timezone.override(timezone(timedelta(hours=8))):  # it has no IANA name
        assert '<option value="UTC" selected>' in form_of().as_div()


def test_an_optional_field_may_be_empty() -> None:
    form = form_of(sent(""), required=False)
    assert form.is_valid()
    assert form.cleaned_data["when"] is None
    assert not form.has_changed()
    assert form_of(sent(""), initial="@daily", required=False).has_changed()


class TestMinimumInterval:
    @pytest.mark.parametrize(
        ("expression", "allowed"),
        [("* * * * *", False), ("0,59 * * * *", False), ("*/15 * * * *", True), ("@daily", True)],
    )
    def test_a_crontab_that_runs_more_often_is_refused(self, expression: str, allowed: bool) -> None:
        form = form_of(sent("crontab", crontab=expression), minimum_interval=timedelta(minutes=15))
        assert form.is_valid() == allowed
        assert allowed or codes(form) == ["too-frequent"]

    def test_a_daily_run_is_daily_on_the_days_of_clock_changes_too(self) -> None:
        assert form_of(sent(time="02:30"), minimum_interval=timedelta(days=1)).is_valid()

    @pytest.mark.parametrize(
        ("minutes", "words"), [(2, "2 minutes"), (60, "1 hour"), (90, "90 minutes"), (2880, "2 days")]
    )
    def test_the_message_says_the_interval(self, minutes: int, words: str) -> None:
        form = form_of(sent("crontab", crontab="* * * * *"), minimum_interval=timedelta(minutes=minutes))
        assert form.errors["when"] == [f"This runs too often. There must be at least {words} between two runs."]


@pytest.mark.parametrize(
    "options",
    [
        {"presets": ["dayly"]},
        {"presets": [], "allow_free": False},
        {"presets": ["crontab"]},
        {"timezones": ["Mars"]},
        {"timezones": []},
        {"minimum_interval": timedelta(0)},
        {"minimum_interval": timedelta(seconds=90)},
    ],
)
def test_an_invalid_option_is_an_error_of_the_programmer(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ScheduleField(**options)


class TestValue:
    VALUE = ScheduleValue(crontab.from_expression("30 2 * * *", BERLIN))

    def test_it_is_frozen_and_can_be_stored(self) -> None:
        assert pickle.loads(pickle.dumps(self.VALUE)) == self.VALUE
        assert len({self.VALUE, ScheduleValue(self.VALUE.schedule)}) == 1
        with pytest.raises(AttributeError):
            self.VALUE.schedule = None  # type: ignore[misc,assignment]

    def test_the_next_runs_are_local_times_across_a_clock_change(self) -> None:
        runs = self.VALUE.next_runs(2, after=datetime(2026, 3, 29, 12, tzinfo=timezone.utc))
        assert [str(run) for run in runs] == ["2026-03-30 02:30:00+02:00", "2026-03-31 02:30:00+02:00"]
        runs = self.VALUE.next_runs(2, after=datetime(2026, 10, 24, 12, tzinfo=timezone.utc))
        assert [str(run) for run in runs] == ["2026-10-25 02:30:00+02:00", "2026-10-26 02:30:00+01:00"]

    def test_without_a_time_they_are_in_the_future(self) -> None:
        runs = self.VALUE.next_runs()
        assert len(runs) == 3
        assert min(runs) > datetime.now(timezone.utc)

    def test_it_reads_as_a_sentence(self) -> None:
        assert str(self.VALUE) == "At 02:30, every day (Europe/Berlin)"
        assert self.VALUE.words == "At 02:30, every day"


SENTENCES = [
    ("* * * * *", "Every minute", "Jede Minute", "每分鐘"),
    ("*/5 * * * *", "Every 5 minutes", "Alle 5 Minuten", "每5分鐘"),
    ("0 * * * *", "Every hour", "Jede Stunde", "每小時"),
    ("*/7 * * * *", "Every hour at minutes 0, 7 … 56", "Jede Stunde zu den Minuten 0, 7 … 56", "每小時第0、7 … 56分"),
    ("30 6 * * 1-5", "At 06:30, Monday to Friday", "Um 06:30 Uhr, Montag bis Freitag", "星期一至星期五 06:30"),
    ("0 2,14 * * 1,3", "At 02:00 and 14:00, every Monday and Wednesday", "Um 02:00 und 14:00 Uhr, jeden Montag und Mittwoch",
     "每星期一和星期三 02:00和14:00"),
    ("0 6 13 * *", "At 06:00, on day 13 of the month", "Um 06:00 Uhr, am 13. des Monats", "每月13日 06:00"),
    ("0 9 1-7 1 1,2", "At 09:00, on days 1 to 7 of the month if that is Monday or Tuesday, in January",
     "Um 09:00 Uhr, an den Tagen 1 bis 7 des Monats, wenn dann Montag oder Dienstag ist, im Januar",
     "一月，每月1至7日且當天為星期一或星期二 09:00"),
    ("*/15 8-18 * * *", "Every 15 minutes from 08:00 to 18:45", "Alle 15 Minuten von 08:00 bis 18:45 Uhr", "08:00 至 18:45 每15分鐘"),
    ("15 8-18 * * *", "Every hour from 08:15 to 18:15", "Jede Stunde von 08:15 bis 18:15 Uhr", "08:15 至 18:15 每小時"),
    ("0 */2 * * *", "Every 2 hours", "Alle 2 Stunden", "每2小時"),
    ("1-10 3 * * *", "Every minute from 03:01 to 03:10", "Jede Minute von 03:01 bis 03:10 Uhr", "03:01 至 03:10 每分鐘"),
    ("5-9 1-3,7 * * *", "At minutes 5 to 9 of hours 1 to 3 and 7", "Zu den Minuten 5 bis 9 in den Stunden 1 bis 3 und 7",
     "1至3和7時的第5至9分"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "english", "german", "chinese"), SENTENCES)
def test_a_crontab_in_three_languages(expression: str, english: str, german: str, chinese: str) -> None:
    schedule = crontab.from_expression(expression, "UTC")
    for language, words in (("en", english), ("de", german), ("zh-hant", chinese)):
        with translation.override(language):
            assert in_words(schedule) == words


@st.composite
def crontabs(draw: st.DrawFn) -> Crontab:
    texts = []
    for field in cronfield.FIELDS.values():
        numbers = draw(st.one_of(st.none(), st.sets(st.integers(field.low, field.high), min_size=1, max_size=8)))
        step = draw(st.sampled_from(["*", "*/2", "*/5", f"{field.low}-{field.high - 1}/2"]))
        texts.append(cronfield.spell(field.name, ",".join(map(str, numbers)) if numbers else step))
    return Crontab._make([*texts, BERLIN])


@given(crontabs(), st.sampled_from(["en", "de", "zh-hant"]))
def test_every_crontab_has_words_and_is_shown_as_it_is(schedule: Crontab, language: str) -> None:
    value = ScheduleValue(schedule)
    with translation.override(language):
        assert "%" not in value.words
        assert value.words[0] == value.words[0].upper()
    widget = ScheduleField().widget
    assert ScheduleField().clean(list(widget.decompress(value))) == value


def test_the_messages_are_in_the_language_of_the_user() -> None:
    form = form_of(sent("crontab", crontab="0 25 * * *", zone="Mars"))
    with translation.override("de"):
        assert [str(message) for message in form.errors["when"]] == [
            "Diese Zeitzone gibt es nicht. Verwenden Sie einen Namen wie Europe/Berlin.",
            "Das Feld „Stunde“ enthält eine Zahl, die nicht zwischen 0 und 23 liegt, oder die Schrittweite 0.",
        ]
    with translation.override("zh-hant"):
        assert str(form.errors["when"][1]) == "「時」欄位含有不在 0 到 23 之間的數字，或間隔為 0。"


def test_a_code_without_a_translation_shows_the_english_message() -> None:
    from beatsync.dynamic.messages import problems_of
    from beatsync.specfile.problems import SpecError

    with translation.override("de"):
        assert ValidationError(list(problems_of(SpecError("new-code", "100 % new")))).messages == ["100 % new"]


class Page(HTMLParser):
    """Reads HTML strictly: every element is closed, and references resolve."""

    VOID = frozenset({"input", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, attribute: str, *tags: str) -> list[str]:
        return [
            str(attrs[attribute]) for tag, attrs in self.elements if attribute in attrs and (not tags or tag in tags)
        ]


@pytest.mark.parametrize("language", ["en", "de", "zh-hant"])
@pytest.mark.parametrize(
    "form",
    [
        form_of(help_text="When the report is sent."),
        form_of(sent("weekly", time='"><b>', zone="<script>"), help_text="When the report is sent."),
        form_of(initial={"crontab": "<i>"}),
    ],
    ids=["empty", "invalid", "hostile"],
)
def test_the_html_is_well_formed_and_every_control_has_a_label(form: forms.Form, language: str) -> None:
    with translation.override(language):
        page = Page(form.as_div())
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    controls = page.values("id", "input", "select")
    assert set(controls) <= set(page.values("for", "label"))
    assert {"id_when_preset", "id_when_timezone", "id_when_weekdays_6"} <= set(controls)
    assert len(page.values("name", "input", "select")) == len(controls)
    described = {reference for text in page.values("aria-describedby") for reference in text.split()}
    assert described <= set(ids)
    assert {"id_when_weekdays_hint", "id_when_day_hint", "id_when_crontab_hint"} <= described
    tags = [tag for tag, _ in page.elements]
    assert tags.count("fieldset") == tags.count("legend") == 2
    assert not {"b", "i", "script"} & set(tags)
    assert bool(form.errors) == ("true" in page.values("aria-invalid")) or not hasattr(form["when"], "aria_describedby")


def test_a_valid_choice_is_explained_below_the_controls() -> None:
    html = form_of(sent(time="06:30")).as_div()
    assert "At 06:30, every day (Europe/Berlin)<br>Next runs: " in html


def test_no_control_says_when_it_is_needed_if_it_always_is() -> None:
    page = Page(form_of(presets=["weekly"], allow_free=False).as_div())
    assert not page.values("aria-describedby")


def test_a_request_without_a_zone_means_the_default_one_and_shows_it() -> None:
    data = sent(time="06:30")
    del data["when_timezone"]
    with django_timezone.override("Asia/Taipei"):
        form = form_of(data)
        assert form.is_valid()
        assert form.cleaned_data["when"].schedule.timezone == "Asia/Taipei"
        assert '<option value="Asia/Taipei" selected>' in form.as_div()


def test_two_forms_on_a_page_have_distinct_ids() -> None:
    form_class = type("ReportForm", (forms.Form,), {"when": ScheduleField()})
    page = Page(form_class(prefix="a").as_div() + form_class(prefix="b").as_div())
    assert len(set(page.values("id"))) == len(page.values("id"))
    assert form_class({f"a-{name}": text for name, text in sent(time="06:30").items()}, prefix="a").is_valid()


def test_a_form_without_ids_still_has_labels() -> None:
    form_class = type("ReportForm", (forms.Form,), {"when": ScheduleField()})
    page = Page(form_class(auto_id=False).as_div())
    assert set(page.values("id", "select")) <= set(page.values("for", "label"))
