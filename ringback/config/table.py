"""What holds for every table of ringback.toml."""

from collections.abc import Callable

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator


class Table(BaseModel):
    """A table of ringback.toml: frozen, and a key it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value(cls, value: object, of: ValidationInfo) -> object:
        """Where nobody asks for yes or no: to Python `true` is the number 1."""
        if cls.model_fields[of.field_name or ""].annotation is bool:
            return value
        if isinstance(value, bool) or (isinstance(value, list) and any(isinstance(each, bool) for each in value)):
            raise ValueError("should be neither true nor false")
        return value


def no_two_alike(read: Callable[[str], str]) -> BeforeValidator:
    """Two names of the same table are a fault: the second would take the place of the first."""

    def checked(tables: object) -> object:
        seen: dict[str, str] = {}
        for name in tables if isinstance(tables, dict) else ():
            try:
                other = seen.setdefault(read(name), name)
            except ValueError:
                continue  # it is told of by itself
            if other != name:
                raise ValueError(f'has "{other}" and "{name}", which are the same; keep one of them')
        return tables

    return BeforeValidator(checked)
