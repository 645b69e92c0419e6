"""The page that says why, as a person meets it: readable on a desk and on a phone, by light and by dark, and asking nobody."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reporting.person import Card, Decided, PersonPage, Table, render_person
from reporting.site import write_page

if TYPE_CHECKING:
    from conftest import Page

LONG = "shopify:" + "1234567890" * 8
HOSTILE = "<img src=x onerror=\"document.title='broken'\">"
BLOCKS = Table(
    ("Block", "Variant", "Rule", "Confidence", "Why the fallback"), (("hero", HOSTILE, "always", "–", "–"),), ""
)
PAGE = PersonPage(
    as_of=date(2025, 6, 29),
    mailbox="0123456789ab",
    headline="Gets nothing: suppressed",
    cards=(
        Card("profiles", "Profiles", "Records.", Table(("Customer", "Profile", "Since"), (("c_1", LONG, "2025-01-01"),) * 40, "None.")),
        Card("topics", "Topics", "Apart.", Table(("Topic", "Consent"), (), "Nothing apart.")),
    ),
    decisions=(
        Decided("win_back 1", "suppressed", "bad", ("open support ticket", "sunset"), (("Began with", LONG), ("Arm", HOSTILE)), BLOCKS),
    ),
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_page(render_person(PAGE), tmp_path / "why")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_page_fits_is_quiet_and_runs_nothing(page: "Page", path: Path, width: int, scheme: str) -> None:
    page.open(path, width=width, scheme=scheme)
    assert page.read("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.read("document.title") == "Why, 29 Jun 2025"
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []
    assert page.read("document.querySelectorAll('img, script').length") == 0
    assert page.read("[...document.querySelectorAll('.reasons li')].map(each => each.textContent)") == [
        "open support ticket",
        "sunset",
    ]


def test_text_can_be_read_on_its_ground(page: "Page", path: Path) -> None:
    page.open(path, scheme="dark")
    ink, ground = page.read("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert ink != ground
