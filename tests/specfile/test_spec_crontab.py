from __future__ import annotations

import calendar
import subprocess
import sys
from importlib.metadata import version

import pytest
from celery import schedules
from django.core.exceptions import ValidationError
from django_celery_beat import models, validators
from hypothesis import given, settings
from hypothesis import strategies as st

from beatsync.specfile import cronfield, crontab, words
from beatsync.specfile.cronfield import FIELDS, Field
from beatsync.specfile.problems import SpecError
from beatsync.values import Crontab

VALIDATORS = {
    "minute": validators.minute_validator,
    "hour": validators.hour_validator,
    "day_of_month": validators.day_of_month_validator,
    "month_of_year": validators.month_of_year_validator,
    "day_of_week": validators.day_of_week_validator,
}
CELERY_REFUSES_NEVER = tuple(map(int, version("celery").split(".")[:2])) >= (5, 7)


def expression(text: str) -> str:
    return crontab.from_expression(text, "UTC").expression


def refused(text: str, timezone: str = "UTC") -> SpecError:
    with pytest.raises(SpecError) as caught:
        crontab.from_expression(text, timezone)
    return caught.value


def tokens(field: Field) -> st.SearchStrategy[str]:
    """Write every number of a field in any way that it may be written."""
    high = 7 if field.name == "day_of_week" else field.high
    numbers = st.integers(field.low, high).flatmap(lambda n: st.sampled_from([str(n), f"{n:02d}"]))
    if not field.names:
        return numbers
    names = st.sampled_from(field.names).flatmap(lambda name: st.sampled_from([name, name[:3], name.upper(), name[:4]]))
    return numbers | names


def parts(field: Field) -> st.SearchStrategy[str]:
    token, step = tokens(field), st.integers(1, field.size + 3).map(str)
    between = st.tuples(token, token).map("-".join)
    stepped = st.tuples(between | st.just("*"), step).map("/".join)
    return token | between | stepped | st.just("*")


def texts(field: Field) -> st.SearchStrategy[str]:
    return st.lists(parts(field), min_size=1, max_size=6).flatmap(
        lambda result: st.sampled_from([",", ", ", " ,"]).map(lambda comma: comma.join(result))
    )


