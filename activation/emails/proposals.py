"""Words that a language model proposes for an email: what it is told, how its answer is read, and what a person then has to accept.

A proposal is a file of `playbook/proposals/`. Nothing loads it as content (docs/decisions/0047-a-proposal-is-a-file.md).
"""

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, ValidationError

from activation.emails.render import one_line
from activation.playbook.content import ENDINGS, Content, Ending, fragment
from activation.playbook.flows import Block, Step
from activation.playbook.governance import ContentHash, hash_of
from activation.playbook.parts import Name, Part, Text
from activation.playbook.playbook import Playbook
from activation.playbook.prompts import ChatMessage, Purpose
from activation.playbook.wording import Remark, Wording

FOLDER = "proposals"
LONGEST = 2_000  # characters of one text; beyond it an answer is no wording but a failure
MOST_PARAGRAPHS = 4
MOST_FAULTS = 3  # that an error names

PLACEHOLDER = re.compile(r"\{\{ ?([a-z_]+) ?\}\}")
FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)


class ProposalRefused(Exception):
    """A proposal cannot be asked for or accepted; the message is one line that says what to do."""


class AnswerRefused(Exception):
    """An answer is not what was asked for; the message names what is wrong with its form and holds none of its text."""


def _plain(text: str) -> str:
    """One line, composed, without control characters."""
    line = one_line(unicodedata.normalize("NFC", text))
    if not line:
        message = "is empty"
        raise ValueError(message)
    if len(line) > LONGEST:
        message = f"has {len(line)} characters, {LONGEST} may be"
        raise ValueError(message)
    return line


Line = Annotated[str, AfterValidator(_plain)]


class SubjectWords(Part):
    """A subject with its preheader."""

    subject: Line
    preheader: Line

    @property
    def texts(self) -> Mapping[str, str]:
        """Its texts by field."""
        return {"subject": self.subject, "preheader": self.preheader}


def _few(paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(paragraphs) <= MOST_PARAGRAPHS:
        message = f"{len(paragraphs)} paragraphs, 1 to {MOST_PARAGRAPHS} may be"
        raise ValueError(message)
    return paragraphs


class BlockWords(Part):
    """A headline with its paragraphs."""

    headline: Line
    paragraphs: Annotated[tuple[Line, ...], AfterValidator(_few)]

    @property
    def texts(self) -> Mapping[str, str]:
        """Its texts by field."""
        return {"headline": self.headline, **{f"paragraph {at}": text for at, text in enumerate(self.paragraphs, 1)}}


Words = SubjectWords | BlockWords


class SubjectAnswer(Part):
    """What a model answers to the question for subjects."""

    variants: tuple[SubjectWords, ...]


class BlockAnswer(Part):
    """What a model answers to the question for words of a block."""

    variants: tuple[BlockWords, ...]


ANSWERS: Mapping[Purpose, type[SubjectAnswer] | type[BlockAnswer]] = {"subject": SubjectAnswer, "block": BlockAnswer}


@dataclass(frozen=True)
class Brief:
    """All that a model is told about an email: what the playbook says of it.

    Attributes:
        flow: Its flow.
        step: Its step.
        block: The block that words are wanted for; None: the subject.
        told: Value of each variable of a prompt.
        placeholders: Variables that words may show, with what is shown where they are not known.
        subject_characters: Longest subject.
    """

    flow: str
    step: str
    block: str | None
    told: Mapping[str, str]
    placeholders: Mapping[str, str]
    subject_characters: int

    @property
    def purpose(self) -> Purpose:
        """What is asked for."""
        return "subject" if self.block is None else "block"

    @property
    def said(self) -> str:
        """What people wrote about the offer: numbers and promises that a proposal may repeat."""
        return "\n".join(self.told[name] for name in ("purpose", "subject", "preheader", "core_message", "words"))


class Proposal(Part):
    """One file of `proposals/`.

    Attributes:
        proposal: Its name.
        flow: The flow.
        step: Its step.
        block: The block; None: the subject.
        words: What is proposed.
        prompt: By which prompt.
        prompt_version: Its version in the registry.
        prompt_hash: Of the version's text, as approvals name it.
        model: As it was asked for.
        endpoint: Host of the endpoint.
        request_hash: Of all that was sent.
        proposed_on: When.
        remarks: What the rules of that day had to say about it.
        accepted_on: When a person took it over; None: nobody did.
        accepted_as: The variant, or `subject`.
    """

    proposal: Name
    flow: Name
    step: Annotated[int, Field(ge=1)]
    block: Name | None = None
    words: Words
    prompt: Name
    prompt_version: int
    prompt_hash: ContentHash
    model: Text
    endpoint: Text
    request_hash: ContentHash
    proposed_on: date
    remarks: tuple[Remark, ...] = ()
    accepted_on: date | None = None
    accepted_as: Name | None = None

    @property
    def errors(self) -> tuple[Remark, ...]:
        """Remarks for which it cannot be accepted."""
        return tuple(each for each in self.remarks if each.severity == "error")

    def to_yaml(self) -> str:
        """As its file reads."""
        written = self.model_dump(mode="json", exclude_none=True)
        head = (
            f"# Proposed by a language model; nothing of it is sent. `holdfast accept {self.proposal}` takes it over.\n"
        )
        return head + yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=110)


