"""Judges words that a language model proposes: by the rules of `wording.yml`, and for what only a proposal can do wrong."""

import re
from collections.abc import Iterator, Mapping

from activation.emails.proposals import PLACEHOLDER, Brief, Words
from activation.playbook.wording import Remark, Wording, remark, remarks_on

BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|[{}]")
MARKUP = re.compile(r"</?[A-Za-z!][^<>]*>?|&#?\w+;")
LINK = re.compile(r"(?:https?://|www\.|mailto:)\S*|[\w.+-]+@[\w.-]+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b", re.IGNORECASE)
MONEY = re.compile(
    r"[€$£¥]\s?(\d[\d.,]*)|(\d[\d.,]*)\s?(?:[€$£¥]|(?:eur|usd|gbp|chf|euros?|dollars?|pounds?|cents?|pence)\b)",
    re.IGNORECASE,
)
SHARE = re.compile(r"(\d[\d.,]*)\s?(?:%|per ?cent\b)", re.IGNORECASE)
NUMBER = re.compile(r"\d[\d.,]*")


def judge(words: Words, brief: Brief, wording: Wording) -> tuple[Remark, ...]:
    """What is wrong with proposed words: the rules of `wording.yml`, and what only a proposal can do wrong."""
    texts = words.texts
    own = [
        each
        for field, text in texts.items()
        for each in (
            *_liquid(field, text, brief),
            *_markup(field, text),
            *_links(field, text),
            *_numbers(field, text, brief.said),
        )
    ]
    return (*remarks_on(wording, texts, brief=brief.said), *own, *_lengths(texts, brief, wording))


def _liquid(field: str, text: str, brief: Brief) -> Iterator[Remark]:
    for match in BRACES.finditer(text):
        place = PLACEHOLDER.fullmatch(match[0])
        if place is None:
            yield remark("liquid", field, text, match.span(), "it may be no template, only show what is declared")
        elif place[1] not in brief.placeholders:
            because = f"there is {', '.join(brief.placeholders)} to show, nothing else"
            yield remark("unknown_variable", field, text, match.span(), because)


def _markup(field: str, text: str) -> Iterator[Remark]:
    for match in MARKUP.finditer(text):
        yield remark("markup", field, text, match.span(), "it is words, no markup")


def _links(field: str, text: str) -> Iterator[Remark]:
    for match in LINK.finditer(text):
        yield remark("link", field, text, match.span(), "words lead nowhere: buttons do, to our own pages")


def _numbers(field: str, text: str, said: str) -> Iterator[Remark]:
    """Amounts are errors, other numbers are to be looked at, unless a person wrote them."""
    taken: list[tuple[int, int]] = []
    for rule, pattern in (("amount_not_in_brief", MONEY), ("share_not_in_brief", SHARE)):
        known = {_digits(match) for match in pattern.finditer(said)}
        for match in pattern.finditer(text):
            taken.append(match.span())
            if _digits(match) not in known:
                yield remark(rule, field, text, match.span(), "the brief does not say so")
    known = {_digits(match) for match in NUMBER.finditer(said)}
    for match in NUMBER.finditer(text):
        within = any(start <= match.start() < end for start, end in taken)
        if not within and _digits(match) not in known:
            because = "the brief does not name this number: is it so?"
            yield remark("number_not_in_brief", field, text, match.span(), because, severity="warning")


def _digits(match: re.Match[str]) -> str:
    return next((group for group in match.groups() if group), match[0]).rstrip(".,")


def _lengths(texts: Mapping[str, str], brief: Brief, wording: Wording) -> Iterator[Remark]:
    shown = {
        field: PLACEHOLDER.sub(lambda place: brief.placeholders.get(place[1], place[0]), text)
        for field, text in texts.items()
    }
    limits = {"subject": brief.subject_characters, "headline": wording.headline_characters}
    for field, limit in limits.items():
        if field in shown and len(shown[field]) > limit:
            because = f"{len(shown[field])} characters, {limit} may be"
            yield remark("too_long", field, texts[field], (0, len(texts[field])), because)
    paragraphs = [field for field in shown if field.startswith("paragraph")]
    total = sum(len(shown[field]) for field in paragraphs)
    if total > wording.body_characters:
        because = f"{total} characters of text, {wording.body_characters} may be"
        yield remark("too_long", paragraphs[-1], texts[paragraphs[-1]], (0, len(texts[paragraphs[-1]])), because)
