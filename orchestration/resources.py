"""What the assets are handed: settings read once from the environment, the warehouse, dbt, the state store."""

import ipaddress
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from activation.release.relay import Relay, parse_relay
from activation.state.store import StateStore

ROOT = Path(__file__).resolve().parent.parent
PLAYBOOK = ROOT / "playbook"
DAGSTER_UI, MLFLOW_UI = "http://127.0.0.1:3000", "http://127.0.0.1:5000"  # as `make dev` starts them

QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven processes of 250 MB for what nobody here asks of it
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "MPLBACKEND": "Agg",
}

DAGSTER_YAML = """\
# DuckDB has one writer: every asset and check takes the one slot of the pool before it opens the warehouse.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: op
event_log_storage:
  module: orchestration.event_log
  class: OneConnectionEventLogStorage
  config:
    base_dir: {env: DAGSTER_HOME}
"""


class UserError(Exception):
    """A fault of the input or the call; the message is one line that says what to do (exit code 2)."""


@dataclass(frozen=True)
class Settings:
    """What a user may set, all by environment variables named HOLDFAST_*."""

    home: Path
    landing: Path
    timezone: str
    currency: str
    target: str
    salt: str
    mlflow: str = ""
    smtp: Relay | None = None

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.home / "warehouse.duckdb"

    @property
    def state(self) -> Path:
        """Folder of what was decided; survives the deletion of the warehouse."""
        return self.home / "state"

    @property
    def publish(self) -> Path:
        """Folder of the files that leave the house."""
        return self.home / "publish"

    @property
    def tracking_uri(self) -> str:
        """MLflow's tracking store: HOLDFAST_MLFLOW, or a file of the home."""
        if self.mlflow:
            return self.mlflow
        return f"sqlite:///{self.home / 'mlflow' / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifact folder."""
        return self.home / "mlflow" / "artifacts"

    @property
    def mlflow_ui(self) -> str:
        """Where people look at MLflow: the tracking server itself, or what `make dev` starts."""
        return self.mlflow.rstrip("/") if self.mlflow.startswith("http") else MLFLOW_UI

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose midnight ends a business day."""
        return ZoneInfo(self.timezone)

    def today(self) -> date:
        """The current business day."""
        return datetime.now(self.zone).date()


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        UserError: If the time zone or the target is unknown.
    """
    home = Path(os.environ.get("HOLDFAST_HOME", ".holdfast")).resolve()
    settings = Settings(
        home=home,
        landing=Path(os.environ.get("HOLDFAST_LANDING", home / "landing")).resolve(),
        timezone=os.environ.get("HOLDFAST_TIMEZONE", "UTC"),
        currency=os.environ.get("HOLDFAST_CURRENCY", ""),
        target=os.environ.get("HOLDFAST_TARGET", "duckdb"),
        salt=os.environ.get("HOLDFAST_SALT", "holdfast"),
        mlflow=os.environ.get("HOLDFAST_MLFLOW", ""),
        smtp=_read_relay(os.environ.get("HOLDFAST_SMTP_URL", "")),
    )
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError) as fault:
        message = f"HOLDFAST_TIMEZONE={settings.timezone!r} is no time zone: use a name such as Europe/London"
        raise UserError(message) from fault
    if settings.currency and not re.fullmatch("[A-Z]{3}", settings.currency):
        message = f"HOLDFAST_CURRENCY={settings.currency!r} is no ISO 4217 code: use a code such as EUR"
        raise UserError(message)
    if settings.target != "duckdb":
        message = f"HOLDFAST_TARGET={settings.target!r} is not supported here: use duckdb"
        raise UserError(message)
    return settings


def _read_relay(url: str) -> Relay | None:
    """The relay; a fault names no part of it, as it holds a password."""
    try:
        return parse_relay(url) if url else None
    except ValueError as fault:
        message = f"HOLDFAST_SMTP_URL cannot be used: {fault}"
        raise UserError(message) from None


