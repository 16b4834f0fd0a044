"""Recordings of commands in a terminal, as SVG: text that can be read, scaled and searched, with the fonts of the reader's system."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

SIZE, LINE = 14, 19
"""The height of letters and of lines in pixels."""
ADVANCE = 8.4
"""The width of a letter in pixels; the text of a line is stretched to it, whatever font the reader's system has."""
PADDING = 16
STYLE = (
    f"text{{font:{SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d7dde5}}"
    ".b{font-weight:700}.d{fill:#98a3b0}.c31{fill:#ff8f85}.c32{fill:#7cd49a}.c33{fill:#f2bd68}.c36{fill:#7fd0e0}"
    ".prompt{fill:#7cd49a;font-weight:700}"
)
_CODE = re.compile(r"\x1b\[([0-9;]*)m")
_TOKEN = re.compile(r"\x1b\[[0-9;]*m|.")
_WORDS = re.compile(r"[^ ]+(?: [^ ]+)*")


def record(
    commands: Sequence[str], columns: int, cwd: Path, program: Sequence[str], env: Mapping[str, str]
) -> list[str]:
    """Return the lines of a terminal in which these commands ran: prompts, commands and coloured output. `program` is `beatsync`."""
    lines = []
    for command in commands:
        words = shlex.split(command)
        arguments = [*program, *words[1:]] if words[0] == "beatsync" else words
        lines += [*([""] if lines else []), f"\x1b[92m$\x1b[m \x1b[1m{command}\x1b[m"]
        lines += run_in_terminal(arguments, columns, cwd, env).rstrip().splitlines()
    return [part for line in lines for part in _folded(line, columns)]


def _folded(line: str, columns: int) -> Iterator[str]:
    """Yield a line as a terminal shows it, which goes on in the next line where it ends."""
    part, used = "", 0
    for token in _TOKEN.findall(line):
        if used == columns and not _CODE.fullmatch(token):
            yield part
            part, used = "", 0
        part += token
        used += not _CODE.fullmatch(token)
    yield part


def run_in_terminal(arguments: Sequence[str], columns: int, cwd: Path, env: Mapping[str, str]) -> str:
    """Return what a command writes to a terminal."""
    terminal = {"COLUMNS": str(columns), "FORCE_COLOR": "1", "TERM": "xterm", "CI": "true"}  # CI: without progress
    reader, writer = pty.openpty()
    process = subprocess.Popen(
        arguments,
        cwd=cwd,
        env={**os.environ, **env, **terminal},
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    output = b""
    while True:
        try:
            part = os.read(reader, 65_536)
        except OSError:  # Linux: the other side is closed
            part = b""
        if not part:
            break
        output += part
    os.close(reader)
    process.wait()
    return output.decode().replace("\r\n", "\n")


def to_svg(lines: Sequence[str], columns: int, title: str) -> str:
    """Return a picture of lines with ANSI colours."""
    width = round(columns * ADVANCE) + 2 * PADDING
    height = len(lines) * LINE + 2 * PADDING
    words = "\n".join(_CODE.sub("", line) for line in lines)
    texts = "\n".join(text for number, line in enumerate(lines) for text in _line(line, number))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" aria-labelledby="title text">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="text">{escape(words)}</desc>\n<style>{STYLE}</style>\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#151b23"/>\n{texts}\n</svg>\n'
    )


def _line(line: str, number: int) -> Iterator[str]:
    """Yield the texts of a line. Each is at its column, because a picture has one space where a line has several."""
    y = PADDING + number * LINE + SIZE
    for piece, column, classes in _pieces(line):
        named = f' class="{" ".join(classes)}"' if classes else ""
        for words in _WORDS.finditer(piece):
            x = PADDING + (column + words.start()) * ADVANCE
            size = f'textLength="{len(words[0]) * ADVANCE:.1f}" lengthAdjust="spacingAndGlyphs"'
            yield f'<text x="{x:.1f}" y="{y}" {size}{named}>{escape(words[0])}</text>'


def _pieces(line: str) -> Iterator[tuple[str, int, list[str]]]:
    """Yield each piece of one style, the column where it begins, and its classes."""
    classes: list[str] = []
    column = 0
    for number, part in enumerate(_CODE.split(line)):
        if number % 2 == 0:
            yield part, column, classes
            column += len(part)
        else:
            classes = _classes(part, classes)


def _classes(codes: str, before: list[str]) -> list[str]:
    """Return the classes after a control sequence."""
    classes = [*before]
    for code in codes.split(";"):
        if code in {"", "0"}:
            classes = []
        else:
            classes.append({"1": "b", "2": "d", "92": "prompt"}.get(code, f"c{code}"))
    return classes
