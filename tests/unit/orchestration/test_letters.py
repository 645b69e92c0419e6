"""What a relay is handed: the email of the version that decided, for the person of the row, with the links of its header."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from activation.emails.compose import compose, on_the_wire
from activation.playbook.playbook import Playbook
from activation.release.attempts import waiting
from activation.state.store import StateStore
from orchestration.letters import letters_of, sender_of
from orchestration.resources import UserError
from tests.unit.activation.shop import DAY, Shop, people, playbook

ANN, BEN = people("treatment", 2)
NAMES = {ANN: "Zoë <b>", BEN: None}
FACTS = """
create table marts.customer_affinities (as_of date, customer_id varchar, category varchar, affinity_share double, affinity_rank integer);
create table marts.customer_recommendations (
    as_of date, customer_id varchar, product_key varchar, is_repeat boolean, recommendation_rank integer
);
create table marts.products (
    product_key varchar, source varchar, landed_on date, title varchar, price_amount decimal(12, 2), currency varchar
);
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(StateStore(tmp_path / "state"))
    made.connection.execute(FACTS)
    made.fresh()
    book = playbook()
    made.state.register_playbook(book, effective_from=DAY, registered_at=datetime(2025, 1, 1))  # noqa: DTZ001 - UTC, naive
    for name, first in NAMES.items():
        made.customer(name)
        made.trigger(name)
        made.connection.execute(
            "update marts.dim_customers set first_name = $first where customer_id = $name",
            {"first": first, "name": name},
        )
    made.decide(book=book)
    made.release(destination="smtp")
    return made


def test_email_is_of_the_decision_and_greets_its_person(shop: Shop) -> None:
    letters = letters_of(shop.connection, shop.state, DAY)
    brand = playbook().brand
    assert brand is not None
    assert (letters.sender.name, letters.sender.email) == (brand.sender_name, brand.from_email)
    read = {
        claimed.row["customer_id"]: (claimed.row, letters.render(claimed.row)) for claimed in waiting(shop.state, DAY)
    }
    assert set(read) == set(NAMES)
    for row, letter in read.values():
        assert letter.subject == row["subject"]
        [link] = re.findall(r"<(https://[^>]+)>", row["list_unsubscribe"])
        assert link in letter.text
        assert f'href="{link}"' in letter.html
        assert brand.postal_address in letter.text
        assert json.loads(row["block_choices"])
    # A name that bears markup is no name; it takes the fallback, as one that is not known does.
    assert ["Hello there" in letter.text for _, letter in read.values()] == [True, True]


def test_email_shows_the_variant_that_was_chosen(shop: Shop) -> None:
    letters = letters_of(shop.connection, shop.state, DAY)
    row = {**waiting(shop.state, DAY)[0].row, "step": "2"}
    [second] = [step for flow in playbook().flows if flow.flow == "welcome" for step in flow.steps if step.step == 2]
    # Of somebody for whom nothing is recommended, recommendations read alike; heroes do not.
    [variants] = [block.shown for block in second.blocks if block.block == "hero"]
    texts = [
        letters.render({**row, "block_choices": json.dumps({"hero": {"variant": variant}})}).text
        for variant in variants
    ]
    assert len(set(texts)) == len(variants) > 1


def test_same_row_at_the_same_time_is_the_same_bytes(shop: Shop) -> None:
    def written() -> list[bytes]:
        letters = letters_of(shop.connection, shop.state, DAY)
        at = datetime.fromisoformat("2025-06-11T12:00")
        return [
            on_the_wire(
                compose(
                    claimed.row, letters.render(claimed.row), sender=letters.sender, feedback_sender="holdfast", sent_at=at,
                    for_sendgrid=True,
                )
            )
            for claimed in waiting(shop.state, DAY)
        ]  # fmt: skip

    first = written()
    assert first == written()
    assert max(len(line) for content in first for line in content.split(b"\r\n")) <= 998
    for content, claimed in zip(first, waiting(shop.state, DAY), strict=True):
        told = re.search(rb"\r\nX-SMTPAPI: ([^\r]+)\r\n", content)
        assert told is not None
        assert json.loads(told[1])["unique_args"] == {
            "decision_id": claimed.row["decision_id"], "flow": "welcome", "step": "1", "arm": "treatment",
        }  # fmt: skip


def test_day_whose_playbook_has_no_emails_says_so(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state")
    old = Playbook.from_json(playbook().model_copy(update={"brand": None}).to_json())
    store.register_playbook(old, effective_from=DAY, registered_at=datetime(2025, 1, 1))  # noqa: DTZ001 - UTC, naive
    with pytest.raises(UserError, match="release it with --to files"):
        sender_of(store, DAY)
