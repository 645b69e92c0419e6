"""The playbook: what is right loads and is stored, what is wrong is named with file and line."""

import json
import re
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from activation.load import PlaybookError, json_schemas, load_playbook
from activation.playbook.playbook import Playbook
from tests.unit.activation.shop import MODELS, PLAYBOOK, SEGMENTS, playbook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))


def replace(folder: Path, name: str, old: str, new: str) -> int:
    """Change a file; returns the line on which the change stands."""
    text = (folder / name).read_text()
    assert text.count(old) >= 1
    (folder / name).write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def faults(folder: Path) -> list[str]:
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS)
    return str(caught.value).splitlines()


def test_playbook_has_the_flows_and_the_holdout() -> None:
    book = playbook()
    assert [(flow.flow, len(flow.steps), flow.reentry, flow.reentry_days) for flow in book.flows] == [
        ("browse_abandonment", 1, "window", 14),
        ("cart_abandonment", 2, "window", 7),
        ("first_purchase", 2, "once", None),
        ("nurture", 1, "window", 28),
        ("post_purchase_education", 1, "window", 30),
        ("renewal", 1, "each", None),
        ("replenishment", 1, "window", 14),
        ("welcome", 2, "once", None),
        ("win_back", 3, "each", None),
    ]
    assert [(arm.arm, arm.share) for arm in book.global_holdout.arms] == [("holdout", 0.05), ("treatment", 0.95)]
    assert [(cap.limit, cap.hours) for cap in book.policies.caps] == [(1, 16), (3, 7 * 24), (10, 30 * 24)]


def test_stored_version_is_the_same_playbook() -> None:
    book = playbook()
    assert Playbook.from_json(book.to_json()) == book
    assert Playbook.from_json(book.to_json()).version == book.version
    assert re.fullmatch(r"[0-9a-f]{12}", book.version)


def test_version_follows_content_not_layout(folder: Path) -> None:
    before = load_playbook(folder, segments=SEGMENTS, models=MODELS).version
    replace(folder, "policies.yml", "consent:", "# a remark\nconsent:")
    assert load_playbook(folder, segments=SEGMENTS, models=MODELS).version == before
    replace(folder, "content/brand.yml", "website: https://shop.example", "website: https://www.shop.example")
    assert load_playbook(folder, segments=SEGMENTS, models=MODELS).version != before


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "flows/win_back.yml",
            "segment: high_value_at_risk",
            "segment: big_spenders",
            "segment big_spenders is unknown",
        ),
        ("flows/win_back.yml", "- step: 2", "- step: 1", "step 1 is written twice"),
        ("flows/win_back.yml", "template: layout", "template: gone", "content/gone.mjml is missing"),
        (
            "flows/win_back.yml",
            "delay_days: 7",
            "delay_days: -1",
            "delay_days: input should be greater than or equal to 0",
        ),
        ("flows/welcome.yml", "topic: welcome", "topik: welcome", "topik is not known here"),
        ("flows/welcome.yml", "reentry: once", "reentry: twice", "reentry: input should be 'once', 'each' or 'window'"),
        (
            "flows/nurture.yml",
            "stages: [new_customer,",
            "stages: [buyer,",
            "0: input should be 'prospect', 'subscriber', 'new_customer', 'active', 'at_risk', 'lapsed' or 'won_back'",
        ),
        (
            "flows/renewal.yml",
            "despite: [recently_converted]",
            "despite: [complained]",
            "0: input should be 'recently_converted' or 'engager_cooldown'",
        ),
        ("approvals.yml", "flow: win_back", "flow: spring_sale", "flow spring_sale is unknown"),
        (
            "approvals.yml",
            "approval_id: approval_win_back_1",
            "approval_id: approval_welcome_1",
            "approval approval_welcome_1 is written twice",
        ),
        (
            "policies.yml",
            "timezone: null",
            "timezone: Europe/Atlantis",
            "'Europe/Atlantis' is no time zone: use a name such as Europe/London",
        ),
        ("policies.yml", "id: cap_7_days", "id: cap_16_hours", "cap cap_16_hours is written twice"),
        (
            "policies.yml",
            'ends: "09:00"',
            'ends: "9am"',
            "ends: string should match pattern '^([01]\\d|2[0-3]):[0-5]\\d$'",
        ),
        (
            "policies.yml",
            "requires: subscribed",
            "requires: nothing",
            "requires: input should be 'subscribed' or 'confirmed'",
        ),
        ("experiments.yml", "scope: global", "scope: local", "scope: input should be 'global' or 'flow'"),
    ],
)
def test_fault_is_named_with_its_line(folder: Path, name: str, old: str, new: str, message: str) -> None:
    line = replace(folder, name, old, new)
    assert f"playbook/{name}:{line}: {message}" in faults(folder)