FIELD_TEXTS = st.sampled_from(list(FIELDS.values())).flatmap(lambda field: st.tuples(st.just(field.name), texts(field)))
SETS = st.sampled_from(list(FIELDS.values())).flatmap(
    lambda field: st.tuples(st.just(field.name), st.frozensets(st.integers(field.low, field.high), min_size=1))
)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("30 2 * * mon-fri", "30 2 * * 1-5"),
        ("0,15,30,45 * * * *", "*/15 * * * *"),
        ("30,0 * * * *", "*/30 * * * *"),
        ("*/60 */24 * * *", "0 0 * * *"),
        ("1-59/2 8-18/2 * * *", "1-59/2 8-18/2 * * *"),
        ("5,7,6,20,21 * * * *", "5-7,20,21 * * * *"),
        ("0 22-2 * * *", "0 0-2,22,23 * * *"),
        ("0 22-2/2 * * *", "0 0,2,22 * * *"),
        ("0 0 1 dec-feb *", "0 0 1 1,2,12 *"),
        ("0 0 1 January,SEPT,dec *", "0 0 1 1,9,12 *"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0 0 * * 1-7", "0 0 * * *"),
        ("0 0 * * 7-2", "0 0 * * 0-2"),
        ("0 0 * * 7-7", "0 0 * * 0"),
        ("0 0 * * 1-7/2", "0 0 * * 0,1,3,5"),
        ("0 0 * * fri-mon", "0 0 * * 0,1,5,6"),
        ("0 0 * * fri-sun", "0 0 * * 0,5,6"),
        ("0 0 * * sat,sun", "0 0 * * 0,6"),
        ("0 0 * * tues,Thurs", "0 0 * * 2,4"),
        ("  007  03\t* * *  ", "7 3 * * *"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_one_spelling(text: str, spelled: str) -> None:
    assert expression(text) == spelled
    assert expression(spelled) == spelled


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        ("0 24 * * *", "crontab-range", "hour: 24 is not between 0 and 23", "midnight is hour 0"),
        ("60 * * * *", "crontab-range", "minute: 60 is", "minute 0"),
        ("1-75 * * * *", "crontab-range", "75 in '1-75' is not between", None),
        ("0 0 0 * *", "crontab-range", "day_of_month: 0", "count from 1"),
        ("0 0 1 00 *", "crontab-range", "month_of_year: 00", "count from 1"),
        ("0 0 * * 8", "crontab-range", "day_of_week: 8", None),
        ("*/0 * * * *", "crontab-range", "the step in '*/0' is 0", None),
        ("5/10 * * * *", "crontab-syntax", "a step but no range", "5-59/10"),
        ("0 0 * * mon/2", "crontab-syntax", "a step but no range", "1-6/2"),
        ("1,,2 * * * *", "crontab-syntax", "minute: an empty part in '1,,2'", None),
        ("*/ * * * *", "crontab-syntax", "no number behind the /", "*/2"),
        ("-5 * * * *", "crontab-syntax", "a sign", None),
        ("5- * * * *", "crontab-syntax", "'5-' cannot be read", "1-5"),
        ("1-5-9 * * * *", "crontab-syntax", "'1-5-9'", None),
        ("1.5 * * * *", "crontab-syntax", "'1.5'", None),
        ("*/5/2 * * * *", "crontab-syntax", "'*/5/2'", None),
        ("*-5 * * * *", "crontab-syntax", "'*-5'", None),
        ("٣ * * * *", "crontab-syntax", "'٣'", None),
        ("² * * * *", "crontab-syntax", "'²'", None),
        ("0 0 ? * *", "crontab-unsupported", "'?'", "write *"),
        ("0 0 L * *", "crontab-unsupported", "'L'", None),
        ("0 0 15W * *", "crontab-unsupported", "'15W'", None),
        ("0 0 L-3 * *", "crontab-unsupported", "'L-3'", None),
        ("0 0 * * fri#2", "crontab-unsupported", "'fri#2'", None),
        ("0 0 * * 5L", "crontab-unsupported", "'5L'", None),
        ("H * * * *", "crontab-unsupported", "'H'", None),
        ("0~30 * * * *", "crontab-unsupported", "'0~30'", None),
        ("jan * * * *", "crontab-name", "minute: 'jan' is not a number", None),
        ("0 0 * * mondy", "crontab-name", "no 'mondy'", "monday"),
        ("0 0 * mon *", "crontab-name", "month_of_year: there is no 'mon'", None),
        ("0 0 * * mo", "crontab-name", "no 'mo'", None),
        ("* * * *", "crontab-fields", "4 were found", "minute hour"),
        ("", "crontab-fields", "0 were found", None),
        ("0 * * * * *", "crontab-fields", "6 were found", "seconds"),
        ("0 0 12 * * ? 2027", "crontab-fields", "7 were found", "years"),
        ("0, 30 * * * *", "crontab-fields", "6 were found", "without spaces"),
        ("CRON_TZ=UTC 0 0 * * *", "crontab-fields", "6 were found", "timezone"),
        ("@reboot", "crontab-nickname", "@reboot has no time", None),
        ("@every 5m", "crontab-nickname", "@every", "interval: 5m"),
        ("@dayly", "crontab-nickname", "no '@dayly'", "@daily"),
        ("0 0 30 2 *", "crontab-never", "no day 30 in month 2", None),
        ("0 0 31 4,6,9,11 *", "crontab-never", "no day 31", None),
        ("1" * 2000 + " * * * *", "crontab-syntax", "longer than 1024", None),
    ],
)
def test_refusals_name_the_part_and_the_mend(text: str, code: str, message: str, hint: str | None) -> None:
    error = refused(text)
    assert error.code == code
    assert message in error.message
    assert str(error) == error.message
    if hint is not None:
        assert hint in (error.hint or "")


def test_a_refusal_names_its_field() -> None:
    assert refused("0 24 * * *").field == "hour"
    assert refused("0 0 * * 9").field == "day_of_week"
    assert refused("* * * *").field is None


def test_an_unknown_zone_is_refused() -> None:
    assert refused("0 0 * * *", "Europe/Berln").code == "timezone-unknown"


def test_fields_may_be_numbers_and_lists() -> None:
    assert crontab.from_fields([0, [3, "5-7"], "*", "jan", [1, 3]], "Europe/Berlin") == Crontab(
        "0", "3,5-7", "*", "1", "1,3", "Europe/Berlin"
    )
    assert crontab.from_fields(["0", "0", "*", "*", [7, "mon"]], "UTC").day_of_week == "0,1"


@pytest.mark.parametrize("value", [True, [], [True], [1.5], {"a": 1}, None, 2.0, b"5"])
def test_other_types_are_refused(value: crontab.FieldText) -> None:
    with pytest.raises(SpecError, match="minute") as caught:
        crontab.from_fields([value, "*", "*", "*", "*"], "UTC")
    assert (caught.value.code, caught.value.field) == ("crontab-type", "minute")


