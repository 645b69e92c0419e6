"""Reads the content as a careful colleague would, before anybody approves it: the files as written, and every email as rendered."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.parsers import expat

from liquid.exceptions import LiquidError

from activation.emails.page import SCHEMES, Page, mail_faults
from activation.emails.render import (
    LINKS,
    RenderError,
    compile_mjml,
    constants,
    environment,
    links_of,
    prelude,
    render_message,
    values_of,
)
from activation.playbook.content import BLOCKS, ENDINGS, Brand, Content, Variable, fragment
from activation.playbook.flows import Flow, Step
from activation.playbook.located import Place
from activation.playbook.policies import ContentLimits
from activation.playbook.wording import Remark, Wording, remarks_on

# mrml renders what it does not know as nothing, without a word.
ELEMENTS = frozenset(
    {
        "mjml", "mj-head", "mj-title", "mj-preview", "mj-raw", "mj-attributes", "mj-all", "mj-class", "mj-style", "mj-body", "mj-wrapper",
        "mj-section", "mj-group", "mj-column", "mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer", "mj-table",
    }
)  # fmt: skip
MARKUP = frozenset(
    {
        "a", "b", "bdi", "br", "em", "h1", "h2", "h3", "i", "img", "li", "meta", "ol", "p", "span", "strong", "table", "tbody", "td", "th",
        "tr", "ul",
    }
)  # fmt: skip
LINKING = frozenset({"href", "src", "background-url"})
OWN_LINKS = ("website", *LINKS)
LAST = ("escape", "url_encode")

OUTPUT = re.compile(r"\{\{-?\s*(.+?)\s*-?\}\}", re.DOTALL)
RAW = re.compile(r"\{%-?\s*raw\b")
LINK = re.compile(r"https://\S+|mailto:\S+")

# A person of whom all is known; the values are of no list, so that what shows them shows a value.
KNOWN_TEXT = "Philippa"
KNOWN_PRODUCTS = ({"product_key": "k1", "title": "Linen apron", "price": "39.00 EUR"},)
TOKEN = "0" * 32


@dataclass(frozen=True)
class Blot:
    """What is wrong, in a file of `content/`, or at a place of a flow's file."""

    message: str
    file: str = ""
    line: int = 1
    flow: str | None = None
    place: Place = ()


def proofread(content: Content, limits: ContentLimits) -> tuple[Blot, ...]:
    """Everything that is wrong with the content; the same content is read once in a process."""
    files, flows = tuple(sorted(content.files.items())), tuple(content.flows.values())
    return _proofread(content.brand, content.variables, files, flows, content.unsubscribe_url, limits)


@lru_cache(maxsize=8)
def _proofread(
    brand: Brand,
    variables: tuple[Variable, ...],
    files: tuple[tuple[str, str], ...],
    flows: tuple[Flow, ...],
    unsubscribe_url: str,
    limits: ContentLimits,
) -> tuple[Blot, ...]:
    content = Content(brand, variables, dict(files), {flow.flow: flow for flow in flows}, unsubscribe_url)
    blots = [
        *(blot for flow in flows for blot in _flow_blots(content, flow, limits)),
        *(blot for name, text in files for blot in _file_blots(content, name, text)),
    ]
    if not blots:
        blots += [
            blot for name in content.files if name.startswith("blocks/") for blot in _fragment_blots(content, name)
        ]
    if not blots:
        blots += [blot for flow in flows for step in flow.steps for blot in _email_blots(content, flow, step, limits)]
    return tuple(dict.fromkeys(blots))


def wording_blots(content: Content, wording: Wording) -> Iterator[Blot]:
    """What subjects, preheaders and text parts say that `wording.yml` forbids; the other part says the same."""
    for flow in content.flows.values():
        for position, step in enumerate(flow.steps):
            for found in remarks_on(wording, {"subject": step.subject, "preheader": step.preheader}):
                if found.severity == "error":
                    place: Place = ("steps", position, found.field)
                    yield Blot(_words_of(found), flow=flow.flow, place=place)
    for name, text in content.files.items():
        for found in remarks_on(wording, {name: text}) if name.endswith(".txt") else ():
            if found.severity == "error":
                yield Blot(_words_of(found), name, text[: found.start].count("\n") + 1)


def _words_of(found: Remark) -> str:
    return f"{found.text!r}: {found.because} ({found.rule} of wording.yml)"


def _flow_blots(content: Content, flow: Flow, limits: ContentLimits) -> Iterator[Blot]:
    """What is wrong with how a flow names its content."""
    if not flow.why_you_get_this:
        yield Blot("why_you_get_this is missing: the foot of every email says it", flow=flow.flow)
    for position, step in enumerate(flow.steps):
        place: Place = ("steps", position)
        for message, where in _step_faults(content, step, limits):
            yield Blot(message, flow=flow.flow, place=(*place, *where))
        for name in ("subject", "preheader"):
            for line, message in _liquid_faults(content, getattr(step, name)):
                yield Blot(f"{name}: {message}", flow=flow.flow, place=(*place, name), line=line)