SALT = "salt: win_back_free_shipping_1"


def test_ramps_with_a_salt_in_common_are_a_fault(folder: Path) -> None:
    ramp = f"ramp:\n  stages: [{{cohort: reacted_last_30_days, share: 0.1, minimum_days: 1, minimum_emails: 1}}]\n  {SALT}\n"
    replace(folder, "flows/welcome.yml", "reentry: once", f"{ramp}reentry: once")
    files = {name: (folder / f"flows/{name}.yml").read_text().splitlines() for name in ("win_back", "welcome")}
    line = next(number for number, text in enumerate(files["win_back"], start=1) if SALT in text)
    owner = "salt win_back_free_shipping_1 is that of flow welcome: each ramp needs its own"
    assert f"playbook/flows/win_back.yml:{line}: {owner}" in faults(folder)


def test_a_variant_has_one_ramp_in_all_steps_of_a_flow_and_a_fallback_none(folder: Path) -> None:
    file = folder / "flows" / "win_back.yml"
    text = file.read_text()
    assert text.count(SALT) == 2
    file.write_text("win_back_free_shipping_2".join(text.rsplit("win_back_free_shipping_1", 1)))
    last = max(number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == "ramp:")
    (found,) = (fault for fault in faults(folder) if "ramp" in fault)
    assert found.startswith(
        f"playbook/flows/win_back.yml:{last}: the ramp of offer free_shipping of flow win_back is not"
    )
    file.write_text(text.replace("fallback: small_thank_you", "fallback: free_shipping"))
    assert any("free_shipping is what everybody else gets: it cannot have a ramp" in fault for fault in faults(folder))


def test_all_faults_are_told_at_once(folder: Path) -> None:
    first = replace(folder, "approvals.yml", "flow: welcome", "flow: nothing")
    second = replace(folder, "flows/win_back.yml", "segment: high_value_at_risk", "segment: big_spenders")
    assert faults(folder) == [
        f"playbook/approvals.yml:{first}: flow nothing is unknown",
        f"playbook/flows/win_back.yml:{second}: segment big_spenders is unknown",
    ]


def test_country_or_topic_that_has_two_rules_is_a_fault(folder: Path) -> None:
    replace(folder, "policies.yml", "countries: [CA]", "countries: [CA, CA]")
    assert faults(folder)[0].endswith("country CA is there twice")
    replace(folder, "policies.yml", "countries: [CA, CA]", "countries: [CA]")
    replace(folder, "policies.yml", "- {topic: offers}", "- {topic: offers, known_as: [Welcome]}")
    assert faults(folder)[0].endswith("topic welcome is there twice")


def test_shares_must_be_whole(folder: Path) -> None:
    replace(folder, "experiments.yml", "share: 0.05", "share: 0.15")
    assert faults(folder)[0].endswith("the shares of the arms add up to 1.1, not to 1")


def test_key_twice_and_broken_yaml_are_faults(folder: Path) -> None:
    (folder / "approvals.yml").write_text("approvals: []\napprovals: []\n")
    (folder / "policies.yml").write_text("consent: [\n")
    told = faults(folder)
    assert told[0] == "playbook/approvals.yml:2: approvals is written twice"
    assert told[1].startswith("playbook/policies.yml:2: cannot be read: ")


def test_missing_file_is_a_fault(folder: Path) -> None:
    (folder / "experiments.yml").unlink()
    assert faults(folder) == ["playbook/experiments.yml:1: the file is missing"]


