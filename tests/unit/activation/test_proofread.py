"""The proofreader names each fault of the content with file and line: the repository's content, broken in one place."""

import shutil
import textwrap
from pathlib import Path

import pytest

from activation.emails.render import links_of, render_message
from activation.load import PlaybookError, load_playbook
from activation.playbook.governance import Item
from tests.unit.activation.shop import DAY, MODELS, PLAYBOOK, SEGMENTS
from tests.unit.activation.test_playbook import replace

HERO = "content/blocks/hero/brand_story.mjml"
HERO_TEXT = "content/blocks/hero/brand_story.txt"
SENTENCE = "We sell few things"
FOR_YOU = "content/blocks/recommendations/for_you.mjml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAYBOOK, tmp_path / "playbook"))


def faults(folder: Path) -> list[str]:
    with pytest.raises(PlaybookError) as caught:
        load_playbook(folder, segments=SEGMENTS, models=MODELS)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        # What may be written at all.
        (HERO, SENTENCE, "{{ nickname }}", "variable nickname is not declared in content/variables.yml"),
        (HERO, SENTENCE, "{{ person.first_name }}", "variable person is not declared in content/variables.yml"),
        (HERO, SENTENCE, "{{ first_name | safe }}", "Liquid: filter safe is not among those that may be used"),
        (HERO, SENTENCE, "{{ first_name | shout }}", "Liquid: filter shout is not among those that may be used"),
        (HERO, SENTENCE, "{% include 'other' %}", "Liquid: unexpected tag 'include'"),
        (HERO, SENTENCE, "{% raw %}{{ first_name }}{% endraw %}", "Liquid: unexpected tag 'raw'"),
        (HERO, SENTENCE, "{% if first_name %}We", "Liquid: expected tag endif, found end of"),
        (HERO, "</mj-column>", "", "no MJML: mismatched tag"),
        (HERO, SENTENCE, "You & we", "no MJML: not well-formed (invalid token)"),
        (HERO, "<mj-text>", "<mj-texte>", "<mj-texte> is not among the elements of an email"),
        (HERO, SENTENCE, "<script>1</script>", "<script> is not among the elements of an email"),
        (HERO, SENTENCE, '<b onclick="x()">Go</b>', "onclick would run a script"),
        (HERO, SENTENCE, '<a href="javascript:x()">Go</a>', "javascript:x() is no link of an email: it begins with"),
        (HERO, SENTENCE, '<a href="http://shop.example">Go</a>', "http://shop.example is no link of an email: it begins"),
        (HERO, SENTENCE, '<a href="{{ first_name }}">Go</a>', "{{ first_name }} is no link of an email: it begins with"),
        (
            HERO, SENTENCE, '<a href="{{ website }}/{{ first_name }}">Go</a>',
            "{{ first_name }} stands in a link: end it with | url_encode",
        ),
        (FOR_YOU, "{{ product.price | escape }}", "{{ product.price }}", "{{ product.price }} is shown as it is: end it with"),
        ("content/layout.mjml", "    {% blocks %}", "", "a layout shows its blocks once, by {% blocks %}"),
        # What is declared.
        ("content/variables.yml", "fallback: good things", "min_share: 0.5", "min_share is written twice"),
        ("content/brand.yml", "postal_address: ", "street: ", "street is not known here"),
        ("content/brand.yml", "website: https://", "website: http://", "website: string should match pattern"),
        ("content/brand.yml", "sender_name: Shop", 'sender_name: "{{ x }}" # ', "sender_name: string should match pattern"),
        # What a flow says of it.
        ("flows/welcome.yml", "why_you_get_this: You", "# ", "why_you_get_this is missing: the foot of every email says it"),
        ("flows/welcome.yml", "preheader: What", "# ", "preheader is missing: the inbox shows it after the subject"),
        ("flows/welcome.yml", "fallback: brand_story", "fallback: gone", "content/blocks/hero/gone.mjml is missing"),
        ("flows/welcome.yml", "variant: for_you", "variant: for_all", "content/blocks/recommendations/for_all.txt is missing"),
        ("flows/welcome.yml", 'subject: "Welcome', 'subject: "{{ nickname }}', "subject: variable nickname is not declared"),
        ("flows/welcome.yml", "tier: adaptive", "tier: core", "block hero is core, and the core message is the same for"),
        ("flows/welcome.yml", "fallback: welcome", "tier: adaptive\n        fallback: welcome", "block message is adaptive and"),
        ("policies.yml", "varying_blocks: 2", "varying_blocks: 1", "2 blocks vary (hero, recommendations), 1 may"),
    ],
)  # fmt: skip
def test_what_is_written_wrong_is_named_with_its_line(
    folder: Path, name: str, old: str, new: str, message: str
) -> None:
    line = replace(folder, name, old, new)
    found = faults(folder)
    named = [fault for fault in found if message in fault]
    assert named, found
    if not name.startswith("policies") and "missing" not in message:
        assert any(fault.startswith(f"playbook/{name}:") for fault in named)
    if name.startswith("content/blocks") and not {"mismatched", "endif,"} & set(message.split()):
        assert any(fault.startswith(f"playbook/{name}:{line}: ") for fault in named), (line, named)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("layout.mjml", 'href="{{ unsubscribe_url }}"', 'href="{{ website }}"', "has no link to {{ unsubscribe_url }} that can be"),
        ("layout.mjml", '<a href="{{ unsubscribe_url }}">', '<a href="{{ website }}" title="{{ unsubscribe_url }}">', "has no link to"),
        ("layout.mjml", '<a href="{{ unsubscribe_url }}">U', '<a style="display:none" href="{{ unsubscribe_url }}">U', "has no link to"),
        ("layout.txt", "{{ unsubscribe_url }}", "{{ website }}", "the text part has no {{ unsubscribe_url }}"),
        ("layout.mjml", "{{ sender_name }} · {{ postal_address }}", "", "does not show the postal address"),
        (
            "layout.mjml", "{{ postal_address }}", '<span style="display: none">{{ postal_address }}</span>',
            "does not show the postal address",
        ),
        ("layout.txt", "{{ postal_address }}", "", "the text part does not have the postal address"),
        ("layout.mjml", "<mj-text>{{ sender_name }}</mj-text>", "<mj-text>Yours</mj-text>", None),
    ],
)  # fmt: skip
def test_what_the_law_wants_is_looked_for_in_the_email_as_it_arrives(
    folder: Path, name: str, old: str, new: str, message: str | None
) -> None:
    replace(folder, f"content/{name}", old, new)
    if message is None:  # the sender's name still stands in the foot
        load_playbook(folder, segments=SEGMENTS, models=MODELS)
        return
    found = faults(folder)
    emails = sum(flow.read_text().count("\n  - step:") for flow in (folder / "flows").glob("*.yml"))
    assert len(found) == emails > 10, "each email is named"
    assert all(message in fault and fault.startswith("playbook/content/layout.mjml:1: ") for fault in found)


