"""What is wrong with one piece of a spec, before anybody knows where it stands.

The leaf normalisers raise `SpecError`; whoever knows the place turns it into a `Diagnostic`.
"""

from __future__ import annotations

from typing import Final


class SpecError(ValueError):
    """One value of a spec that cannot be taken: a stable kebab-case code, what is wrong, and the mend where there is one."""

    def __init__(self, code: str, message: str, hint: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code: Final = code
        self.message: Final = message
        self.hint: Final = hint
        self.field: Final = field
        """Which key of a mapping it is about (`hour`, `latitude`), where the value had several."""
