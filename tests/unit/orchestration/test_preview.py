"""`holdfast preview`: the page of a person, of a segment, of nobody; what it must never say, and how it refuses."""

import hashlib
import html
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from activation.state.store import StateStore
from orchestration.cli import main
from orchestration.commands.preview import preview
from orchestration.resources import Settings, UserError
from tests.unit.activation.shop import DAY, Shop, people

ADDRESS = "ann@private.example"
ANN, BEN, CY = people("treatment", 3)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which three customers of a segment were decided upon, one of them known well."""
    home = tmp_path_factory.mktemp("home")
    shop = Shop(StateStore(home / "state"), duckdb.connect(str(home / "warehouse.duckdb")))
    shop.connection.execute("""
        alter table marts.dim_customers add column if not exists first_name varchar;
        alter table marts.dim_customers add column if not exists company varchar;
        create table marts.customer_affinities (
            as_of date, customer_id varchar, category varchar, affinity_share double, affinity_rank integer
        );
        create table marts.customer_recommendations (
            as_of date, customer_id varchar, is_repeat boolean, recommendation_rank integer, product_key varchar
        );
        create table marts.products (
            product_key varchar, source varchar, landed_on date, title varchar, price_amount decimal(18, 2), currency varchar
        );
    """)
    shop.fresh()
    for name in (ANN, BEN, CY):
        shop.customer(name)
        shop.trigger(name, "win_back")
        shop.member(name, "repeat_buyers")
    shop.member(ANN, "repeat_buyers_with_replenishment_risk")
    mailbox_hash = hashlib.sha256(f"salt:{ADDRESS}".encode()).hexdigest()
    shop.connection.execute(
        "update marts.dim_customers set mailbox_hash = $hash, first_name = 'Ann <b>' where customer_id = $ann",
        {"hash": mailbox_hash, "ann": ANN},
    )
    shop.connection.execute(
        "update marts.dim_customers set first_name = 'Benedetta' where customer_id = $ben", {"ben": BEN}
    )
    shop.decide()
    shop.connection.close()
    return Settings(home, home / "landing", "UTC", "EUR", "duckdb", "salt")


def written(settings: Settings, flow: str, step: str, **asked: Any) -> tuple[str, list[str]]:
    """The page, and the emails in it."""
    said: Mapping[str, Any] = {"email": None, "segment": None, "day": None, "wanted": {}, "is_all": False}
    page = preview(settings, flow, step, **{**said, **asked}).read_text()
    return page, [html.unescape(it) for it in re.findall(r'srcdoc="([^"]*)"', page)]


def rows(page: str) -> list[list[str]]:
    """Block, tier, shown and why."""
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    return [[html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in body.split("</tr>")][
        :-1
    ]


def test_person_sees_what_was_decided_and_why(settings: Settings) -> None:
    page, mails = written(settings, "win_back", "1", email=f" {ADDRESS.upper()} ")
    assert rows(page) == [
        ["message", "core", "a_while", "always"],
        ["hero", "adaptive", "replenish_now", "segment repeat_buyers_with_replenishment_risk"],
        ["proof", "core", "ordered_again", "always"],
        ["call_to_action", "core", "back_to_shop", "always"],
    ]
    assert len(mails) == 2, "desktop and phone"
    assert mails[0] == mails[1]
    assert "Before the last one is gone" in mails[0]
    assert "We would like to have you back" not in mails[0]
    assert "Hello <bdi>there</bdi>," in mails[0], "a name with markup is no name"
    assert "The decision of that day: sent." in page


def test_page_names_no_address_and_leads_nobody_out(settings: Settings) -> None:
    page, mails = written(settings, "win_back", "1", email=ADDRESS)
    assert "private.example" not in page
    assert hashlib.sha256(f"salt:{ADDRESS}".encode()).hexdigest() not in page
    assert 'href="https://shop.example/unsubscribe/preview"' in mails[0]
    assert "<script" not in page
    assert page.count("<iframe sandbox ") == 2


def test_segment_sees_the_most_common_and_nothing_of_a_person(settings: Settings) -> None:
    page, mails = written(settings, "win_back", "1", segment="repeat_buyers")
    assert rows(page)[1] == ["hero", "adaptive", "news_since_then", "what 2 of 3 were to see"]
    assert "3 members got as far as this email that day, with 2 different sets of blocks" in page
    assert "New on the shelf" in mails[0]
    assert "Benedetta" not in page


def test_segment_of_whom_nobody_got_so_far_sees_what_asks_for_it(settings: Settings) -> None:
    page, _ = written(settings, "win_back", "2", segment="high_value_at_risk")
    assert rows(page)[1] == ["offer", "adaptive", "free_shipping", "segment high_value_at_risk"]
    assert "No member got as far as this email that day" in page


def test_nobody_in_particular_needs_no_warehouse(tmp_path: Path, settings: Settings) -> None:
    empty = Settings(tmp_path, tmp_path / "landing", "UTC", "EUR", "duckdb", "salt")
    page, mails = written(empty, "welcome", "2")
    assert [row[2] for row in rows(page)] == ["what_others_loved", "bestsellers", "most_loved", "look_around"]
    assert "Hello <bdi>there</bdi>," in mails[0]
    assert not (tmp_path / "warehouse.duckdb").exists()
    with pytest.raises(UserError, match="nothing was decided yet"):
        written(empty, "welcome", "2", email=ADDRESS)
    assert written(settings, "welcome", "2") == (page, mails)


def test_all_variants_are_shown_on_request(settings: Settings) -> None:
    page, mails = written(settings, "win_back", "1", is_all=True, wanted={"hero": "we_miss_you"})
    assert len(mails) == 2 * (1 + 3)
    assert rows(page)[1] == ["hero", "adaptive", "we_miss_you", "asked for by --variant"]
    for headline in ("Before the last one is gone", "We would like to have you back", "New on the shelf"):
        assert any(headline in mail for mail in mails)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["spring_sale", "1"], "there is no flow spring_sale: there are browse_abandonment, cart_abandonment,"),
        (["welcome", "3"], "welcome has no step 3: it has 1, 2"),
        (
            ["win_back", "1", "--variant", "hero=gone"],
            "block hero has no variant gone: it has replenish_now, we_miss_you,",
        ),
        (
            ["win_back", "1", "--variant", "side=x"],
            "step 1 of win_back has no block side: it has message, hero, proof,",
        ),
        (["win_back", "1", "--variant", "hero"], "--variant hero: write it as block=variant"),
        (
            ["win_back", "1", "--email", "x@y.example", "--segment", "repeat_buyers"],
            "say --email or --segment, not both",
        ),
        (["win_back", "1", "--segment", "gone"], "there is no segment gone: `holdfast approve` lists all"),
        (["win_back", "1", "--email", "who@private.example"], f"no customer has this mailbox on {DAY}"),
        (
            ["win_back", "1", "--email", ADDRESS, "--date", "2025-01-01"],
            f"no customer has this mailbox on {date(2025, 1, 1)}",
        ),
    ],
)
def test_wrong_call_is_refused_in_one_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(settings.home))
    monkeypatch.setenv("HOLDFAST_SALT", "salt")
    ran = CliRunner().invoke(main, ["preview", *arguments])
    assert ran.exit_code == 2
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"holdfast: {said}")
    assert "private.example" not in line


def test_command_says_where_the_page_is(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_HOME", str(settings.home))
    monkeypatch.setenv("HOLDFAST_SALT", "salt")
    ran = CliRunner().invoke(main, ["preview", "win_back", "1", "--email", ADDRESS])
    assert (ran.exit_code, ran.output) == (0, f"preview  {settings.publish / 'preview' / 'win_back_1.html'}\n")
