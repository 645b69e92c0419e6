"""Who is whom in words and drawings: nobody is left out of the bars, and text from files stays text."""

from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.data import CustomerSize, CutHub, SiteData, Tie, Whom
from reporting.pictures import draw_customers, draw_sizes
from reporting.site import render
from reporting.whom import bars_of, page_of, portraits_of

HOSTILE = "<script>alert(1)</script>&\"'"
KEY = "ab" * 32


def tie(profile: int, source: str, value: int, *, kind: str = "email", cut: bool = False, of: int = 3) -> Tie:
    reason, bearers = ("people_who_differ", 40) if cut else (None, None)
    return Tie("c_1", of, profile, source, value, kind, KEY, reason, bearers)


WHOM = Whom(
    sizes=(CustomerSize(1, 900), CustomerSize(3, 1)),
    ties=(tie(1, "shopify", 7), tie(2, "segment", 7), tie(2, "segment", 8, kind="phone", cut=True)),
    hubs=(CutHub("phone", KEY, "people_who_differ", date(2025, 6, 2), 40),),
    hub_count=12,
)


@given(st.dictionaries(st.integers(1, 3000), st.integers(1, 10**6), min_size=1, max_size=8))
def test_bars_count_every_customer_once(sizes: dict[int, int]) -> None:
    bars = bars_of(Whom(sizes=tuple(CustomerSize(*each) for each in sorted(sizes.items()))))

    assert sum(bar.customer_count for bar in bars) == sum(sizes.values())
    assert max(bar.share for bar in bars) == 1
    assert bars[-1].customer_count > 0


@pytest.mark.parametrize(
    ("size", "label"),
    [(1, "1 profile"), (10, "10 profiles"), (11, "11 to 20"), (20, "11 to 20"), (1000, "101 to 1,000"), (1001, "more")],
)
def test_largest_customer_is_in_the_last_bar(size: int, label: str) -> None:
    assert bars_of(Whom(sizes=(CustomerSize(size, 1),)))[-1].label == label


def test_page_counts_profiles_and_customers() -> None:
    page = page_of(WHOM)

    assert (page.customer_count, page.profile_count, page.largest, page.hub_count) == (901, 903, 3, 12)
    assert page.hubs[0].reason == "two accounts of different names use it"


def test_sentence_says_what_was_left_out_and_cut() -> None:
    (portrait,) = portraits_of(WHOM)

    assert portrait.sentence == "3 profiles, the oldest 2 drawn, from 2 sources, tied by 1 shared value; 1 value cut."


def test_a_pair_by_hand_is_told() -> None:
    by_hand = Whom(ties=(tie(1, "a", 1, cut=True, of=2), tie(2, "b", 1, cut=True, of=2)))

    assert portraits_of(by_hand)[0].sentence.endswith(
        "What no line joins is joined by a pair of playbook/identity.yml, or by what is not drawn."
    )


def test_sources_have_letters_of_their_own() -> None:
    names = ["segment", "sendgrid", "shopify", "s", HOSTILE]
    (portrait,) = portraits_of(Whom(ties=tuple(tie(at, name, 7) for at, name in enumerate(names))))

    assert len({source.letters for source in portrait.sources.values()}) == len(names)


def test_drawings_are_images_of_their_own_that_name_nobody() -> None:
    hostile = Whom(WHOM.sizes, tuple(replace(each, source=HOSTILE, identifier_type=HOSTILE) for each in WHOM.ties))
    (sentence,), (customer,) = zip(*draw_customers(hostile).items(), strict=True)

    for drawn in (draw_sizes(hostile), customer):
        root = ET.fromstring(drawn)  # noqa: S314
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert not root.findall(".//{*}script")
        assert KEY not in drawn
    assert sentence.startswith("c_1: 3 profiles")


def test_section_escapes_what_comes_from_files(site_data: SiteData) -> None:
    hubs = (replace(WHOM.hubs[0], identifier_type=HOSTILE, reason=HOSTILE),)
    ties = tuple(replace(each, source=HOSTILE, customer_id=HOSTILE) for each in WHOM.ties)
    page = render(replace(site_data, whom=replace(WHOM, ties=ties, hubs=hubs)))

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert KEY not in page


def test_section_of_a_day_without_profiles_says_so(site_data: SiteData) -> None:
    assert "No profile has landed" in render(replace(site_data, whom=Whom()))