@dataclass(frozen=True)
class Endpoint:
    """Where a language model answers in OpenAI's protocol.

    Attributes:
        url: Its address, such as https://host/v1.
        model: Which model; blank: the only one that it has.
        key: What lets us in; it is in no text of this object.
    """

    url: str
    model: str = ""
    key: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Its host and port, for people and files."""
        return urlsplit(self.url).netloc


def read_endpoint() -> Endpoint:
    """Read from the environment which language model may be asked for words; without it nobody is asked.

    Raises:
        UserError: None is named, or its address is none or would carry the key where others can read it.
    """
    url = os.environ.get("HOLDFAST_LLM_URL", "")
    if not url:
        message = (
            "no language model is set: export HOLDFAST_LLM_URL=https://host/v1 of any OpenAI-compatible endpoint"
            " (and HOLDFAST_LLM_MODEL and HOLDFAST_LLM_KEY, if it wants them)"
        )
        raise UserError(message)
    endpoint = Endpoint(
        url.rstrip("/"), os.environ.get("HOLDFAST_LLM_MODEL", ""), os.environ.get("HOLDFAST_LLM_KEY", "").strip()
    )
    host = _host_of(url)
    if host is None:
        message = (
            "HOLDFAST_LLM_URL is no address of an endpoint: write https://host/v1, and the key into HOLDFAST_LLM_KEY"
        )
        raise UserError(message)
    if not re.fullmatch(r"[!-~]*", endpoint.key):
        message = "HOLDFAST_LLM_KEY holds a blank or a letter that no key has: copy it again"
        raise UserError(message)
    if endpoint.key and url.lower().startswith("http:") and not _is_here(host):
        message = "HOLDFAST_LLM_KEY would travel where others can read it: use https in HOLDFAST_LLM_URL"
        raise UserError(message)
    return endpoint


def _host_of(url: str) -> str | None:
    """The host of an address that holds nothing secret; None where it is no such address."""
    try:
        parts = urlsplit(url)
        is_plain = parts.port != 0 and not ("@" in parts.netloc or parts.query or parts.fragment)
    except ValueError:
        return None
    return parts.hostname if is_plain and parts.scheme in {"http", "https"} else None


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def prepare_home(**overrides: str | Path | None) -> Settings:
    """Create the home folder with Dagster's settings in it and point the tools of this process at it.

    Args:
        overrides: Values for HOLDFAST_* variables by lower-case name (`landing=...`); None leaves one as it is.
    """
    for name, value in overrides.items():
        if value is not None:
            os.environ[f"HOLDFAST_{name.upper()}"] = str(value)
    settings = read_settings()
    dagster_home = settings.home / "dagster"
    for folder in (dagster_home, settings.state, settings.publish, settings.artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    instance = dagster_home / "dagster.yaml"
    if not instance.exists():
        instance.write_text(DAGSTER_YAML)
    os.environ.update(QUIET)
    os.environ.setdefault("DAGSTER_HOME", str(dagster_home))
    _export(settings)
    return settings


def settings_of_code_location() -> Settings:
    """Settings for a process that Dagster started (UI, daemon, run worker).

    Raises:
        UserError: If DAGSTER_HOME is not set: without it the pool limits that protect the warehouse are lacking.
    """
    settings = read_settings()
    if "DAGSTER_HOME" not in os.environ:
        message = f"DAGSTER_HOME is not set: export DAGSTER_HOME={settings.home / 'dagster'} or use `make dev`"
        raise UserError(message)
    os.environ.update(QUIET)
    _export(settings)
    return settings


def _export(settings: Settings) -> None:
    """Give dbt's profile, which reads the environment itself, the same resolved values."""
    os.environ["HOLDFAST_HOME"] = str(settings.home)
    os.environ["HOLDFAST_TIMEZONE"] = settings.timezone
    os.environ["HOLDFAST_CURRENCY"] = settings.currency
    os.environ["HOLDFAST_SALT"] = settings.salt


@dataclass(frozen=True)
class Warehouse:
    """Short-lived connections to the DuckDB file: it has one writer, so nobody keeps it open between steps."""

    path: Path

    @contextmanager
    def connect(self, *, patience: float = 600.0, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection in UTC that is closed on exit.

        Args:
            patience: Seconds to wait for a process that holds the file, such as a step of another run.
            read_only: Whether only temporary tables may be written.

        Raises:
            UserError: If the file is still held then, naming the process, or cannot be opened at all.
        """
        connection = self._open(time.monotonic() + patience, read_only=read_only)
        try:
            connection.execute("set timezone = 'UTC'")
            yield connection
        finally:
            connection.close()

    def _open(self, deadline: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only)
            except duckdb.IOException as fault:
                if "lock" not in str(fault) or time.monotonic() > deadline:
                    raise UserError(_locked(self.path, str(fault))) from fault
            time.sleep(0.5)


def _locked(path: Path, message: str) -> str:
    """One line about a warehouse that cannot be opened, with the process that holds it where DuckDB names it."""
    if "lock" not in message:
        return f"cannot open {path}: {message.splitlines()[0]}"
    holder = message.partition("PID ")[2].partition(")")[0] or "unknown"
    return f"{path} is held by another process (PID {holder}): close it, or run `holdfast unlock` if it was killed"


def open_state(settings: Settings) -> StateStore:
    """The store of what was decided: ledger, assignments, promotions, playbook versions."""
    return StateStore(settings.state)