def test_an_empty_field_is_refused() -> None:
    with pytest.raises(SpecError, match="hour: it is empty"):
        crontab.from_fields(["0", " ", "*", "*", "*"], "UTC")


@given(FIELD_TEXTS)
@settings(max_examples=500)
def test_canonical_means_what_celery_reads(case: tuple[str, str]) -> None:
    name, text = case
    field, canonical = FIELDS[name], cronfield.spell(name, text)
    parser = schedules.crontab_parser(field.size, field.low)
    assert parser.parse(canonical) == cronfield.members(name, text)
    try:
        raw = parser.parse(text)
    except (ValueError, schedules.ParseException):
        return
    assert parser.parse(canonical) == raw


@given(FIELD_TEXTS)
@settings(max_examples=500)
def test_canonical_passes_the_models_validators(case: tuple[str, str]) -> None:
    name, text = case
    canonical = cronfield.spell(name, text)
    VALIDATORS[name](canonical)
    column = models.CrontabSchedule._meta.get_field(name)
    column.run_validators(canonical)


def test_the_validators_of_these_tests_can_refuse() -> None:
    with pytest.raises(ValidationError):
        VALIDATORS["minute"]("*/60")


@given(FIELD_TEXTS)
@settings(max_examples=500)
def test_canonical_is_idempotent(case: tuple[str, str]) -> None:
    name, text = case
    canonical = cronfield.spell(name, text)
    assert cronfield.spell(name, canonical) == canonical
    assert cronfield.observed(name, canonical) == canonical


@given(SETS)
def test_every_set_has_one_short_spelling(case: tuple[str, frozenset[int]]) -> None:
    name, numbers = case
    listed = ",".join(str(number) for number in sorted(numbers, reverse=True))
    canonical = cronfield.spell(name, listed)
    assert cronfield.members(name, canonical) == numbers
    # The full list is the longest that any spelling can be, and it fits the column.
    assert len(canonical) <= len(listed)
    field = FIELDS[name]
    longest = ",".join(str(number) for number in range(field.low, field.high + 1))
    assert len(longest) <= models.CrontabSchedule._meta.get_field(name).max_length


@given(st.tuples(*(texts(field) for field in FIELDS.values())))
def test_never_firing_is_what_celery_refuses(given_texts: tuple[str, ...]) -> None:
    try:
        value: Crontab | None = crontab.from_fields(given_texts, "UTC")
    except SpecError as error:
        assert error.code == "crontab-never"  # noqa: PT017  a property, not one expected error
        value = None
    spelled = [cronfield.spell(name, text) for name, text in zip(FIELDS, given_texts, strict=True)]
    minute, hour, day, month, weekday = spelled
    days, months = cronfield.members("day_of_month", day), cronfield.members("month_of_year", month)
    # 2024 is a leap year: the longest that every month gets.
    assert (value is not None) == any(min(days) <= calendar.monthrange(2024, number)[1] for number in months)
    if not CELERY_REFUSES_NEVER:
        return
    try:
        schedules.crontab(minute, hour, weekday, day, month)
    except ValueError:
        assert value is None
    else:
        assert value is not None


def test_every_pair_of_day_and_month_is_judged_by_the_calendar() -> None:
    for month in range(1, 13):
        for day in range(1, 32):
            text = f"0 0 {day} {month} *"
            if day <= calendar.monthrange(2024, month)[1]:
                assert expression(text) == text
            else:
                assert refused(text).code == "crontab-never"


def test_a_leap_day_on_a_weekday_fires_within_forty_years() -> None:
    for weekday in range(7):
        value = crontab.from_expression(f"0 0 29 2 {weekday}", "UTC")
        assert value.day_of_week == str(weekday)
        assert any(
            calendar.weekday(year, 2, 29) == (weekday - 1) % 7 for year in range(2080, 2120) if calendar.isleap(year)
        )


@pytest.mark.parametrize(
    ("row", "spelled"),
    [
        (("00", "*/24", "*", "*", "mon-fri"), "0 0 * * 1-5"),
        (("0, 30", "22-2", "*", "12,1-2", "*"), "*/30 0-2,22,23 * 1,2,12 *"),
        (("0", "0", "30", "2", "*"), "0 0 30 2 *"),
    ],
)
def test_a_row_is_spelled_as_a_spec_is(row: tuple[str, str, str, str, str], spelled: str) -> None:
    value = crontab.observed(*row, "UTC")
    assert value.expression == spelled


