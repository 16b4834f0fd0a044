"""The `BEATSYNC` setting of a Django project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from beatsync.cli.options import ON_INVALID
from beatsync.cli.validators import validate_delete_limit, validate_environment, validate_zone

KEYS = ("DIR", "SOURCE", "ENVIRONMENT", "TIMEZONE", "DATABASE", "MAX_DELETES", "ON_INVALID")
"""The keys of `BEATSYNC`. Each is the default of a flag; the flag and its environment variable take precedence."""


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The validated `BEATSYNC` setting of a Django project."""

    values: Mapping[str, str]

    @classmethod
    def read(cls, values: Any) -> ProjectSettings:
        """Return the settings in `values`, a mapping or None. Raises click.UsageError for an unknown key or an invalid value."""
        values = values or {}
        if not isinstance(values, Mapping):
            raise click.ClickException(f"BEATSYNC in the Django settings must be a dict, not {type(values).__name__}")
        for key in values:
            if key not in KEYS:
                raise click.UsageError(
                    f"BEATSYNC in the Django settings has an unknown key {key!r}; the keys are {', '.join(KEYS)}"
                )
        texts = {key: str(value) for key, value in values.items() if value is not None}
        for key, text in texts.items():
            try:
                _validate(key, text)
            except click.BadParameter as error:
                raise click.UsageError(f"BEATSYNC[{key!r}] in the Django settings: {error.message}") from None
        return cls(texts)

    def get(self, key: str) -> str | None:
        """Return the value of a key; None if it is missing."""
        return self.values.get(key)


def _validate(key: str, value: str) -> None:
    """Raise click.BadParameter if the value of a key is invalid."""
    if not value:
        raise click.BadParameter("the value is empty; remove the key to use the default")
    if key == "ENVIRONMENT":
        validate_environment(value)
    elif key == "TIMEZONE":
        validate_zone(value)
    elif key == "MAX_DELETES":
        validate_delete_limit(value)
    elif key == "ON_INVALID" and value not in ON_INVALID:
        raise click.BadParameter(f"the value must be {' or '.join(ON_INVALID)}, not {value!r}")
