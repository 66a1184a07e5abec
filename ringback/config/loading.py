"""ringback.toml and the environment, read once.

Every fault is found in one go, one line each, and stops the start: a wrong setting must not show up as a lost
request weeks later.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ringback.config.environment import SMTP_EXAMPLE, read_environment, whole_number
from ringback.config.settings import Configuration, Settings

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
    tables = _read_file(path, faults)
    configuration = _check_file(path, tables, faults) if tables is not None else None
    if configuration and configuration.alerts.email and "smtp_url" not in values:
        faults.append(f"SMTP_URL: is missing; alerts.email needs a mail server, {SMTP_EXAMPLE}")
    if faults or configuration is None:
        raise SettingsError(faults)
    return Settings(**dict(configuration), **values)


def read_configuration(path: Path) -> Configuration:
    """The file alone, for a start whose environment is our own. Raises SettingsError."""
    faults: list[str] = []
    tables = _read_file(path, faults)
    configuration = _check_file(path, tables, faults) if tables is not None else None
    if configuration is None:
        raise SettingsError(faults)
    return configuration


def read_port(environ: Mapping[str, str]) -> int:
    """PORT alone, likewise. Raises SettingsError."""
    try:
        return whole_number(0, 65535)(environ.get("PORT", "").strip() or "8000")
    except ValueError as error:
        raise SettingsError([f"PORT: {error}"]) from None


def _read_file(path: Path, faults: list[str]) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        faults.append(f"{path}: there is no such file; RINGBACK_CONFIG should name your ringback.toml")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{path}: cannot be read ({type(error).__name__}); it should be a readable text file")
    except ValueError as error:  # of a number without end Python says so itself
        faults.append(f"{path}: is not TOML: {error}")
    return None


def _check_file(path: Path, tables: dict[str, Any], faults: list[str]) -> Configuration | None:
    try:
        return Configuration.model_validate(tables, context={"folder": path.parent})
    except ValidationError as error:
        faults.extend(_file_fault(path, tables, fault) for fault in error.errors())
    return None


def _file_fault(path: Path, tables: dict[str, Any], fault: Any) -> str:
    """One line: the file, the key, what it is, and the mend."""
    keys = [str(key) for key in fault["loc"] if key not in ("[key]", "key")]
    name = ".".join(keys) or "the file"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("a valid tuple", "a list")
    if fault["type"] == "extra_forbidden":
        return f"{path}: {name}: unknown setting; remove it, or fix the spelling"
    if fault["type"] == "missing":
        return f"{path}: {name}: is missing; add it"
    value = _value_at(tables, fault["loc"])
    is_endless = isinstance(value, int) and abs(value) > _LONGEST_SHOWN  # to write it out may be refused
    is_shown = isinstance(value, str | int | float | bool | list) and not is_endless
    it_is = f" (it is {value!r})" if is_shown else ""
    return f"{path}: {name}: {message[0].lower() + message[1:]}{it_is}"


def _value_at(tables: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        try:
            tables = tables[key]
        except (KeyError, IndexError, TypeError):
            return None
    return tables
