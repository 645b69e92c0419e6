"""The dbt project as parsed, once for all homes: kept by what its files say, and given back with this home's folder in it.

dbt itself parses anew for each home, since its profile and the locations of two sources name the home (docs/decisions/0051).
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.resources import ROOT, Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT = ROOT / "dbt_project"
WRITTEN_BY_DBT = {"target", "logs"}
HOME_FOLDER = "HOME_FOLDER"  # stands for the home in what is kept
KEPT = 10  # parses, the newest ones: of edits, and of settings
PARSED, AS_JSON, TESTS = "parsed.json", "manifest.json", "compiled_tests.json"


@dataclass(frozen=True)
class ParsedProject:
    """What a parse of the project as its files read now gave.

    Attributes:
        folder: Where it is kept, if it was parsed before; beside the project, or in the home where that is read-only.
        home: Whose folder is in what is given back.
    """

    folder: Path
    home: Path

    @classmethod
    def of(cls, settings: Settings) -> "ParsedProject":
        """The parse that these settings need; what SQL is compiled into may hold each of them, so each has its own."""
        place = PROJECT / "target" if os.access(PROJECT, os.W_OK) else settings.home / "dbt_target"
        return cls(place / "parsed" / _fingerprint(settings), settings.home)

    def manifest(self) -> "Manifest | None":
        """Dbt's own manifest object, or None if this was not parsed before."""
        from dbt.contracts.graph.manifest import Manifest

        said = self._read(PARSED)
        if said is None:
            return None
        manifest: Manifest = Manifest.from_dict(said)
        manifest.build_flat_graph()
        return manifest

    def as_json(self) -> dict[str, Any] | None:
        """The manifest as dbt writes it, or None if this was not parsed before."""
        return self._read(AS_JSON)

    def tests(self) -> dict[str, str] | None:
        """SQL of compiled tests by unique id, or None if they were not compiled before."""
        return self._read(TESTS)

    def keep(self, manifest: "Manifest", written: Path) -> None:
        """Keep a parse, and drop the oldest ones. One in which the home's name stands elsewhere too would be wrong in another home.

        Args:
            manifest: What it gave.
            written: The manifest.json that dbt wrote of it.
        """
        # What macros see of it is made again. Values of the environment, the salt too, are noted to see whether they change.
        said = manifest.to_dict(omit_none=False) | {"flat_graph": {}, "env_vars": {}}
        is_told_elsewhere = _quoted(self.home) in json.dumps(said | {"sources": {}})
        if self.folder.exists() or (is_told_elsewhere and not _is_above_the_project(self.home)):
            return
        whole = self.folder.with_name(f"{self.folder.name}.{os.getpid()}.tmp")
        whole.mkdir(mode=0o700, parents=True)
        self._write(whole / PARSED, json.dumps(said))
        self._write(whole / AS_JSON, written.read_text(encoding="utf-8"))
        try:
            whole.rename(self.folder)
        except OSError:  # another process was faster: what it kept says the same
            shutil.rmtree(whole)
        for old in sorted(self.folder.parent.iterdir(), key=_age, reverse=True)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def keep_tests(self, queries: dict[str, str]) -> None:
        """Keep the SQL of tests, by unique id, beside the manifest that they are of, if that is kept still."""
        if not self.folder.exists():
            return
        temporary = self.folder / f"{TESTS}.{os.getpid()}.tmp"
        self._write(temporary, json.dumps(queries))
        temporary.replace(self.folder / TESTS)

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        if not path.exists():
            return None
        text = path.read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(text.replace(HOME_FOLDER, _quoted(self.home)))
        return found

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text.replace(_quoted(self.home), HOME_FOLDER), encoding="utf-8")


def _fingerprint(settings: Settings) -> str:
    """One name for all that a parse or a compiled test can depend on but the home, and for that too where it is in the project's path."""
    home = str(settings.home) if _is_above_the_project(settings.home) else ""
    said = (
        str(PROJECT), version("dbt-core"), version("dbt-duckdb"), settings.target, settings.timezone, settings.currency, settings.salt,
        home,
    )  # fmt: skip
    digest = hashlib.sha256(json.dumps(said).encode())
    for path in sorted(_files()):
        digest.update(
            path.relative_to(PROJECT).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest()
        )
    return digest.hexdigest()[:32]


def _files() -> Iterator[Path]:
    for folder, below, names in os.walk(PROJECT):
        if Path(folder) == PROJECT:
            below[:] = [name for name in below if name not in WRITTEN_BY_DBT]
        yield from (Path(folder, name) for name in names)


def _is_above_the_project(home: Path) -> bool:
    return str(home) in str(PROJECT)


def _quoted(home: Path) -> str:
    """The folder as it reads within a string of JSON."""
    return json.dumps(str(home))[1:-1]


def _age(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0  # another process may drop it meanwhile