def test_sender_must_be_named_somewhere(folder: Path) -> None:
    layout = folder / "content" / "layout.mjml"
    layout.write_text(layout.read_text().replace("{{ sender_name }}", "We").replace("{{ logo_text }}", "Ours"))
    brand = folder / "content" / "brand.yml"
    brand.write_text(brand.read_text().replace("sender_name: Shop Example", "sender_name: Ada of the Shop"))
    assert all("does not show the sender's name" in fault for fault in faults(folder))


def test_both_parts_say_the_same(folder: Path) -> None:
    line = replace(folder, HERO_TEXT, SENTENCE, "We sell everything")
    sentence = "We sell everything, and only those that we use ourselves."
    told = faults(folder)
    assert f"playbook/{HERO_TEXT}:{line}: the HTML part does not say '{sentence}" in " ".join(told)
    assert f"playbook/{HERO_TEXT}:1: the text part does not say 'We sell few things" in " ".join(told)


def test_fragment_without_text_part_is_a_fault(folder: Path) -> None:
    (folder / HERO_TEXT).unlink()
    assert any(fault.endswith("content/blocks/hero/brand_story.txt is missing") for fault in faults(folder))


def test_list_without_anything_beside_it_is_a_fault(folder: Path) -> None:
    for ending in ("mjml", "txt"):
        path = folder / f"content/blocks/recommendations/for_you.{ending}"
        text = path.read_text()
        middle = text[text.index("{% else %}") :].split("{% endif %}", maxsplit=1)[0]
        kept = "{% else %}</mj-raw><mj-raw>" if ending == "mjml" else "{% else %}"
        path.write_text(text.replace(middle, kept))
    assert faults(folder) == [f"playbook/{FOR_YOU}:1: shows nothing to somebody of whom nothing is known"]


def test_email_that_gmail_would_clip_is_a_fault(folder: Path) -> None:
    for ending in ("mjml", "txt"):
        path = folder / f"content/blocks/hero/change_or_pause.{ending}"
        long = "You can move the day. " * 5_000
        path.write_text(path.read_text().replace("You can move the day", long + "You can move the day"))
    (told,) = faults(folder)
    assert told.startswith("playbook/content/layout.mjml:1: renewal 1: 1")
    assert told.endswith(" KB of HTML, 100 may be")


def test_subject_is_measured_as_it_arrives(folder: Path) -> None:
    source = "{{ first_name | default: 'nobody at all' | capitalize }}, it is soon"
    line = replace(folder, "flows/renewal.yml", "Your next delivery is on its way soon", source)
    load_playbook(folder, segments=SEGMENTS, models=MODELS)
    replace(folder, "flows/renewal.yml", source, source + ", and it will be with you before you know it")
    assert faults(folder) == [
        f"playbook/flows/renewal.yml:{line}: the subject has {length} characters, 60 may be" for length in (61, 64)
    ]


def test_variable_without_fallback_is_a_fault(folder: Path) -> None:
    path = folder / "content" / "variables.yml"
    path.write_text(path.read_text().replace("    fallback: there\n", ""))
    assert faults(folder) == [
        "playbook/content/variables.yml:4: variable first_name has no fallback: say what is shown where it is not known"
    ]


def test_new_block_of_the_docs_works_as_they_say(folder: Path) -> None:
    docs = (PLAYBOOK.parent / "docs" / "content.md").read_text()
    step_by_step = docs[docs.index("## A new block, step by step") :]
    mjml, text, rule = (
        textwrap.dedent(block.partition("\n")[2]) for block in step_by_step.replace("   ```", "```").split("```")[1::2]
    )
    for ending, written in (("mjml", mjml), ("txt", text)):
        (folder / f"content/blocks/education/our_workshop.{ending}").write_text(written)
    replace(
        folder,
        "flows/nurture.yml",
        "- block: education\n        fallback: how_we_choose",
        textwrap.indent(rule, "      ").strip(),
    )
    book = load_playbook(folder, segments=SEGMENTS, models=MODELS)
    assert book.mails is not None
    shown = render_message(
        book.mails, flow="nurture", step="1", block_choices={"education": "our_workshop"}, person={"first_name": "Ada"},
        links=links_of(book.mails, "t"),
    )  # fmt: skip
    assert "Come and look, <bdi>Ada</bdi>: the door is open on Fridays." in shown.html
    assert "Come and look, Ada: the door is open on Fridays." in shown.text
    assert book.standing(Item("flow", "nurture"), DAY).fault == "changed_since_approval"
