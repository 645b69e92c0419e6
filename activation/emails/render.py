"""Emails from the playbook: MJML is compiled once for each step, and Liquid fills what it gives for each person.

The compiled template holds every variant of every block, chosen by a Liquid `case`. It is what an ESP imports, what the preview shows
and what is sent by SMTP: one text. A value of a person meets Liquid last and nothing after it, so that it can be neither markup nor
template (docs/decisions/0041-mjml-first-liquid-last.md).
"""

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import mrml
from liquid import Environment, StrictUndefined
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

from activation.playbook.content import BLOCKS, ENDINGS, Content, Ending, Variable, files_of, fragment
from activation.playbook.flows import Block, Step

# The Liquid that all ESPs speak and that can neither switch off escaping nor reach beyond its template.
TAGS = frozenset({"assign", "case", "for", "if", "unless"})
FILTERS = frozenset(
    {
        "append", "capitalize", "default", "downcase", "escape", "join", "minus", "plus", "prepend", "round", "size", "slice", "split",
        "strip", "times", "truncate", "upcase", "url_encode",
    }
)  # fmt: skip
# Whoever signs up under such a name wants us to mail their text.
IMPLAUSIBLE = ("<", ">", "{", "}", "://", "www.")
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LINKS = ("unsubscribe_url", "preferences_url")
LOOPS = 1000

WORD = re.compile(r"[a-z_]+")
BLANK_LINES = re.compile(r"\n[ \t]*\n\s*\n")


class RenderError(Exception):
    """An email cannot be made; the message is one line without a value of the person."""


@dataclass(frozen=True)
class Links:
    """What a person can leave by."""

    unsubscribe_url: str
    preferences_url: str


@dataclass(frozen=True)
class Message:
    """One email; the subject is one line."""

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True)
class Template:
    """One step with all variants of its blocks, as Liquid."""

    subject: str
    preheader: str
    html: str
    text: str


class _Liquid(Environment):
    loop_iteration_limit = LOOPS


@lru_cache(maxsize=2)
def environment(*, autoescape: bool) -> Environment:
    """Liquid with the tags and filters that fragments may use; anything else, and any unknown name, is an error."""
    made = _Liquid(undefined=StrictUndefined, strict_filters=True, autoescape=autoescape)
    for names, registered in ((TAGS, made.tags), (FILTERS, made.filters)):
        for name in set(registered) - names - {"content", "output", "illegal"}:  # what Liquid itself is made of
            del registered[name]
    return made


def links_of(content: Content, token: str) -> Links:
    """The links of a mailbox by its token."""
    return Links(
        content.unsubscribe_url.replace("{token}", token), content.brand.preferences_url.replace("{token}", token)
    )


@lru_cache(maxsize=64)
def compile_step(content: Content, flow: str, step: str) -> Template:
    """The Liquid templates of one step.

    Raises:
        RenderError: Naming the file that is missing or is no MJML.
    """
    found = content.step(flow, step)
    mjml = _assembled(content, found, "mjml")
    for name, written in (("subject", found.subject), ("preheader", found.preheader)):
        mjml = mjml.replace(f"{{{{ {name} }}}}", html.escape(written, quote=False))
    lines = f"{found.subject}\n{found.preheader}\n"
    used = {
        ending: lines + "\n".join(_text_of(content, name) for name in files_of(found) if name.endswith(ending))
        for ending in ENDINGS
    }
    plain = prelude(content, flow, used["txt"], is_html=False)
    return Template(
        subject=plain + found.subject,
        preheader=plain + found.preheader,
        html=prelude(content, flow, used["mjml"], is_html=True) + _to_html(mjml, name=f"{flow} {step}"),
        text=plain + _assembled(content, found, "txt"),
    )


def render_message(
    content: Content,
    *,
    flow: str,
    step: str,
    block_choices: Mapping[str, str],
    person: Mapping[str, object],
    links: Links,
) -> Message:
    """Render one email for one person.

    Args:
        content: Of the version of the playbook that decided.
        flow: Its flow.
        step: Its step.
        block_choices: Variant by block; a block that is not named, or a variant that does not exist, is the block's fallback.
        person: Value by variable, as `content/variables.yml` names them; what is missing takes its fallback.
        links: Of the person's mailbox.

    Raises:
        RenderError: There is no such step, or its template cannot be rendered.
    """
    try:
        found = content.step(flow, step)
    except (KeyError, StopIteration) as missing:
        message = f"there is no step {step} of flow {flow}"
        raise RenderError(message) from missing
    compiled = _parsed(compile_step(content, flow, step))
    values = values_of(content, person, links)
    values["blocks"] = {block.block: _chosen(block, block_choices) for block in found.blocks}
    try:
        return Message(
            subject=one_line(compiled.subject.render(values)),
            preheader=one_line(compiled.preheader.render(values)),
            html=compiled.html.render(values),
            text=BLANK_LINES.sub("\n\n", compiled.text.render(values)).strip() + "\n",
        )
    except LiquidError as fault:
        message = f"{flow} {step} cannot be rendered: {type(fault).__name__}"
        raise RenderError(message) from fault


def values_of(content: Content, person: Mapping[str, object], links: Links) -> dict[str, Any]:
    """What a template is filled from: every declared variable, known or not, and the links."""
    return {
        "person": {each.variable: _value_of(each, person) for each in content.variables},
        "links": {"unsubscribe_url": links.unsubscribe_url, "preferences_url": links.preferences_url},
    }


