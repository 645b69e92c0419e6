"""Puts accepted words into a flow's file, line by line, so that remarks and layout stay as a person wrote them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from activation.emails.proposals import ProposalRefused, SubjectWords
from activation.playbook.flows import Flow
from activation.playbook.located import Place, read_located

MARGIN = re.compile(r"\s*(?:- )?")


class Edit(NamedTuple):
    """Lines that come into a file: in place of a line, or before it."""

    line: int
    texts: tuple[str, ...]
    replaces: bool


class _File:
    """A flow's file as text, as values, and where each value stands."""

    def __init__(self, path: Path, step: int) -> None:
        located, _ = read_located(path, name=path.name)
        self.name = f"flows/{path.name}"
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.content: dict[str, Any] = located.content
        self.at: Mapping[Place, int] = located.lines
        if ("steps", step - 1) not in self.at:
            message = f"{self.name} has no step {step} any more"
            raise ProposalRefused(message)

    def row(self, place: Place) -> int:
        """Index of the line of a key."""
        return self.at[place] - 1

    def margin(self, place: Place, *, with_dash: bool = False) -> str:
        """What stands before a key, the dash of a list as a blank."""
        found = MARGIN.match(self.lines[self.row(place)])
        text = found[0] if found else ""
        return text if with_dash else " " * len(text)

    def set(self, place: Place, value: str, *, after: str) -> Edit:
        """Write a key of one line, in its place or after another key."""
        written = f"{place[-1]}: {value}"
        if place in self.at:
            return Edit(self.row(place), (self.margin(place, with_dash=True) + written,), replaces=True)
        other: Place = (*place[:-1], after)
        return Edit(self.row(other) + 1, (self.margin(other) + written,), replaces=False)

    def amended(self, edits: tuple[Edit, ...], wanted: Mapping[str, Any], *, by_hand: str) -> str:
        """The text with some edits, if it then says what is wanted and nothing else.

        Raises:
            ProposalRefused: It does not; it names what to write by hand.
        """
        lines = list(self.lines)
        for edit in sorted(edits, key=lambda each: each.line, reverse=True):
            lines[edit.line : edit.line + edit.replaces] = edit.texts
        text = "\n".join(lines) + "\n"
        try:
            says = Flow.model_validate(yaml.safe_load(text))
        except (yaml.YAMLError, ValidationError):
            says = None
        if says != Flow.model_validate(wanted):
            message = f"{self.name} is written in a way that no line can be put into: write by hand, {by_hand}"
            raise ProposalRefused(message)
        return text


def with_subject(path: Path, step: int, words: SubjectWords) -> str:
    """The text of a flow's file with another subject and preheader of a step.

    Raises:
        ProposalRefused: A line cannot be replaced, as values reach over lines or stand in braces; it names what to write by hand.
    """
    file = _File(path, step)
    place: Place = ("steps", step - 1)
    file.content["steps"][step - 1] |= words.texts
    edits = tuple(
        file.set((*place, name), json.dumps(text, ensure_ascii=False), after="subject")
        for name, text in words.texts.items()
    )
    return file.amended(edits, file.content, by_hand=f"subject: {words.subject}, preheader: {words.preheader}")


def with_variant(path: Path, step: int, block: str, variant: str, *, segment: str) -> str:
    """The text of a flow's file in which a segment gets another variant of a block, before all others.

    The block's tier is then experimental.

    Raises:
        ProposalRefused: As of `with_subject`.
    """
    file = _File(path, step)
    blocks = file.content["steps"][step - 1]["blocks"]
    index = next(position for position, each in enumerate(blocks) if each["block"] == block)
    place: Place = ("steps", step - 1, "blocks", index)
    had = blocks[index]
    item = (f"- variant: {variant}", f"  when: {{segment: {segment}}}")
    if "variants" in had:
        margin = file.margin((*place, "variants"))
        first = file.row((*place, "variants", 0))
        inner = MARGIN.match(file.lines[first])
        margin = inner[0].removesuffix("- ") if inner else margin
        adds = Edit(first, tuple(margin + text for text in item), replaces=False)
    else:
        margin = file.margin((*place, "fallback"))
        texts = (f"{margin}variants:", *(f"{margin}  {text}" for text in item))
        adds = Edit(file.row((*place, "fallback")) + 1, texts, replaces=False)
    edits = (adds, file.set((*place, "tier"), "experimental", after="block"))
    rule = {"variant": variant, "when": {"segment": segment}}
    blocks[index] = {**had, "tier": "experimental", "variants": [rule, *had.get("variants", ())]}
    by_hand = (
        f"in block {block}, tier: experimental and variants: [{{variant: {variant}, when: {{segment: {segment}}}}}]"
    )
    return file.amended(edits, file.content, by_hand=by_hand)
