"""The page of one person: all that was decided and why, and nothing that a value could make of it."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from activation.decision.why import explain
from activation.state.store import StateStore
from orchestration.commands.why import page_of
from reporting.person import render_person
from tests.unit.activation.shop import DAY, Shop, people

ANN, BEN = people("treatment", 2)


class Text(HTMLParser):
    """What a reader sees, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(StateStore(tmp_path / "state"))
    made.fresh()
    for name in (ANN, BEN):
        made.customer(name)
        made.trigger(name, occurrence="<script>alert(1)</script>" if name == ANN else "")
    made.suppress("open_support_ticket", customer_id=ANN)
    made.suppress("sunset", customer_id=ANN)
    made.member(ANN, "new_subscribers")
    made.score(ANN, 0.25)
    made.decide()
    return made


def read(shop: Shop, name: str) -> tuple[str, Text]:
    html = render_person(page_of(explain(shop.connection, f"m_{name}", DAY), "mailbox"))
    text = Text()
    text.feed(html)
    return html, text


def test_page_says_the_outcome_and_every_reason(shop: Shop) -> None:
    _, text = read(shop, ANN)
    assert "Gets nothing: suppressed" in text.words
    for said in ("open support ticket", "sunset", "new_subscribers", "churn_risk", "0.2500", f"p_{ANN}"):
        assert said in text.words, said
    _, text = read(shop, BEN)
    assert "Gets welcome 1" in text.words
    assert {"Nothing spoke against it.", "hero", "brand_story", "always"} <= set(text.words)


def test_no_value_becomes_markup_and_nothing_is_loaded(shop: Shop) -> None:
    html, text = read(shop, ANN)
    assert "<script>alert(1)</script>" in text.words
    assert "script" not in text.tags
    assert "http" not in html.replace("http-equiv", "")
    assert "@" not in "".join(text.words).replace("@media", "")


def test_nobody_is_said(shop: Shop) -> None:
    _, text = read(shop, "nobody")
    assert "No customer has this mailbox" in text.words
    assert "No email was due." in text.words
