"""YAML with the line of every value, so that a fault can name the place to mend."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]
LOADER = yaml.CSafeLoader  # a tenth of the time of the one in Python, and every command reads the whole playbook


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """The fault as editors and terminals link it: `file:line: message`."""
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Located:
    """The plain content of one YAML file and the line on which each key or item stands."""

    file: str
    content: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """Line of a place; of the nearest enclosing place where the place itself is not written."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return 1

    def fault(self, place: Place, message: str) -> Fault:
        """A fault at a place of this file."""
        return Fault(self.file, self.line(place), message)


def read_located(path: Path, *, name: str) -> tuple[Located, list[Fault]]:
    """Read one YAML file.

    Args:
        path: The file.
        name: How faults call it.

    Returns:
        The content with its lines, and what is wrong with the YAML itself (no file, syntax, a key written twice).
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=LOADER)
    except (FileNotFoundError, IsADirectoryError):
        return Located(name, None, {}), [Fault(name, 1, "the file is missing")]
    except UnicodeDecodeError:
        return Located(name, None, {}), [Fault(name, 1, "the file is not UTF-8 text")]
    except yaml.YAMLError as problem:
        return Located(name, None, {}), [_syntax_fault(name, problem)]
    if node is None:
        return Located(name, None, {}), [Fault(name, 1, "the file is empty")]
    lines: dict[Place, int] = {}
    faults: list[Fault] = []
    _walk(node, (), name, lines, faults)
    if faults:
        return Located(name, None, lines), faults
    return Located(name, yaml.load(text, Loader=LOADER), lines), []  # noqa: S506 (a safe one)


def _syntax_fault(name: str, problem: yaml.YAMLError) -> Fault:
    mark = getattr(problem, "problem_mark", None)
    reason = getattr(problem, "problem", None) or "no YAML"
    return Fault(name, mark.line + 1 if mark else 1, f"cannot be read: {reason}")


def _walk(node: yaml.Node, place: Place, name: str, lines: dict[Place, int], faults: list[Fault]) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                faults.append(Fault(name, line, f"{key.value} is written twice"))
            seen.add(key.value)
            lines[(*place, key.value)] = line
            _walk(value, (*place, key.value), name, lines, faults)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            _walk(item, (*place, position), name, lines, faults)
