"""`prompts/*.yml`: the texts by which a language model is asked for words, as marketing wrote them."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from activation.playbook.governance import hash_of
from activation.playbook.parts import Name, Part, Text

Purpose = Literal["subject", "block"]

Told = Literal[
    "block", "body_characters", "core_message", "count", "forbidden", "headline_characters", "language", "placeholders", "preheader",
    "purpose", "sender_name", "subject", "subject_characters", "voice", "words",
]  # fmt: skip
"""What a prompt can tell a model: all of it stands in the playbook, nothing in the warehouse."""

PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


class ChatMessage(NamedTuple):
    """One message of a request, as the registry keeps it and an endpoint takes it."""

    role: str
    content: str


class Prompt(Part):
    """One file of `prompts/`.

    Attributes:
        prompt: Its name, also in the registry.
        proposes: What it asks for.
        variables: What stands in its texts as `{{ name }}`.
        system: Who the model is to be.
        user: What it is to do.
    """

    prompt: Name
    proposes: Purpose
    variables: tuple[Told, ...] = Field(min_length=1)
    system: Text
    user: Text

    @model_validator(mode="after")
    def _declares_what_it_uses(self) -> Self:
        used = {name for message in self.messages for name in PLACE.findall(message.content)}
        if undeclared := sorted(used - set(self.variables)):
            message = f"variable {undeclared[0]} is not declared in variables"
            raise ValueError(message)
        if unused := sorted(set(self.variables) - used):
            message = f"variable {unused[0]} is declared and not used"
            raise ValueError(message)
        return self

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """Its texts as a conversation."""
        return (ChatMessage("system", self.system.strip()), ChatMessage("user", self.user.strip()))

    @property
    def content_hash(self) -> str:
        """What an approval of it has to name."""
        return hash_of_messages(self.messages)


def hash_of_messages(messages: Sequence[tuple[str, str]]) -> str:
    """Hash of the texts alone, so that what stands in the registry can be held against an approval."""
    return hash_of(json.dumps([[role, content] for role, content in messages], ensure_ascii=False))


def fill(messages: Sequence[tuple[str, str]], told: Mapping[str, str]) -> tuple[ChatMessage, ...]:
    """Put values into a prompt, once: what looks like a place within a value stays as it is.

    Raises:
        KeyError: The prompt asks for something that cannot be told.
    """
    return tuple(ChatMessage(role, PLACE.sub(lambda place: told[place[1]], content)) for role, content in messages)