def brief_of(book: Playbook, wording: Wording, *, flow: str, step: str, block: str | None, count: int) -> Brief:
    """What a model may be told about an email.

    Raises:
        NoSuchEmail: There is no such flow or step.
        ProposalRefused: There is no such block, or it is no matter of words.
    """
    content, found = book.email_of(flow, step)
    words = "" if block is None else _words_now(content, found, block)
    placeholders = {each.variable: each.fallback or "" for each in content.variables if not each.is_list}
    limit = book.policies.content.subject_characters
    told = {
        "block": block or "",
        "body_characters": str(wording.body_characters),
        "core_message": _core_message(content, found),
        "count": str(count),
        "forbidden": "; ".join(wording.forbidden),
        "headline_characters": str(wording.headline_characters),
        "language": content.brand.language,
        "placeholders": ", ".join(f"{{{{ {name} }}}} (or {shown!r})" for name, shown in placeholders.items()),
        "preheader": found.preheader,
        "purpose": content.flows[flow].description,
        "sender_name": content.brand.sender_name,
        "subject": found.subject,
        "subject_characters": str(limit),
        "voice": wording.voice,
        "words": words,
    }
    return Brief(flow=flow, step=step, block=block, told=told, placeholders=placeholders, subject_characters=limit)


def _words_now(content: Content, step: Step, name: str) -> str:
    """What everybody else reads in a block."""
    blocks: dict[str, Block] = {each.block: each for each in step.blocks}
    if name not in blocks:
        message = f"step {step.step} has no block {name}: it has {', '.join(blocks)}"
        raise ProposalRefused(message)
    block = blocks[name]
    if block.tier == "core" or name == step.blocks[0].block:
        message = f"block {name} is the core message, which is the same for everybody: choose another"
        raise ProposalRefused(message)
    words = _words_of(content, block)
    if words is None:
        message = f"block {name} is a button or a list, no matter of words: write its variants by hand"
        raise ProposalRefused(message)
    return words


def _words_of(content: Content, block: Block) -> str | None:
    """What everybody else reads in a block; None where it is a button or a list."""
    mjml, text = (content.files[fragment(block.block, block.fallback, ending)] for ending in ENDINGS)
    return None if "{%" in mjml or "<mj-button" in mjml else text.strip()


def _core_message(content: Content, step: Step) -> str:
    """What everybody is told: the blocks that do not vary and hold words."""
    texts = (_words_of(content, block) for block in step.blocks if block.stands_as == "core")
    return "\n\n".join(text for text in texts if text)


def request_of(messages: Sequence[ChatMessage], purpose: Purpose, *, model: str) -> dict[str, Any]:
    """The body of a chat completion that asks for words."""
    schema = {"name": purpose, "strict": True, "schema": ANSWERS[purpose].model_json_schema()}
    return {
        "model": model,
        "messages": [message._asdict() for message in messages],
        "response_format": {"type": "json_schema", "json_schema": schema},
    }


def hash_of_request(request: Mapping[str, Any]) -> str:
    """First 12 hex digits of the sha256 of a request."""
    return hash_of(json.dumps(request, sort_keys=True, ensure_ascii=False))


def read_answer(text: str, purpose: Purpose, *, count: int) -> tuple[Words, ...]:
    """The proposed words of an answer, each once, at most as many as were asked for.

    Raises:
        AnswerRefused: It is not what was asked for.
    """
    fenced = FENCE.fullmatch(text)
    try:
        answer = ANSWERS[purpose].model_validate_json(fenced[1] if fenced else text)
    except ValidationError as fault:
        found = [_say(detail["loc"], detail["msg"]) for detail in fault.errors(include_input=False, include_url=False)]
        more = f" and {len(found) - MOST_FAULTS} more" if len(found) > MOST_FAULTS else ""
        message = f"the answer is not what was asked for: {', '.join(found[:MOST_FAULTS])}{more}"
        raise AnswerRefused(message) from None
    if not answer.variants:
        raise AnswerRefused("the answer is not what was asked for: it holds no variant")
    variants: tuple[Words, ...] = answer.variants
    return tuple(dict.fromkeys(variants))[:count]


def _say(place: Iterable[str | int], message: str) -> str:
    """A fault without what the model wrote: names of fields are ours, others are not repeated."""
    known = {"variants", "subject", "preheader", "headline", "paragraphs"}
    where = ".".join(str(part) if isinstance(part, int) or part in known else "?" for part in place)
    return f"{where or 'the text'}: {message.removeprefix('Value error, ')}"


def fragments_of(words: BlockWords) -> dict[Ending, str]:
    """The files of a variant of a block: whatever a model wrote is text in them, and a placeholder the only Liquid."""
    rows = [f'    <mj-text mj-class="headline">{_escaped(words.headline)}</mj-text>']
    rows += [f"    <mj-text>{_escaped(text)}</mj-text>" for text in words.paragraphs]
    mjml = '<mj-section css-class="paper">\n  <mj-column>\n' + "\n".join(rows) + "\n  </mj-column>\n</mj-section>\n"
    return {"mjml": mjml, "txt": "\n\n".join((words.headline, *words.paragraphs)) + "\n"}


def _escaped(text: str) -> str:
    """Text for MJML; a value of a person is set apart, as it may be written from right to left."""
    return PLACEHOLDER.sub(lambda place: f"<bdi>{{{{ {place[1]} }}}}</bdi>", html.escape(text, quote=False))
