"""The emails of a list as templates for an ESP, beside the list: a pure function of the playbook's version that decided."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from activation.emails.render import compile_step
from activation.playbook.content import Content

FOLDER = "templates"


def templates_of(table: pa.Table, contents: Mapping[str, Content]) -> dict[str, bytes]:
    """Content by name below the list's folder: an HTML and a text part for each email that the list sends.

    Args:
        table: Columns template, flow, step and playbook_version of a send list.
        contents: By version; one that was stored before emails were made of blocks has none, and gives no template.
    """
    columns = ["template", "flow", "step", "playbook_version"]
    used = table.select(columns).group_by(columns).aggregate([]).sort_by("template")
    files: dict[str, bytes] = {}
    for row in used.to_pylist():
        content = contents.get(row["playbook_version"])
        if content is not None:
            template = compile_step(content, row["flow"], row["step"])
            name = f"{FOLDER}/{row['template']}"
            files[f"{name}.html"], files[f"{name}.txt"] = template.html.encode(), template.text.encode()
    return files


def write_templates(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write templates and remove those of an earlier list; readers see old or new files.

    Args:
        folder: Of the list.
        files: As `templates_of` gives them.

    Returns:
        The files.
    """
    target = folder / FOLDER
    if files:
        target.mkdir(exist_ok=True)
    for earlier in target.glob("*"):
        if f"{FOLDER}/{earlier.name}" not in files:
            earlier.unlink()
    for name, content in files.items():
        temporary = folder / f"{name}.tmp"
        temporary.write_bytes(content)
        temporary.replace(folder / name)
    return [folder / name for name in files]
