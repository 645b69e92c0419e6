"""What a rendered email shows and does: its visible text, its links, and what the law and common sense find wrong with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from activation.emails.render import Links, Message, one_line
from activation.playbook.content import Brand

SCHEMES = ("https://", "mailto:")
UNSAFE = frozenset({"script", "iframe", "object", "embed", "form", "base"})
UNSEEN = frozenset({"head", "title", "style", "script"})
INLINE = frozenset({"a", "b", "bdi", "em", "i", "span", "strong"})
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
HIDDEN = re.compile(r"display:\s*none|visibility:\s*hidden")
LEFT = re.compile(r"\{\{|\{%|%\}|\}\}")


@dataclass
class Page(HTMLParser):
    """What a reader of an HTML part sees, and where it leads.

    Attributes:
        chunks: Visible texts, each of one block, white space collapsed.
        links: Targets of visible links.
        loads: What would be fetched.
        unsafe: Elements and attributes that run or frame something.
    """

    chunks: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)
    _open: list[tuple[str, bool]] = field(default_factory=list)
    _said: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, html: str) -> "Page":
        """Parse a page."""
        page = cls()
        page.feed(html)
        page.close()
        page._flush()
        return page

    def __post_init__(self) -> None:
        """Begin."""
        super().__init__(convert_charrefs=True)

    @property
    def text(self) -> str:
        """All visible text in one line."""
        return " ".join(self.chunks)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element does."""
        given = {name: value or "" for name, value in attrs}
        hidden = self._is_hidden or tag in UNSEEN or bool(HIDDEN.search(given.get("style", "")))
        if tag in UNSAFE:
            self.unsafe.append(tag)
        self.unsafe += [f"{name} of {tag}" for name in given if name.startswith("on")]
        self.loads += [given[name] for name in ("src", "background", "poster") if name in given]
        if tag == "link":
            self.loads.append(given.get("href", ""))
        if tag == "a" and "href" in given and not hidden:
            self.links.append(given["href"])
        if tag not in INLINE:
            self._flush()
        if tag not in VOID:
            self._open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element, and whatever was left open within it."""
        if tag not in INLINE:
            self._flush()
        if tag in {name for name, _ in self._open}:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Keep what can be seen."""
        if not self._is_hidden:
            self._said.append(data)

    @property
    def _is_hidden(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _flush(self) -> None:
        if text := " ".join("".join(self._said).split()):
            self.chunks.append(text)
        self._said = []


def mail_faults(brand: Brand, message: Message, links: Links) -> Iterator[str]:
    """What is wrong with an email as it would arrive."""
    page = Page.of(message.html)
    yield from _legal_faults(brand, message, page, links)
    yield from (
        f"a link leads to {target}, which is neither https nor mailto"
        for target in page.links
        if not target.startswith(SCHEMES)
    )
    yield from (
        f"{target} would be loaded, which is not https" for target in page.loads if not target.startswith("https://")
    )
    yield from (f"{element} has no place in an email" for element in page.unsafe)
    if any(LEFT.search(part) for part in (message.subject, message.preheader, message.html, message.text)):
        yield "Liquid is left over in the rendered email"
    if not message.subject or message.subject != one_line(message.subject):
        yield "the subject is not one line"


def _legal_faults(brand: Brand, message: Message, page: Page, links: Links) -> Iterator[str]:
    """What the law wants in every marketing mail, in both parts, where it can be seen."""
    if links.unsubscribe_url not in page.links:
        yield "the rendered email has no link to {{ unsubscribe_url }} that can be seen"
    if links.unsubscribe_url not in message.text.split():
        yield "the text part has no {{ unsubscribe_url }}"
    written = " ".join(message.text.split())
    for what, value in (("postal address", brand.postal_address), ("sender's name", brand.sender_name)):
        if value not in page.text:
            yield f"the rendered email does not show the {what}"
        if value not in written:
            yield f"the text part does not have the {what}"