def one_line(text: str) -> str:
    """A header's text: white space in single blanks, no control characters, nothing that turns the direction of what follows."""
    kept = (
        letter
        for letter in text
        if letter.isspace() or (unicodedata.category(letter) != "Cc" and letter not in TURNING)
    )
    return " ".join("".join(kept).split())


class _Parsed(NamedTuple):
    subject: BoundTemplate
    preheader: BoundTemplate
    html: BoundTemplate
    text: BoundTemplate


@lru_cache(maxsize=64)
def _parsed(template: Template) -> _Parsed:
    escaping, plain = environment(autoescape=True), environment(autoescape=False)
    return _Parsed(
        subject=plain.from_string(template.subject),
        preheader=plain.from_string(template.preheader),
        html=escaping.from_string(template.html),
        text=plain.from_string(template.text),
    )


@lru_cache(maxsize=256)
def compile_mjml(mjml: str) -> str:
    """HTML of a whole MJML document; nothing is fetched, fonts neither.

    Raises:
        OSError: It is no MJML.
    """
    without_network = mrml.ParserOptions(include_loader=mrml.noop_loader())
    output = mrml.to_html(mjml, without_network, mrml.RenderOptions(disable_comments=True, fonts={}))
    if output.warnings:
        raise OSError(", ".join(sorted({str(warning.kind) for warning in output.warnings})))
    return output.content


def _assembled(content: Content, step: Step, ending: Ending) -> str:
    """The layout with its blocks, each with all its variants."""
    blocks = "\n\n".join(_cases(content, block, ending) for block in step.blocks)
    return _text_of(content, f"{step.template}.{ending}").replace(BLOCKS, blocks)


def _cases(content: Content, block: Block, ending: Ending) -> str:
    *others, fallback = block.shown
    texts = {variant: _text_of(content, fragment(block.block, variant, ending)).strip() for variant in block.shown}
    if not others:
        return texts[fallback]
    raw = "<mj-raw>{}</mj-raw>" if ending == "mjml" else "{}"
    opened = "".join(
        raw.format((f"{{% case blocks.{block.block} %}}" if not position else "") + f"{{% when '{variant}' %}}")
        + texts[variant]
        for position, variant in enumerate(others)
    )
    return opened + raw.format("{% else %}") + texts[fallback] + raw.format("{% endcase %}")


def _text_of(content: Content, name: str) -> str:
    if name not in content.files:
        message = f"content/{name} is missing"
        raise RenderError(message)
    return content.files[name]


def prelude(content: Content, flow: str, used: str, *, is_html: bool) -> str:
    """Assigns every name that a text uses: of the brand as it is written, of the person with its fallback.

    Values are escaped here, and once: an ESP's Liquid does not escape by itself.
    """
    escape = " | escape" if is_html else ""
    words = frozenset(WORD.findall(used))
    lines = [
        f"{{% assign {name} = '{value}'{escape} %}}"
        for name, value in constants(content, flow).items()
        if name in words
    ]
    lines += [f"{{% assign {name} = links.{name}{escape} %}}" for name in LINKS if name in words]
    lines += [_assign(variable, escape) for variable in content.variables if variable.variable in words]
    return "".join(lines)


def _assign(variable: Variable, escape: str) -> str:
    name = variable.variable
    if variable.is_list:
        return f"{{% assign {name} = person.{name} %}}"
    doubts = " or ".join(f"{name} contains '{sign}'" for sign in IMPLAUSIBLE)
    fallback = f" | default: '{variable.fallback}'" if variable.fallback else ""
    return (
        f"{{% assign {name} = person.{name} | strip %}}{{% if {doubts} %}}{{% assign {name} = '' %}}{{% endif %}}"
        f"{{% assign {name} = {name} | truncate: {variable.at_most}, '…'{fallback}{escape} %}}"
    )


def constants(content: Content, flow: str) -> dict[str, str]:
    """What is the same for all readers of a flow, by the name by which files show it."""
    brand = content.brand
    return {
        "sender_name": brand.sender_name,
        "postal_address": brand.postal_address,
        "website": brand.website,
        "logo_text": brand.logo_text,
        "language": brand.language,
        "direction": brand.direction,
        "start": "right" if brand.direction == "rtl" else "left",
        "why_you_get_this": content.flows[flow].why_you_get_this,
        **{f"{name}_colour": colour for name, colour in brand.colours.model_dump().items()},
    }


def _value_of(variable: Variable, person: Mapping[str, object]) -> object:
    value = person.get(variable.variable)
    if not variable.is_list:
        return _plain(value)
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    plain = ({name: _plain(each) for name, each in item.items()} for item in items)
    return [item for item in plain if not any(sign in each for each in item.values() for sign in ("{{", "{%"))]


def _plain(value: object) -> str:
    """A value as text without control characters; a value that is missing is blank."""
    text = "" if value is None else str(value)
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)


def _chosen(block: Block, block_choices: Mapping[str, str]) -> str:
    variant = block_choices.get(block.block, block.fallback)
    return variant if variant in block.shown else block.fallback


def _to_html(mjml: str, *, name: str) -> str:
    try:
        return compile_mjml(mjml)
    except OSError as fault:
        message = f"{name} is no MJML: {fault}"
        raise RenderError(message) from fault
