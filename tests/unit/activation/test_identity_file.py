"""`identity.yml`: what is right loads in its order, what is wrong is named in one line with its place."""

import re
import shutil
from pathlib import Path

import pytest

from activation.load import PlaybookError, load_playbook
from tests.unit.activation.shop import MODELS, PLAYBOOK, SEGMENTS

ALIAS = "- {type: alias, most_profiles: 50}"
ONE = "{profiles: ['hubspot:1', 'shopify:2'], are: one, owner: crm, reason: phone, decided_on: 2025-06-01, expires_on: 2026-06-01}"
DIFFERENT = ONE.replace("'hubspot:1', 'shopify:2'", "'shopify:2', 'hubspot:1'").replace("are: one", "are: different")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))


def edit(folder: Path, old: str, new: str) -> int:
    """Change the file; returns the line on which the change stands."""
    file = folder / "identity.yml"
    text = file.read_text()
    at = text.index(old, text.index("\nidentifiers:"))
    file.write_text(text[:at] + new + text[at + len(old) :])
    return text[:at].count("\n") + 1


def fault(folder: Path) -> str:
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS)
    (line,) = str(caught.value).splitlines()
    return line


def test_file_says_whose_word_counts_and_what_is_decided_by_hand(folder: Path) -> None:
    edit(folder, "first_name: [shopify, hubspot]", "first_name: [hubspot, zendesk, shopify]")
    edit(folder, "pairs: []", f"pairs: [{ONE}]")
    identity = load_playbook(folder, segments=SEGMENTS, models=MODELS).identity
    assert identity.survivorship["first_name"] == ("hubspot", "zendesk", "shopify")
    assert [(pair.profiles, pair.are) for pair in identity.pairs] == [(("hubspot:1", "shopify:2"), "one")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("user_id, most_profiles: 50", "user_id, most_profiles: 0", "most_profiles: input should be greater than or equal to 1"),
        (ALIAS, f"{ALIAS}\n  {ALIAS}", "type alias is written twice"),
        ("type: alias,", "type: nickname,", "type: input should be 'user_id'"),
        ("needs_same_name: true", "needs_same_names: true", "needs_same_names is not known here"),
        ("blocked: []", "blocked: [{type: email, value_hash: test@test.com}]", "value_hash: string should match pattern"),
        ("most_profiles: 200 ", "most_profiles: many ", "most_profiles: input should be a valid integer"),
        ("most_changed: 0.02", "most_changed: 2", "most_changed: input should be less than or equal to 1"),
        ("[shopify, segment, plain]", "[shopify, till]", "source till declares no service level"),
        ("probability: 0.9", "probability: 0.4", "probability: input should be greater than 0.5"),
        ("company: [hubspot]", "company: [salesforce]", "source salesforce declares no service level"),
        ("company: [hubspot]", "company: [hubspot, hubspot]", "source hubspot is written twice"),
        ("company: [hubspot]", "employer: [hubspot]", "employer: input should be 'first_name'"),
        ("pairs: []", f"pairs: [{ONE}, {DIFFERENT}]", "pair 1 decides about these two profiles already"),
        ("pairs: []", f"pairs: [{ONE.replace('shopify:2', 'hubspot:1')}]", "a pair is two different profiles"),
        ("pairs: []", f"pairs: [{ONE.replace('2026-06-01', '2025-06-01')}]", "expires_on is not after decided_on"),
        ("pairs: []", f"pairs: [{ONE.replace('owner: crm', 'owner: null')}]", "owner: input should be a valid string"),
        ("pairs: []", f"pairs: [{ONE.replace('are: one', 'are: same')}]", "are: input should be 'one' or 'different'"),
        ("pairs: []", f"pairs: [{ONE.replace('hubspot:1', 'ann@example.org')}]", "string should match pattern"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_place(folder: Path, old: str, new: str, message: str) -> None:
    line = edit(folder, old, new)
    told = fault(folder)
    assert re.fullmatch(rf"playbook/identity\.yml:({line}|{line + 1}): .*{re.escape(message)}.*", told), told


def test_a_type_without_limits_is_a_fault(folder: Path) -> None:
    edit(folder, "  - {type: phone, most_profiles: 50, needs_same_name: true}\n", "")
    assert fault(folder).endswith("type phone has no limits")
