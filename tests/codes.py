"""The codes of diagnostics and blockers, read from BeatSync's own sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

PACKAGE = Path(__file__).parent.parent / "beatsync"
_POSITION = {"SpecError": 0, "SourceError": 0, "Blocked": 0, "_Refusal": 0, "Problem": 1, "Diagnostic": 1, "_fail": 1}
"""Which argument of a call is a code."""
_KEBAB = re.compile(r"[a-z]+(?:-[a-z]+)+")


def codes(folder: Path = PACKAGE) -> set[str]:
    """Return every code that something below `folder` can say."""
    trees = [ast.parse(path.read_bytes()) for path in sorted(folder.rglob("*.py"))]
    # One module's helper may be called by another.
    helpers = {name: position for tree in trees for name, position in _helpers(tree).items()}
    return {code for tree in trees for code in _codes(tree, helpers)}


def _helpers(tree: ast.Module) -> dict[str, int]:
    """Return the functions that take a code, and as which argument."""
    return {
        node.name: [argument.arg for argument in node.args.args if argument.arg != "self"].index("code")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any(argument.arg == "code" for argument in node.args.args)
    }


def _codes(tree: ast.Module, shared: Mapping[str, int] = MappingProxyType({})) -> Iterator[str]:
    helpers = {**shared, **_helpers(tree)}
    named = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            position = helpers.get(name, _POSITION.get(name))
            given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            if position is not None and len(node.args) > position:
                given.append(node.args[position])
            given = [named.get(one.id, one) if isinstance(one, ast.Name) else one for one in given]
            yield from (one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str))
        elif isinstance(node, ast.Tuple) and node.elts:
            # What only warns is handed over as a code and a message.
            first, *rest = node.elts
            if isinstance(first, ast.Constant) and _KEBAB.fullmatch(str(first.value)) and _is_message(rest):
                yield str(first.value)


def _is_message(rest: list[ast.expr]) -> bool:
    return 1 <= len(rest) <= 2 and (
        isinstance(rest[0], ast.JoinedStr) or (isinstance(rest[0], ast.Name) and rest[0].id == "message")
    )
