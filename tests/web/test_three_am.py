"""The questions of an operator at 3 am, in a process with the Django admin."""

from __future__ import annotations

from pathlib import Path

from tests.web.test_web_admin import passes


def test_each_question_has_a_command_and_a_page_that_answer_it(tmp_path: Path) -> None:
    passes(tmp_path, "", "three_am")
