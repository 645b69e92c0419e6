"""What marketing says of each segment beside its rule: who acts on it, how often it moves, how large and how stable it must be."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from activation.playbook.governance import hash_of
from activation.playbook.located import Fault, Located, read_located
from activation.playbook.parts import Days, Name, Part, Share, Text

META = ("models", 0, "config", "meta")
DBT = {"partitioned_by", "dagster"}  # keys of the same place that are not marketing's
SUNDAY = 7  # of date.isoweekday, and the remainder of its ordinal is 0


class Segment(Part):
    """The meta of one file of `dbt_project/models/segments`.

    Attributes:
        segment: Name of the model.
        action: What is done for its members.
        owner: Whom to ask.
        refresh: `daily`, or `weekly` on Sundays.
        expires_on: Last day on which it has members.
        minimum_size: Members below which no content is chosen by it.
        minimum_days: Days before a person who entered may leave by the rule, and one who left may enter again.
        flip_budget: Largest share of the members that may enter, or leave, by the rule in one refresh.
    """

    segment: Name
    action: Text
    owner: Annotated[str, Field(pattern=r"^team:[a-z_]+$")]
    refresh: Literal["daily", "weekly"]
    expires_on: date
    minimum_size: Annotated[int, Field(ge=1)]
    minimum_days: Days
    flip_budget: Annotated[Share, Field(gt=0)]

    def is_expired(self, day: date) -> bool:
        """Whether it has no members any more on a day."""
        return self.expires_on < day

    def refreshes(self, day: date, before: date | None) -> int:
        """How often it is due after the day that was moved before, through `day`; the first day of all is due."""
        if before is None:
            return 1
        if self.refresh == "daily":
            return (day - before).days
        return day.toordinal() // SUNDAY - before.toordinal() // SUNDAY


def content_of(rule: str, segment: Segment) -> str:
    """What an approval of a segment is of: its rule, and all of its meta that decides who is in it."""
    settings = segment.model_dump(mode="json", exclude={"segment", "action", "owner"})
    return hash_of(f"{rule}\n{json.dumps(settings, sort_keys=True)}")


def read_segments(folder: Path) -> tuple[tuple[Segment, ...], tuple[Fault, ...]]:
    """The meta of every segment by name, and what is wrong with them: file, line and message."""
    segments, faults = [], []
    for path in sorted(folder.rglob("*.sql"), key=lambda path: path.stem):
        found, wrong = _read(path.with_suffix(".yml"), name=f"{folder.name}/{path.stem}.yml")
        segments += [found] if found else []
        faults += wrong
    return tuple(segments), tuple(faults)


def _read(path: Path, *, name: str) -> tuple[Segment | None, list[Fault]]:
    located, faults = read_located(path, name=name)
    if faults:
        return None, faults
    try:
        meta = located.content["models"][0]["config"]["meta"]
        written = {key: value for key, value in meta.items() if key not in DBT}
    except (TypeError, KeyError, IndexError, AttributeError):
        return None, [located.fault((), "models[0].config.meta is missing: action, owner, refresh, expires_on, …")]
    try:
        return Segment.model_validate_json(json.dumps({**written, "segment": path.stem}, default=str)), []
    except ValidationError as problem:
        return None, [_fault(located, detail) for detail in problem.errors()]


def _fault(located: Located, detail: Any) -> Fault:
    (key,) = detail["loc"] or ("meta",)
    said = {"missing": f"{key} is missing", "extra_forbidden": f"{key} is not known here"}
    return located.fault((*META, key), said.get(detail["type"], f"{key}: {str(detail['msg']).lower()}"))