def test_reason_not_to_mail_has_a_model(folder: Path) -> None:
    line = replace(folder, "policies.yml", "reason: sunset", "reason: sunrise")
    with pytest.raises(PlaybookError) as caught:
        load_playbook(
            folder,
            segments=SEGMENTS,
            models=MODELS,
            reasons=frozenset(rule.reason for rule in playbook().policies.suppressions),
        )
    assert str(caught.value) == (
        f"playbook/policies.yml:{line}: reason sunrise is unknown: there is no model suppressions_sunrise"
    )


def test_stored_policies_without_suppressions_keep_what_held_then() -> None:
    stored = json.loads(playbook().to_json())
    for name in ("suppressions", "excluded_accounts", "internal_domains", "lost_subscriber"):
        del stored["policies"][name]
    policies = Playbook.from_json(json.dumps(stored)).policies
    assert [(rule.reason, rule.days) for rule in policies.suppressions] == [("recently_converted", 7)]
    assert (policies.excluded_accounts, policies.internal_domains) == ((), ())
    assert policies.lost_subscriber.amount == 10


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{owner: ann, reason: partner, excluded_on: 2025-01-01}", "one of domain, company and account_id"),
        (
            "{domain: a.org, company: A, owner: ann, reason: x, excluded_on: 2025-01-01}",
            "one of domain, company and account_id",
        ),
        (
            "{domain: a.org, owner: ann, reason: x, excluded_on: 2025-01-02, expires_on: 2025-01-02}",
            "expires_on is not after",
        ),
        ("{domain: ann@a.org, owner: ann, reason: x, excluded_on: 2025-01-02}", "domain: string should match pattern"),
        ("{domain: a.org, reason: x, excluded_on: 2025-01-02}", "owner is missing"),
    ],
)
def test_excluded_account_is_named_once_and_by_somebody(folder: Path, entry: str, message: str) -> None:
    line = replace(folder, "policies.yml", "excluded_accounts: []", f"excluded_accounts: [{entry}]")
    (fault,) = faults(folder)
    assert fault.startswith(f"playbook/policies.yml:{line}: ")
    assert message in fault


def test_account_is_excluded_by_its_domain(folder: Path) -> None:
    entry = "{domain: Acme.org, owner: ann, reason: a partner writes to them, excluded_on: 2025-01-01}"
    replace(folder, "policies.yml", "excluded_accounts: []", f"excluded_accounts: [{entry}]")
    (account,) = load_playbook(folder, segments=SEGMENTS, models=MODELS).policies.excluded_accounts
    assert (account.domain, account.expires_on) == ("acme.org", None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "excluded_accounts: []",
            "excluded_accounts: [{domain: gmail.com, owner: a, reason: b, excluded_on: 2025-01-01}]",
        ),
        ("internal_domains: [shop.example]", "internal_domains: [gmail.com]"),
    ],
)
def test_domain_of_anybody_is_nobodys_company(folder: Path, old: str, new: str) -> None:
    line = replace(folder, "policies.yml", old, new)
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS, free_domains=frozenset({"gmail.com"}))
    assert str(caught.value) == (
        f"playbook/policies.yml:{line}: anybody can have a mailbox at gmail.com: it is nobody's company"
    )


def test_window_without_days_is_refused(folder: Path) -> None:
    replace(folder, "flows/nurture.yml", "reentry_days: 28\n", "")
    assert faults(folder) == ["playbook/flows/nurture.yml:2: reentry window and reentry_days belong together"]


@pytest.mark.parametrize("name", list(json_schemas()))
def test_published_schema_is_that_of_the_code_and_holds_for_the_files(name: str) -> None:
    published = (PLAYBOOK / "schemas" / f"{name}.json").read_text()
    assert published == json_schemas()[name], "run `holdfast schemas`"
    validator = jsonschema.Draft202012Validator(json.loads(published))
    of_folder = {"flow": "flows", "prompt": "prompts"}
    files = list(PLAYBOOK.glob(f"{of_folder[name]}/*.yml") if name in of_folder else PLAYBOOK.rglob(f"{name}.yml"))
    assert files
    for file in files:
        text = file.read_text()
        assert text.startswith("# yaml-language-server: $schema=")
        assert text.splitlines()[0].endswith(f"schemas/{name}.json")
        written = json.loads(json.dumps(yaml.safe_load(text), default=str))
        assert [fault.message for fault in validator.iter_errors(written)] == []
        assert list(validator.iter_errors({**written, "no_such_field": 1}))
