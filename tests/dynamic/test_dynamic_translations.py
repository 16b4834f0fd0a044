"""The catalogs have every message of the code, and the compiled catalogs agree with the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import polib
import pytest

PACKAGE = Path(__file__).parent.parent.parent / "beatsync"
LANGUAGES = ["de", "zh_Hant"]
# For each function, which arguments are the context, the message and the plural.
FUNCTIONS: dict[str, tuple[int | None, int, int | None]] = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
}
Message = tuple["str | None", str, str]
"""Context, message and plural."""
RENEW = "run in beatsync/: django-admin makemessages -l de -l zh_Hant --no-location --no-wrap, translate, django-admin compilemessages"


@cache
def messages_of_the_code() -> frozenset[Message]:
    return frozenset(_messages_of_the_code())


def _messages_of_the_code() -> Iterator[Message]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
                continue
            function = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if function in FUNCTIONS:
                context, message, plural = FUNCTIONS[function]
                texts = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
                yield (
                    None if context is None else str(texts[context]),
                    str(texts[message]),
                    "" if plural is None else str(texts[plural]),
                )


def catalog(language: str, *, compiled: bool = False) -> Any:
    stem = PACKAGE / "locale" / language / "LC_MESSAGES" / "django"
    return polib.mofile(f"{stem}.mo") if compiled else polib.pofile(f"{stem}.po")


def messages(entries: Any) -> dict[Message, list[str]]:
    return {
        (entry.msgctxt, entry.msgid, entry.msgid_plural or ""): [
            entry.msgstr,
            *(text for _, text in sorted(entry.msgstr_plural.items())),
        ]
        for entry in entries
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    entries = catalog(language)
    expected = messages_of_the_code()
    assert len(expected) > 50
    assert set(messages(entries)) == expected, RENEW
    incomplete = [entry.msgid for entry in entries if not entry.translated() or entry.fuzzy or entry.obsolete]
    assert not incomplete, RENEW


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_message(language: str) -> None:
    for (_, message, plural), texts in messages(catalog(language)).items():
        expected = set(re.findall(r"%\(\w+\)[sd]", plural or message))
        for text in filter(None, texts):
            assert set(re.findall(r"%\(\w+\)[sd]", text)) == expected, message


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalog_is_that_of_the_source(language: str) -> None:
    source, compiled = catalog(language), catalog(language, compiled=True)
    assert messages(compiled) == messages(source), RENEW
    assert compiled.metadata["Plural-Forms"] == source.metadata["Plural-Forms"]
