"""ringback.toml and the environment, read once.

Every fault is found in one go, one line each, and stops the start: a wrong setting must not show up as a lost
request weeks later.
"""

from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ringback.config.environment import SMTP_EXAMPLE, read_environment, whole_number
from ringback.config.settings import Configuration, Settings
from ringback.config.toml_file import TomlFile, read_toml

# Where one of these is set, somebody means the requests of a real site.
_ONLY_IN_PRODUCTION = ("DATABASE_URL", "DATABASE_URL_FILE", "PUBLIC_URL")
_LONGEST_SHOWN = 10**18


class SettingsError(Exception):
    """The settings are wrong or missing; `faults` has a line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def config_path(environ: Mapping[str, str]) -> Path:
    """Where ringback.toml should be."""
    return Path(environ.get("RINGBACK_CONFIG") or "ringback.toml")


def is_configured(environ: Mapping[str, str]) -> bool:
    """Whether there is a configuration: a file, or a setting that names one."""
    return bool(environ.get("RINGBACK_CONFIG")) or config_path(environ).exists()


def refuse_without_file(environ: Mapping[str, str]) -> None:
    """Raise SettingsError where settings of production are there and only the file is not.

    Whoever forgot RINGBACK_CONFIG would look at the sandbox's empty store, and believe that all is well.
    """
    given = [name for name in _ONLY_IN_PRODUCTION if environ.get(name, "").strip()]
    if given:
        raise SettingsError(
            [
                f"RINGBACK_CONFIG: is missing beside {' and '.join(given)}, and there is no "
                f"{config_path(environ).absolute()}; it should name your ringback.toml. "
                "The sandbox starts only without them"
            ]
        )


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check everything. Raises SettingsError with every fault at once."""
    faults: list[str] = []
    values = read_environment(environ, faults)
    path = config_path(environ)
    configuration = _read_file(path, faults)
    if configuration and configuration.alerts.email and "smtp_url" not in values:
        faults.append(f"SMTP_URL: is missing; alerts.email needs a mail server, {SMTP_EXAMPLE}")
    mailing = (
        [key for key, widget in configuration.widgets.items() if widget.confirm_by_email] if configuration else []
    )
    if mailing and "smtp_url" not in values:
        faults.append(
            f"SMTP_URL: is missing; confirm_by_email of {mailing[0]} needs a mail server, {SMTP_EXAMPLE}"
        )
    if faults or configuration is None:
        raise SettingsError(faults)
    return Settings(**dict(configuration), **values)


def read_configuration(path: Path) -> Configuration:
    """The file alone, for a start whose environment is our own. Raises SettingsError."""
    faults: list[str] = []
    configuration = _read_file(path, faults)
    if configuration is None:
        raise SettingsError(faults)
    return configuration


def read_port(environ: Mapping[str, str]) -> int:
    """PORT alone, likewise. Raises SettingsError."""
    try:
        return whole_number(0, 65535)(environ.get("PORT", "").strip() or "8000")
    except ValueError as error:
        raise SettingsError([f"PORT: {error}"]) from None


def _read_file(path: Path, faults: list[str]) -> Configuration | None:
    try:
        file = read_toml(path)
        return Configuration.model_validate(file.tables, context={"folder": path.parent})
    except FileNotFoundError:
        faults.append(f"{path}: there is no such file; RINGBACK_CONFIG should name your ringback.toml")
    except OSError as error:
        faults.append(f"{path}: cannot be read ({type(error).__name__}); it should be a readable text file")
    except ValidationError as error:
        faults.extend(_file_fault(path, file, fault) for fault in error.errors() if not _is_echo(file, fault))
    except ValueError as error:
        faults.append(f"{path}: {error}")
    return None


_PLAINLY = {
    "string_type": 'should be text in quotes, "like this"',
    "tuple_type": 'should be a list, like ["one", "two"]',
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number and nothing else",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number and nothing else",
    "model_type": "should be a table of its own, with settings below it",
    "dict_type": "should be a table of its own, with settings below it",
    "extra_forbidden": "unknown setting; remove it, or fix the spelling",
    "missing": "is missing; add it",
    "too_short": "should have at least one in it",
}
_UNSEEN = ("extra_forbidden", "missing")


def _is_echo(file: TomlFile, fault: Any) -> bool:
    """Whether a list is called too short only because what is in it was refused."""
    return fault["type"] == "too_short" and bool(_value_at(file.tables, fault["loc"]))


def _file_fault(path: Path, file: TomlFile, fault: Any) -> str:
    """One line: the file and the line in it, the key, what it is, and the mend."""
    keys = [key for key in fault["loc"] if key not in ("[key]", "key")]
    name = ".".join(map(str, keys)) or "the file"
    line = file.line_of(keys)
    told = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = _PLAINLY.get(fault["type"], told[0].lower() + told[1:])
    value = _value_at(file.tables, fault["loc"])
    is_endless = isinstance(value, int) and abs(value) > _LONGEST_SHOWN  # to write it out may be refused
    is_shown = (
        isinstance(value, str | int | float | bool | list) and fault["type"] not in _UNSEEN and not is_endless
    )
    it_is = f" (it is {value!r})" if is_shown else f" (it is {value})" if isinstance(value, date | time) else ""
    return f"{path}: {f'line {line}: ' if line else ''}{name}: {message}{it_is}"


def _value_at(tables: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        try:
            tables = tables[key]
        except (KeyError, IndexError, TypeError):
            return None
    return tables
