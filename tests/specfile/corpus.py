"""The corpus of spec files in `tests/data/specs`: each case a file, or a folder of files, with the expected result beside it.

`tests.golden` compares them, and renews them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from beatsync.specfile.combine import combine
from beatsync.specfile.every.inputs import Inputs, inputs_of
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.sections import shared_of
from beatsync.values import Desired, SourceFile

SPECS = Path(__file__).parent.parent / "data" / "specs"
_FLAGS = re.compile(rb"# --env (\S+)\n")


@dataclass(frozen=True)
class Case:
    """One case; a first line `# --env NAME` asks for that environment."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".yaml")

    def files(self) -> list[SourceFile]:
        """Return the case's files, as `load` would."""
        if not self.path.is_dir():
            return [SourceFile(self.path.name, self.path.read_bytes())]
        inside = sorted(self.path.rglob("*.yaml"))
        return [SourceFile(path.relative_to(self.path).as_posix(), path.read_bytes()) for path in inside]

    def desired(self, environment: str | None = None) -> Desired:
        """Return what the case declares, in the environment of its first line or of the argument."""
        files = self.files()
        flags = _FLAGS.match(files[0].data)
        if environment is None and flags:
            environment = flags[1].decode()
        options, inputs = ParseOptions(environment), self.inputs()
        return combine([parse_file(file, options, inputs) for file in files], (), options)

    def inputs(self) -> Inputs:
        """Return what the files share, and the case's `.ics` files, for 2027 and 2028."""
        shared = [each for file in self.files() for each in shared_of(file)]
        calendars = sorted(self.path.rglob("*.ics"))
        files = [SourceFile(path.relative_to(self.path).as_posix(), path.read_bytes()) for path in calendars]
        return inputs_of(2027, shared, files)

    def environments(self) -> list[str]:
        """Return every environment that the case mentions."""
        return sorted({name for file in self.files() for name in parse_file(file, ParseOptions()).facts.environments})


def cases(folder: str) -> list[Case]:
    """Return the cases of `invalid` or `valid`."""
    paths = sorted((SPECS / folder).iterdir())
    return [Case(path) for path in paths if path.is_dir() or path.suffix == ".yaml"]
