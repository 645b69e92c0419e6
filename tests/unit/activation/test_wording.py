"""The rules of wording.yml find what they are for, name the words, and leave alone what only looks like it."""

import shutil
from pathlib import Path

import pytest

from activation.load import PlaybookError, load_playbook, load_wording
from activation.playbook.wording import remarks_on
from tests.unit.activation.shop import MODELS, PLAYBOOK, SEGMENTS
from tests.unit.activation.test_playbook import replace

WORDING = load_wording(PLAYBOOK)
BRIEF = "Your next order ships free, and there is a small gift in the parcel."


def found(text: str, *, brief: str | None = None) -> set[tuple[str, str, str]]:
    return {(each.rule, each.severity, each.text) for each in remarks_on(WORDING, {"subject": text}, brief=brief)}


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("This is your LAST  chance, truly", ("false_urgency", "error", "LAST  chance")),
        ("Before it\u2019s too late", ("false_urgency", "error", "Before it\u2019s too late")),
        ("Only today at the shop", ("false_urgency", "error", "Only today")),
        ("You have won a place", ("prize", "error", "You have won")),
        ("It cures a bad mood", ("medical_claim", "error", "cures")),
        ("Clinically-proven care", ("medical_claim", "error", "Clinically-proven")),
        ("Double your money with it", ("financial_claim", "error", "Double your money")),
        ("Try it risk-free", ("guarantee", "error", "risk-free")),
        ("Guaranteed to last", ("guarantee", "error", "Guaranteed")),
        ("The number one in town", ("unproven_claim", "error", "number one")),
        ("Eco-friendly aprons", ("green_claim", "error", "Eco-friendly")),
        ("Re: your order", ("false_reply", "error", "Re:")),
        ("The best apron you can have", ("superlative", "warning", "best")),
        ("Click here to see it", ("spam_word", "warning", "Click here")),
        ("COME BACK to us today", ("capitals", "error", "COME BACK to us today")),
        ("Hello! It is us! Again!", ("exclamation_marks", "error", "! Again!")),
        ("Come\u200bback to us", ("hidden_characters", "error", "\u200b")),
        ("Act\u00adnow, please", ("hidden_characters", "error", "\u00ad")),
    ],
)
def test_each_rule_names_the_words_that_broke_it(text: str, remark: tuple[str, str, str]) -> None:
    assert found(text) == {remark}


@pytest.mark.parametrize(
    "text",
    [
        "There is no hurry, and nothing ends tomorrow",
        "Procurement, securely: a curer of hams",  # words within words
        "A first-rate wonder",
        "Wonderful! We are back",
        "USB-C, DIY",  # too few letters to be loud
        "ПРИВЕТ всем нашим друзьям и соседям",
        "你好，欢迎回来",
        "Where: the old shop",
        "The guarantor of it",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert found(text) == set()


def test_offer_is_asked_of_a_proposal_and_only_beyond_its_brief() -> None:
    text = "A gift and a discount"
    assert found(text) == set()
    assert found(text, brief="") == {
        ("offer_not_in_brief", "error", "gift"), ("offer_not_in_brief", "error", "discount"),
    }  # fmt: skip
    assert found(text, brief=BRIEF) == {("offer_not_in_brief", "error", "discount")}
    assert found("It ships free", brief=BRIEF) == set()


def test_every_phrase_is_found_by_the_rule_that_lists_it() -> None:
    assert len({rule.rule for rule in WORDING.rules}) == len(WORDING.rules)
    for rule in WORDING.rules:
        for phrase in rule.phrases:
            rules = {each.rule for each in remarks_on(WORDING, {"x": f"so {phrase.upper()} it"}, brief="")}
            assert rule.rule in rules, phrase


def test_places_are_those_of_the_text() -> None:
    text = "Quiet line\nAct now, and buy now"
    (urgent, spam) = remarks_on(WORDING, {"body": text})
    assert [(each.rule, text[each.start : each.end]) for each in (urgent, spam)] == [
        ("false_urgency", "Act now"), ("spam_word", "buy now"),
    ]  # fmt: skip


def test_a_long_hostile_text_is_read_in_no_time() -> None:
    text = "act " * 20_000 + "- " * 20_000 + "before it" + " \t-" * 20_000
    assert remarks_on(WORDING, {"body": text}) == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("flows/welcome.yml", "Welcome: good to have", "Act now: good to have", "'Act now': it presses for a decision"),
        (
            "flows/win_back.yml",
            "No string of reminders",
            "Guaranteed, no reminders",
            "'Guaranteed': a guarantee has terms",
        ),
    ],
)
def test_what_is_shipped_is_held_to_it_with_file_and_line(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    folder = Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))
    line = replace(folder, name, old, new)
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS)
    (told,) = str(caught.value).splitlines()
    assert told.startswith(f"playbook/{name}:{line}: {said}")


def test_a_block_is_held_to_it_in_its_text_part(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))
    for ending in ("mjml", "txt"):
        line = replace(
            folder, f"content/blocks/hero/brand_story.{ending}", "We sell few things", "The world's best things"
        )
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS)
    assert str(caught.value) == (
        f'playbook/content/blocks/hero/brand_story.txt:{line}: "world\'s best": nobody has handed in what proves it'
        " (unproven_claim of wording.yml)"
    )