def _step_faults(content: Content, step: Step, limits: ContentLimits) -> Iterator[tuple[str, Place]]:
    if not step.preheader:
        yield "preheader is missing: the inbox shows it after the subject", ()
    if step.template.endswith(".txt"):
        yield "template names a layout without its ending: layout is layout.mjml and layout.txt", ("template",)
        return
    for ending in ENDINGS:
        if f"{step.template}.{ending}" not in content.files:
            yield f"content/{step.template}.{ending} is missing", ("template",)
    varying = [block.block for block in step.blocks if block.stands_as != "core"]
    if len(varying) > limits.varying_blocks:
        yield (
            f"{len(varying)} blocks vary ({', '.join(varying)}), {limits.varying_blocks} may (content of policies.yml)",
            ("blocks",),
        )
    if len(varying) == len(step.blocks):
        yield "no block is core: an email has a message that is the same for everybody", ("blocks",)
    yield from _missing_fragments(content, step)


def _missing_fragments(content: Content, step: Step) -> Iterator[tuple[str, Place]]:
    for index, block in enumerate(step.blocks):
        ranks = {variant.variant: rank for rank, variant in enumerate(block.variants)}
        for variant in block.shown:
            place: Place = ("variants", ranks[variant], "variant") if variant in ranks else ("fallback",)
            for name in (fragment(block.block, variant, ending) for ending in ENDINGS):
                if name not in content.files:
                    yield f"content/{name} is missing", ("blocks", index, *place)


def _file_blots(content: Content, name: str, text: str) -> Iterator[Blot]:
    """What is wrong with a file as it is written."""
    is_layout = "/" not in name
    if is_layout and text.count(BLOCKS) != 1:
        yield Blot(f"a layout shows its blocks once, by {BLOCKS}", name)
    written = text.replace(BLOCKS, " " * len(BLOCKS)) if is_layout else text
    for line, message in _liquid_faults(content, written, is_layout=is_layout):
        yield Blot(message, name, line)
    if name.endswith(".mjml"):
        for line, message in (*_markup_faults(written), *_escape_faults(content, written)):
            yield Blot(message, name, line)


def _liquid_faults(content: Content, text: str, *, is_layout: bool = True) -> Iterator[tuple[int, str]]:
    """Liquid that cannot be read, and names that nobody declared; (line, message)."""
    if raw := RAW.search(text):  # the lexer takes it out before there are tags to forbid
        yield text[: raw.start()].count("\n") + 1, "Liquid: unexpected tag 'raw'"
    try:
        found = environment(autoescape=True).from_string(text).analyze()
    except LiquidError as fault:
        place = fault.context() if fault.token is not None else None
        yield place[0] if place else 1, f"Liquid: {str(fault.message).splitlines()[0]}"
        return
    flow = next(iter(content.flows))
    names = {*constants(content, flow), *LINKS, *(each.variable for each in content.variables)}
    names |= {"subject", "preheader"} if is_layout else set()
    for name, spans in found.filters.items():
        if name not in environment(autoescape=True).filters:
            yield spans[0].line_col(text)[0], f"Liquid: filter {name} is not among those that may be used"
    for name, uses in found.globals.items():
        if name not in names:
            yield uses[0].span.line_col(text)[0], f"variable {name} is not declared in content/variables.yml"


def _escape_faults(content: Content, text: str) -> Iterator[tuple[int, str]]:
    """Outputs of a list's items must escape themselves: an ESP does not."""
    names = {
        *constants(content, next(iter(content.flows))),
        *LINKS,
        "subject",
        "preheader",
        *(each.variable for each in content.variables),
    }
    for output in OUTPUT.finditer(text):
        root, *filters = (part.strip() for part in output[1].split("|"))
        if root not in names and (not filters or filters[-1] not in LAST):
            yield (
                text[: output.start()].count("\n") + 1,
                f"{{{{ {root} }}}} is shown as it is: end it with | escape or | url_encode",
            )


def _markup_faults(text: str) -> list[tuple[int, str]]:
    """MJML that is not well-formed, that mrml would drop, or that runs, loads or links what an email must not; (line, message)."""
    found: list[tuple[int, str]] = []
    parser = expat.ParserCreate()

    def begin(tag: str, attributes: dict[str, str]) -> None:
        line = parser.CurrentLineNumber
        if tag not in ELEMENTS | MARKUP | {"fragment"}:
            found.append((line, f"<{tag}> is not among the elements of an email"))
        for name, value in attributes.items():
            if name.startswith("on"):
                found.append((line, f"{name} would run a script"))
            if name in LINKING:
                found.extend((line, message) for message in _link_faults(value))

    parser.StartElementHandler = begin
    try:
        parser.Parse(f"<fragment>{text}</fragment>", True)  # noqa: FBT003
    except expat.ExpatError as fault:
        found.append((fault.lineno, f"no MJML: {expat.ErrorString(fault.code)}"))
    return found