@pytest.mark.parametrize("weekday", ["7", "5-7", "0-7", "8", "", "1,,2", "?", "mon#1"])
def test_a_row_that_celery_does_not_read_stays_as_it_is(weekday: str) -> None:
    raw = ("00", "*/24", "*", "*", weekday, "Nowhere/Land")
    assert crontab.observed(*raw) == Crontab(*raw)


def test_a_row_that_celery_reads_otherwise_is_not_equal_to_the_spec() -> None:
    # celery ignores what follows the range; crontab(5) refuses it.
    assert schedules.crontab_parser(60).parse("1-5-9") == {1, 2, 3, 4, 5}
    assert crontab.observed("1-5-9", "*", "*", "*", "*", "UTC").minute == "1-5-9"


@given(st.tuples(*[st.text(max_size=8) | st.text("0123456789-*/,a", max_size=8)] * 6))
def test_observing_never_raises(row: tuple[str, str, str, str, str, str]) -> None:
    value = crontab.observed(*row)
    again = (value.minute, value.hour, value.day_of_month, value.month_of_year, value.day_of_week, value.timezone)
    assert crontab.observed(*again) == value


@given(st.text(max_size=20) | st.text("0123456789-*/, @aLWH#?", max_size=20))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        value = crontab.from_expression(text, "UTC")
    except SpecError as error:
        assert error.code.startswith("crontab-")  # noqa: PT017  a property, not one expected error
    else:
        assert expression(value.expression) == value.expression


def test_a_celery_that_reads_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    value = crontab.from_expression("*/7 1 * * *", "UTC")
    misread = crontab.misread.__wrapped__  # which remembers nothing
    assert misread(value) is None
    monkeypatch.setattr(cronfield, "celery_reads", lambda name, _: cronfield.members(name, "1"))
    assert misread(value) == "minute"


@pytest.mark.parametrize("name", FIELDS)
def test_celery_reads_every_form_of_a_spelling_as_it_is_meant(name: str) -> None:
    field = FIELDS[name]
    numbers = range(field.low, field.high + 1)
    ranges = [f"{first}-{last}" for first in numbers for last in numbers if first < last]
    steps = [f"{part}/{step}" for part in ["*", *ranges] for step in range(1, field.size)]
    for text in ["*", *map(str, numbers), *ranges, *steps]:
        canonical = cronfield.spell(name, text)
        assert cronfield.celery_reads(name, canonical) == cronfield.members(name, text), text


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("30 14 * * mon-fri", "At 14:30, Monday to Friday"),
        ("0 8 * * mon,wed,fri", "At 08:00, every Monday, Wednesday and Friday"),
        ("0 8 1 1,3,5 *", "At 08:00, on day 1 of the month, in the months January, March and May"),
        ("0 0 13 * fri", "At 00:00, on day 13 of the month if that is Friday"),
        ("0 12 * * sun", "At 12:00, every Sunday"),
        ("*/5 * * * *", "Every 5 minutes"),
    ],
)
def test_a_crontab_is_described_as_people_say_it(expression: str, sentence: str) -> None:
    assert words.in_english(crontab.from_expression(expression, "UTC").expression) == sentence


@pytest.mark.parametrize("minute", ["x", "", "*, *", "1-5-9", "07"])
def test_a_row_that_is_not_in_normal_form_has_no_words(minute: str) -> None:
    assert words.in_english(Crontab(minute, "*", "*", "*", "*", "UTC").expression) is None


@given(st.tuples(*(texts(field) for field in FIELDS.values())))
def test_every_crontab_has_words(given_texts: tuple[str, ...]) -> None:
    minute, hour, day, month, weekday = (cronfield.spell(n, t) for n, t in zip(FIELDS, given_texts, strict=True))
    sentence = words.in_english(Crontab(minute, hour, day, month, weekday, "UTC").expression)
    assert sentence is not None
    assert sentence[0].isupper()


def test_importing_the_normalisers_is_cheap() -> None:
    program = (
        "import sys; from beatsync.specfile import crontab, interval, jsontext, solar, times;"
        "print([m for m in ('celery', 'django', 'difflib', 'cron_descriptor', 'crontab') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_text_is_parsed_once() -> None:
    text = "1-59/2 3 * * mon-fri"
    first = crontab.from_expression(text, "Europe/Berlin")
    assert crontab.from_expression(text, "Europe/Berlin") is first
