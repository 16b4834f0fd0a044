"""A source's files → what they declare; of what the database says that it is as its text wants it, only the text is looked at.

This module must not know how files are found or where the database's word comes from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from beatsync.plan.digest import with_digests
from beatsync.plan.match import are_apart
from beatsync.plan.observed import NameRule
from beatsync.specfile import ParsedFile, ParseOptions, combine, parse_file
from beatsync.specfile.blocks import Blocks, cut, is_told_by, replaced, with_environments, without
from beatsync.values import Desired, Diagnostic, SourceFile
from beatsync.workers import parse_files

Progress = Callable[[int], object]
"""Is told how many files are done."""


def parse_all(
    files: deque[SourceFile],
    options: ParseOptions,
    extra: Sequence[Diagnostic],
    jobs: int | None,
    progress: Progress,
    *,
    digests: bool,
) -> Desired:
    """Parse these files and forget them one by one; `extra` is what was wrong before they were parsed."""
    taken = (files.popleft() for _ in range(len(files)))
    return combine(parse_files(taken, options, jobs, progress, digests=digests), options, extra)


def parse_rest(
    files: Sequence[SourceFile],
    known: Mapping[bytes, str],
    options: ParseOptions,
    extra: Sequence[Diagnostic],
    jobs: int | None,
    progress: Progress,
) -> Desired | None:
    """Parse what is not `known`, a schedule's name by the digest of its text; None where only all files together can tell.

    What comes of it is what all files declare: a block that is known is one that was parsed in such a file, and nothing was to be
    remarked on.
    """
    unread, pieces, declared = _sorted_out(files, known, options)
    parsed = parse_files(unread, options, jobs, progress, digests=True)
    whole: list[SourceFile] = []
    for file, piece in zip(parse_files((one.file for one in pieces), options, jobs, progress), pieces, strict=True):
        if is_told_by(file, piece.blocks):
            parsed.append(with_digests(replaced(file, piece.lines), piece.blocks))
            declared.update((digest, known[digest]) for digest in piece.digests)
        else:
            whole.append(piece.original)
    parsed += parse_files(whole, options, jobs, progress, digests=True)
    speaking = _speaking(parsed, files, declared, options)
    if speaking is None or _meet(parsed, declared.values()):
        return None
    return replace(combine([*parsed, *speaking], options, extra), known=declared)


class _Piece(NamedTuple):
    """What is to be parsed of a file of which the rest is known."""

    file: SourceFile
    blocks: Blocks
    lines: tuple[int, ...]
    """Where each block begins in the whole file."""
    original: SourceFile
    digests: Sequence[bytes]
    """Of the blocks that are known."""


def _sorted_out(
    files: Iterable[SourceFile], known: Mapping[bytes, str], options: ParseOptions
) -> tuple[list[SourceFile], list[_Piece], dict[bytes, str]]:
    """Return the files to parse, the pieces of files to parse, and what all other files declare."""
    unread: list[SourceFile] = []
    pieces: list[_Piece] = []
    declared: dict[bytes, str] = {}
    for file in files:
        blocks = cut(file, options)
        digests = [digest for digest in blocks.said if digest in known] if blocks else []
        if blocks is None or not digests:
            unread.append(file)
        elif len(digests) == len(blocks.said):
            declared.update((digest, known[digest]) for digest in digests)
        else:
            pieces.append(_Piece(*without(file, blocks, known), file, digests))
    return unread, pieces, declared


def _meet(parsed: Iterable[ParsedFile], known: Iterable[str]) -> bool:
    """Whether a name that is known has to do with another: what is to be said of two names, all files say."""
    names = [*known, *(name for file in parsed for name, _ in file.names)]
    old = {one.policy.renamed_from for file in parsed for one in file.schedules}
    return not are_apart(names, NameRule.LETTERS) or not old.isdisjoint(names)


def _speaking(
    parsed: Iterable[ParsedFile], files: Iterable[SourceFile], known: Container[bytes], options: ParseOptions
) -> list[ParsedFile] | None:
    """Return what speaks of the environment that is asked for among what is known, if it matters; None where only all files tell."""
    wanted = options.environment
    if wanted is None or any(wanted in file.environments for file in parsed):
        return []
    is_any = False
    for block in (block for file in files for block in with_environments(file, known, options)):
        is_any = True  # and mostly the first one speaks of it
        environments = parse_file(block, options).environments
        if wanted in environments:
            return [ParsedFile(block.path, environments=environments)]
    return None if is_any else []
