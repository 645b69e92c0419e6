"""What a language model is told, how its answer is read and judged, and what becomes of words that a person accepts."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from activation.emails.amend import with_subject, with_variant
from activation.emails.judge import judge
from activation.emails.page import Page
from activation.emails.proposals import (
    AnswerRefused,
    BlockWords,
    ProposalRefused,
    SubjectWords,
    brief_of,
    fragments_of,
    read_answer,
)
from activation.emails.render import compile_mjml, environment
from activation.load import PlaybookError, load_playbook, load_prompts, load_wording
from activation.playbook.playbook import NoSuchEmail
from activation.playbook.prompts import fill, hash_of_messages
from tests.unit.activation.shop import MODELS, PLAYBOOK, SEGMENTS, playbook
from tests.unit.activation.test_playbook import replace

BOOK, WORDING = playbook(), load_wording(PLAYBOOK)
PROMPTS = {prompt.proposes: prompt for prompt in load_prompts(PLAYBOOK)}
SUBJECT = brief_of(BOOK, WORDING, flow="win_back", step="2", block=None, count=3)
OFFER = brief_of(BOOK, WORDING, flow="win_back", step="2", block="offer", count=3)
HERO = brief_of(BOOK, WORDING, flow="win_back", step="1", block="hero", count=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))


def block(text: str, headline: str = "A word from us") -> BlockWords:
    return BlockWords(headline=headline, paragraphs=(text,))


def test_a_model_is_told_what_the_playbook_says_of_the_email() -> None:
    _, user = fill(PROMPTS["block"].messages, OFFER.told)
    for said in (
        "Asks a customer back who has gone quiet",
        "A little something to come back for",
        "If you come back this month, we have something for you.",
        "We will put a little extra into your next parcel.",
        "{{ first_name }} (or 'there')",
        "act now; act fast;",
        "Propose 3 other wordings",
    ):
        assert said in user.content
    assert "Shipping is on us" not in user.content, "that is said to some only"
    assert "{{ words }}" not in user.content


def test_nothing_within_a_value_is_filled_again() -> None:
    told = {**SUBJECT.told, "purpose": "{{ voice }} {{ secret }}"}
    _, user = fill(PROMPTS["subject"].messages, told)
    assert "What the email is for: {{ voice }} {{ secret }}" in user.content


@pytest.mark.parametrize(
    ("flow", "step", "name", "said"),
    [
        ("spring", "1", None, "there is no flow spring: there are browse_abandonment,"),
        ("welcome", "3", None, "welcome has no step 3: it has 1, 2"),
        ("win_back", "1", "side", "step 1 has no block side: it has message, hero, proof, call_to_action"),
        ("win_back", "1", "message", "block message is the core message, which is the same for everybody"),
        ("win_back", "1", "call_to_action", "block call_to_action is a button or a list, no matter of words"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_line(flow: str, step: str, name: str | None, said: str) -> None:
    with pytest.raises((NoSuchEmail, ProposalRefused)) as caught:
        brief_of(BOOK, WORDING, flow=flow, step=step, block=name, count=1)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        ("Come back and take 20 % off", "share_not_in_brief", "20 %"),
        ("Come back for 20 per cent less", "share_not_in_brief", "20 per cent"),
        ("We give you €5 for it", "amount_not_in_brief", "€5"),
        ("We give you 5.00 EUR for it", "amount_not_in_brief", "5.00 EUR"),
        ("We offer a discount", "offer_not_in_brief", "discount"),
        ("See www.elsewhere.example/x", "link", "www.elsewhere.example/x"),
        ("See https://shop.example/a", "link", "https://shop.example/a"),
        ("Write to me@elsewhere.example", "link", "me@elsewhere.example"),
        ("Look at elsewhere.com now", "link", "elsewhere.com"),
        ("Hello <script>alert(1)</script>", "markup", "<script>"),
        ("Hello &lt;b", "markup", "&lt;"),
        ("{% include 'x' %} Hello", "liquid", "{% include 'x' %}"),
        ("{{ first_name | raw }} Hello", "liquid", "{{ first_name | raw }}"),
        ("{{ person.email }} Hello", "liquid", "{{ person.email }}"),
        ("{{ nickname }}, hello", "unknown_variable", "{{ nickname }}"),
        ("{{ products }}, hello", "unknown_variable", "{{ products }}"),
        ("{ hello", "liquid", "{"),
        ("Hello \u202eolleh", None, ""),  # what turns the writing does not get past the reading of the answer
        ("word " * 90, "too_long", ""),
    ],
)
def test_what_only_a_proposal_does_wrong_is_found(text: str, rule: str | None, words: str) -> None:
    remarks = judge(block(text), OFFER, WORDING)
    if rule is None:
        assert (remarks, block(text).paragraphs) == ((), ("Hello olleh",))
        return
    named = [each for each in remarks if each.rule == rule]
    assert named, remarks
    assert named[0].severity == "error"
    assert not words or named[0].text == words


def test_what_the_brief_says_may_be_said_again() -> None:
    told = {**OFFER.told, "words": "Take 10 % off, or 5 EUR. A gift is in it. Thirty days, 30 of them."}
    brief = type(OFFER)("win_back", "2", "offer", told, OFFER.placeholders, 60)
    fine = block("A gift, {{ first_name }}: 10% off or €5, within 30 days")
    assert judge(fine, brief, WORDING) == ()
    (other,) = judge(block("A gift: 10% off within 31 days"), brief, WORDING)
    assert (other.rule, other.severity, other.text) == ("number_not_in_brief", "warning", "31")


def test_subject_is_measured_as_somebody_unknown_would_read_it() -> None:
    names = "{{ first_name }}, " + "a" * 53
    fits = SubjectWords(subject=names, preheader="Fine")
    assert judge(fits, SUBJECT, WORDING) == (), "60 characters, with 'there' for the name"
    (found,) = judge(SubjectWords(subject=names + "a", preheader="Fine"), SUBJECT, WORDING)
    assert (found.rule, found.because) == ("too_long", "61 characters, 60 may be")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("I cannot help with that", "the text: Invalid JSON"),
        ('{"variants": [{"subject": "a", "preheader": "b"}', "the text: Invalid JSON"),
        ("[]", "the text: Input should be an object"),
        ({"variants": []}, "it holds no variant"),
        ({"variants": [{"subject": "a"}]}, "variants.0.preheader: Field required"),
        ({"variants": [{"subject": "a", "preheader": 7}]}, "variants.0.preheader: Input should be a valid string"),
        ({"variants": [{"subject": " \n", "preheader": "b"}]}, "variants.0.subject: is empty"),
        (
            {"variants": [{"subject": "a" * 2001, "preheader": "b"}]},
            "variants.0.subject: has 2001 characters, 2000 may",
        ),
        (
            {"variants": [{"subject": "a", "preheader": "b", "<script>": "c"}]},
            "variants.0.?: Extra inputs are not permit",
        ),
        ({"variants": [{}] * 3}, "and 3 more"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_says_where(answer: Any, said: str) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    with pytest.raises(AnswerRefused) as caught:
        read_answer(text, "subject", count=3)
    assert said in str(caught.value)
    assert "script" not in str(caught.value)
    assert "cannot help" not in str(caught.value)


def test_an_answer_is_read_once_each_and_no_more_than_asked_for() -> None:
    one, two = {"subject": "One\n\tline", "preheader": "b"}, {"subject": "Two", "preheader": "b"}
    text = json.dumps({"variants": [one, one, two, {"subject": "Three", "preheader": "c"}]})
    for answer in (text, f"```json\n{text}\n```", f"\n{text} "):
        read = read_answer(answer, "subject", count=2)
        assert [words.texts["subject"] for words in read] == ["One line", "Two"]


LETTERS = st.text(st.characters(exclude_characters="{}", exclude_categories=["C"]), min_size=1, max_size=60)


@given(headline=LETTERS.filter(str.strip), text=LETTERS.filter(str.strip))
def test_whatever_a_model_writes_is_text_and_nothing_else(headline: str, text: str) -> None:
    words = BlockWords(
        headline=f"<b>{headline}", paragraphs=(f"{text}</mj-text><script>x</script> {{{{ first_name }}}}",)
    )
    files = fragments_of(words)
    html = compile_mjml(f"<mjml><mj-body>{files['mjml']}</mj-body></mjml>")
    shown = Page.of(environment(autoescape=True).from_string(html).render({"first_name": "<i>Ann"}))
    plain = environment(autoescape=False).from_string(files["txt"]).render({"first_name": "<i>Ann"})
    assert shown.unsafe == []
    assert shown.chunks == [" ".join(line.split()) for line in plain.split("\n\n")]


def test_a_prompt_declares_what_it_uses_and_uses_what_it_declares(folder: Path) -> None:
    file = "prompts/subject_lines.yml"
    for old, new, said in (
        ("[core_message, count,", "[count,", "variable core_message is not declared in variables"),
        ("[core_message, count,", "[core_message, count, words,", "variable words is declared and not used"),
        ("[core_message, count,", "[core_message, count, email,", "2: input should be 'block'"),
        ("proposes: subject", "proposes: block", "prompt block_words proposes block already"),
        ("prompt: subject_lines", "prompt: subjects", "prompt subjects stands in subjects.yml"),
    ):
        line = replace(folder, file, old, new)
        with pytest.raises(PlaybookError) as caught:
            load_prompts(folder)
        told = str(caught.value)
        assert told.startswith(f"playbook/{file}:"), told
        assert said in told
        assert line > 1
        replace(folder, file, new, old)


def test_hash_of_a_prompt_is_of_all_its_texts_and_of_nothing_else() -> None:
    prompt = PROMPTS["subject"]
    assert prompt.content_hash == hash_of_messages([("system", prompt.system.strip()), ("user", prompt.user.strip())])
    other = prompt.model_copy(update={"system": prompt.system + " Be loud."})
    swapped = prompt.model_copy(update={"system": prompt.user, "user": prompt.system})
    assert len({prompt.content_hash, other.content_hash, swapped.content_hash}) == 3


def test_subject_takes_its_line_and_leaves_all_others(folder: Path) -> None:
    path = folder / "flows" / "win_back.yml"
    path.write_text(path.read_text().replace("  - step: 2\n", "  # the second one\n  - step: 2\n"))
    words = SubjectWords(subject='It\'s "you": # welcome back', preheader="- fine {{ first_name }}")
    text = with_subject(path, 2, words)
    before, after = path.read_text().splitlines(), text.splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 2
    assert yaml.safe_load(text)["steps"][1]["subject"] == words.subject
    assert yaml.safe_load(text)["steps"][1]["preheader"] == words.preheader
    assert "# the second one" in text


@pytest.mark.parametrize(
    ("step", "name", "variants"),
    [
        (1, "hero", ["warm", "replenish_now", "we_miss_you"]),
        (1, "proof", ["warm"]),
        (2, "offer", ["warm", "free_shipping"]),
    ],
)
def test_variant_comes_first_and_only_for_its_segment(folder: Path, step: int, name: str, variants: list[str]) -> None:
    path = folder / "flows" / "win_back.yml"
    before = yaml.safe_load(path.read_text())
    after = yaml.safe_load(with_variant(path, step, name, "warm", segment="high_value_at_risk"))
    (found,) = [each for each in after["steps"][step - 1]["blocks"] if each["block"] == name]
    (had,) = [each for each in before["steps"][step - 1]["blocks"] if each["block"] == name]
    assert [each["variant"] for each in found["variants"]] == variants
    assert found["variants"][0]["when"] == {"segment": "high_value_at_risk"}
    assert (found["tier"], found["fallback"]) == ("experimental", had["fallback"])
    had |= {"tier": "experimental", "variants": found["variants"]}
    assert after == before, "nothing else has changed"


def test_flow_written_in_another_way_is_left_to_its_writer(folder: Path) -> None:
    path = folder / "flows" / "win_back.yml"
    text = path.read_text().replace(
        "      - block: proof\n        fallback: ordered_again\n", "      - {block: proof, fallback: ordered_again}\n"
    )
    text = text.replace('    subject: "It has been a while"\n', "    subject: >-\n      It has\n      been a while\n")
    path.write_text(text)
    load_playbook(folder, segments=SEGMENTS, models=MODELS)
    with pytest.raises(
        ProposalRefused, match=r"write by hand, in block proof, tier: experimental and variants: \[\{variant"
    ):
        with_variant(path, 1, "proof", "warm", segment="high_value_at_risk")
    with pytest.raises(ProposalRefused, match="write by hand, subject: Hello"):
        with_subject(path, 1, SubjectWords(subject="Hello", preheader="You"))
    assert path.read_text() == text