def _link_faults(target: str) -> Iterator[str]:
    outputs = [output[1] for output in OUTPUT.finditer(target)]
    own = [f"{{{{ {name} }}}}" for name in OWN_LINKS]
    if not target.startswith((*SCHEMES, *own)):
        yield f"{target} is no link of an email: it begins with https://, mailto:, {', '.join(own)}"
    for output in outputs:
        if output not in OWN_LINKS and not output.endswith("url_encode"):
            yield f"{{{{ {output} }}}} stands in a link: end it with | url_encode"


def _fragment_blots(content: Content, name: str) -> Iterator[Blot]:
    """What is wrong with a fragment when it is shown, of a person who is known and of one who is not."""
    if not name.endswith(".mjml"):
        return
    other = name.removesuffix("mjml") + "txt"
    if other not in content.files:
        yield Blot(f"its text part, content/{other}, is missing", name)
        return
    try:
        html = compile_mjml(f"<mjml><mj-body>{content.files[name]}</mj-body></mjml>")
    except OSError as fault:
        yield Blot(f"no MJML: {fault}", name)
        return
    for person, whom in ((known(content), "somebody who is known"), ({}, "somebody of whom nothing is known")):
        try:
            shown = Page.of(_shown(content, html, content.files[name], person, is_html=True))
            plain = _shown(content, content.files[other], content.files[other], person, is_html=False)
        except LiquidError as fault:
            yield Blot(f"cannot be shown: {str(fault.message).splitlines()[0]}", name)
            return
        if not shown.chunks:
            yield Blot(f"shows nothing to {whom}", name)
        yield from _difference(shown, plain, other, content.files[other])


def _shown(content: Content, template: str, used: str, person: Mapping[str, object], *, is_html: bool) -> str:
    opening = prelude(content, next(iter(content.flows)), used, is_html=is_html)
    filled = environment(autoescape=is_html).from_string(opening + template)
    return filled.render(values_of(content, person, links_of(content, TOKEN)))


def _difference(shown: Page, plain: str, name: str, written: str) -> Iterator[Blot]:
    """What one part of a fragment says and the other does not; links are part of the text only where it is plain."""
    said = " ".join(LINK.sub("", plain).split())
    for chunk in shown.chunks:
        if chunk not in said:
            yield Blot(f"the text part does not say {chunk!r}", name, _line_of(written, chunk))
    for line in plain.splitlines():
        words = " ".join(LINK.sub("", line).split()).removeprefix("- ").removesuffix(":").strip()
        if words not in shown.text:
            yield Blot(f"the HTML part does not say {words!r}", name, _line_of(written, words))


def _email_blots(content: Content, flow: Flow, step: Step, limits: ContentLimits) -> Iterator[Blot]:
    """What is wrong with the emails of a step as they would arrive."""
    layout, links = f"{step.template}.mjml", links_of(content, TOKEN)
    for choices in choices_of(step):
        for person in (known(content), {}):
            try:
                message = render_message(
                    content, flow=flow.flow, step=str(step.step), block_choices=choices, person=person, links=links
                )
            except RenderError as fault:
                yield Blot(str(fault), layout)
                return
            size = len(message.html.encode()) // 1024
            for wrong in mail_faults(content.brand, message, links):
                yield Blot(f"{flow.flow} {step.step}: {wrong}", layout)
            if size > limits.html_kilobytes:
                yield Blot(f"{flow.flow} {step.step}: {size} KB of HTML, {limits.html_kilobytes} may be", layout)
            if (length := len(message.subject)) > limits.subject_characters:
                yield Blot(
                    f"the subject has {length} characters, {limits.subject_characters} may be",
                    flow=flow.flow,
                    place=("steps", flow.steps.index(step), "subject"),
                )


def choices_of(step: Step) -> list[dict[str, str]]:
    """Choices in which each variant of each block is shown once, the others as fallback."""
    shown = [{block.block: variant} for block in step.blocks for variant in block.shown[:-1]]
    return [{}, *shown]


def known(content: Content) -> Mapping[str, Any]:
    """A person of whom everything is known."""
    return {each.variable: KNOWN_PRODUCTS if each.is_list else KNOWN_TEXT for each in content.variables}


def _line_of(text: str, words: str) -> int:
    lines: Sequence[str] = text.splitlines()
    return next((number for number, line in enumerate(lines, 1) if words[:20] in line), 1)
