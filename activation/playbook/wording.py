"""`wording.yml`: what emails may not say and how loud they may be, as data; and who reads them for it.

The same rules are held against what marketing wrote and against what a language model proposes; of the latter more is asked
(`activation.emails.proposals`), since nobody who knows the shop wrote it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from activation.playbook.parts import Name, Part, Share, Source, Text

Severity = Literal["error", "warning"]

# Nobody sees them, so they only serve to hide a word from a reader or a filter.
HIDDEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
EXCLAMATION = re.compile(r"[!！]")
FEW_LETTERS = 8  # below it a share of capitals says nothing: "USB-C"


class PhraseRule(Part):
    """Phrases that an email may not say, or should not.

    Attributes:
        rule: Its name.
        severity: An `error` must be mended, a `warning` be read.
        phrases: Words in any case; blanks also stand for hyphens, apostrophes for curly ones.
        unless_in_brief: Whether a proposal may say it where the brief, which a person wrote, says it; not held against what a person wrote.
        because: What is wrong with it, for whoever has to mend it.
        source: Who says so.
    """

    rule: Name
    severity: Severity
    phrases: tuple[Text, ...] = Field(min_length=1)
    unless_in_brief: bool = False
    because: Text
    source: Source


class Wording(Part):
    """`wording.yml`.

    Attributes:
        voice: How the brand speaks, in a few sentences: a language model is told so.
        capitals_share: Largest part of the letters of a line that may be capitals.
        exclamation_marks: Most in a line.
        headline_characters: Longest headline that a proposal may have.
        body_characters: Longest text of all its paragraphs.
        source: Where the numbers come from.
        rules: The phrases.
    """

    voice: Text
    capitals_share: Share
    exclamation_marks: Annotated[int, Field(ge=0)]
    headline_characters: Annotated[int, Field(ge=1)]
    body_characters: Annotated[int, Field(ge=1)]
    source: Source
    rules: tuple[PhraseRule, ...]

    @property
    def forbidden(self) -> tuple[str, ...]:
        """Phrases that are errors wherever they stand."""
        rules = (each for each in self.rules if each.severity == "error" and not each.unless_in_brief)
        return tuple(phrase for each in rules for phrase in each.phrases)


class Remark(Part):
    """What is wrong with a text, and where: `text` is what stands from `start` to before `end` of the field."""

    rule: Name
    severity: Severity
    field: Text
    start: int
    end: int
    text: str
    because: Text

    def __str__(self) -> str:
        """The remark as a sentence."""
        return f"{self.severity} in {self.field}: {self.text!r}: {self.because} ({self.rule})"


def remarks_on(wording: Wording, texts: Mapping[str, str], *, brief: str | None = None) -> tuple[Remark, ...]:
    """Hold the rules against texts.

    Args:
        wording: The rules.
        texts: By the name of their field; each line is read for itself.
        brief: What a person wrote for a proposal; None for what a person wrote, of whom rules with `unless_in_brief` ask nothing.

    Returns:
        In the order of fields and places.
    """
    found = [
        remark
        for field, text in texts.items()
        for remark in (*_phrases(wording, field, text, brief), *_loudness(wording, field, text), *_hidden(field, text))
    ]
    order = list(texts)
    return tuple(sorted(found, key=lambda remark: (order.index(remark.field), remark.start, remark.rule)))


def remark(
    rule: str, field: str, text: str, span: tuple[int, int], because: str, *, severity: Severity = "error"
) -> Remark:
    """A remark on a span of a text."""
    start, end = span
    return Remark(
        rule=rule, severity=severity, field=field, start=start, end=end, text=text[start:end], because=because
    )


def _phrases(wording: Wording, field: str, text: str, brief: str | None) -> Iterator[Remark]:
    for rule in wording.rules:
        if rule.unless_in_brief and brief is None:
            continue
        for match in phrase_pattern(rule.phrases).finditer(text):
            if not (rule.unless_in_brief and brief and phrase_pattern((match[0],)).search(brief)):
                yield remark(rule.rule, field, text, match.span(), rule.because, severity=rule.severity)


@lru_cache(maxsize=256)
def phrase_pattern(phrases: Sequence[str]) -> re.Pattern[str]:
    """What finds any of some phrases as whole words; it cannot backtrack far, as nothing in it repeats but blanks."""
    parts = (
        r"[\s\-]+".join(re.escape(word).replace("'", "['\u2019]") for word in re.split(r"[\s\-]+", phrase.strip()))
        for phrase in sorted(phrases, key=len, reverse=True)
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)


def _loudness(wording: Wording, field: str, text: str) -> Iterator[Remark]:
    start = 0
    for line in text.splitlines(keepends=True):
        span = (start, start + len(line.rstrip()))
        letters = [letter for letter in line if letter.isalpha()]
        capitals = sum(letter.isupper() for letter in letters)
        if len(letters) >= FEW_LETTERS and capitals / len(letters) > wording.capitals_share:
            because = f"{capitals / len(letters):.0%} of the letters are capitals, {wording.capitals_share:.0%} may be"
            yield remark("capitals", field, text, span, because)
        marks = list(EXCLAMATION.finditer(line))
        if len(marks) > wording.exclamation_marks:
            because = f"{len(marks)} exclamation marks in a line, {wording.exclamation_marks} may be"
            at = start + marks[wording.exclamation_marks].start()
            yield remark("exclamation_marks", field, text, (at, start + marks[-1].end()), because)
        start += len(line)


def _hidden(field: str, text: str) -> Iterator[Remark]:
    for match in HIDDEN.finditer(text):
        because = f"U+{ord(match[0]):04X} cannot be seen: it hides a word or turns the direction of the writing"
        yield remark("hidden_characters", field, text, match.span(), because)
