"""Every email of the playbook, of everybody it may meet: what arrives is whole, safe, and says what was approved."""

import dataclasses
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from activation.emails.render import Links, Message, RenderError, compile_mjml, compile_step, links_of, render_message
from activation.playbook.content import Content, fragment
from activation.playbook.flows import Flow
from tests.unit.activation.shop import playbook

TOKEN = "0123456789abcdef" * 2
PRODUCT = {"product_key": "gid/12", "title": "Linen apron", "price": "39.00 EUR"}
PLAIN: dict[str, Any] = {"first_name": "Ada", "favourite_category": "Tea", "products": [PRODUCT]}

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "quote": "O'Brien \" onmouseover='x()' & Söhne &amp;",
    "output": "{{ 7*7 }}",
    "tag": "{% include 'secrets' %}",
    "url": "javascript:alert(1)",
    "advert": "http://spam.example/win",
    "header": "Ada\r\nBcc: all@shop.example\r\n\r\nHello",
    "separators": "Ada\u2028Bcc: x\u2029\x85y\x0b",
    "turned": "\u202eadA\u202c",
    "zero": "A\x00da\x1b[31m",
}
UNUSUAL = {
    "long": "Wolfeschlegelsteinhausenbergerdorff " * 8,
    "unbroken": "x" * 5_000,
    "hebrew": "שלומית",
    "arabic": "محمد بن عبد الله",
    "emoji": "👩🏽‍🚀 Zoë",
    "blank": " \t ",
    "empty": "",
}


class Seen(HTMLParser):
    """Tags with the names of their attributes, targets of links, and all text outside of head and style; apart from the code under test."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self._within: list[str] = []
        self.feed(html)
        self.close()
        assert not self._within, f"left open: {self._within}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [str(value) for name, value in attrs if name == "href"]
        self._part(tag)
        if tag not in {"meta", "br", "img", "link"}:
            self._within.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._part(tag)
        assert self._within, f"</{tag}> closes nothing"
        assert self._within.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if not {"head", "style"} & set(self._within):
            self.texts.append(data)

    def _part(self, tag: str) -> None:
        if tag not in {"a", "bdi"}:
            self.texts.append(" ")

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


@pytest.fixture(scope="module")
def content() -> Content:
    found = playbook().mails
    assert found is not None
    return found


def emails(content: Content) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(flow, step, choices): each variant of each block beside the fallbacks of the others, and all first variants together."""
    for flow, step in content.places():
        blocks = content.step(flow, step).blocks
        yield flow, step, {}
        yield flow, step, {block.block: block.shown[0] for block in blocks}
        for block in blocks:
            for variant in block.shown[:-1]:
                yield flow, step, {block.block: variant}


def people() -> Iterator[tuple[str, dict[str, Any]]]:
    """Everybody of whom something is missing or odd, in each field in turn and in all together."""
    yield "plain", PLAIN
    yield "unknown", {}
    yield "nulls", dict.fromkeys(PLAIN)
    for field in PLAIN:
        yield f"no {field}", {name: value for name, value in PLAIN.items() if name != field}
    for name, text in (HOSTILE | UNUSUAL).items():
        yield f"{name} everywhere", {
            "first_name": text, "favourite_category": text, "products": [dict.fromkeys(PRODUCT, text)],
        }  # fmt: skip
    yield "many products", PLAIN | {"products": [PRODUCT] * 50}


def render(content: Content, flow: str, step: str, choices: dict[str, str], person: dict[str, Any]) -> Message:
    return render_message(
        content, flow=flow, step=step, block_choices=choices, person=person, links=links_of(content, TOKEN)
    )


@pytest.mark.parametrize("whose", [name for name, _ in people()])
def test_every_email_arrives_whole(content: Content, whose: str) -> None:
    person = dict(people())[whose]
    shown = 0
    for flow, step, choices in emails(content):
        message = render(content, flow, step, choices, person)
        page = Seen(message.html)
        assert message.subject
        assert message.subject == " ".join(message.subject.split())
        assert message.subject.isprintable()
        for part in dataclasses.astuple(message):
            assert not any(sign in part for sign in ("{{", "}}", "{%", "%}", "None", "\x00", "\x1b"))
        assert page.links.count(f"https://shop.example/unsubscribe/{TOKEN}") == 1
        assert page.links.count(f"https://shop.example/preferences/{TOKEN}") == 1
        assert f"Unsubscribe: https://shop.example/unsubscribe/{TOKEN}\n" in message.text
        assert all(link.startswith("https://shop.example") for link in page.links)
        for said in (page.text, " ".join(message.text.split())):
            assert "Shop Example Ltd, 1 Example Street, Exampleton EX1 2MP, United Kingdom" in said
            assert content.flows[flow].why_you_get_this in said
        assert len(message.html.encode()) < 102 * 1024
        shown += 1
    assert shown > 30


@pytest.mark.parametrize("text", [*HOSTILE.values(), *UNUSUAL.values()], ids=[*HOSTILE, *UNUSUAL])
def test_no_value_becomes_markup(content: Content, text: str) -> None:
    """The page of any value has the elements, attributes and links of the page of a plain one."""
    odd = {"first_name": text, "favourite_category": text, "products": [PRODUCT | {"title": text, "price": text}]}
    for flow, step, choices in emails(content):
        expected, found = (
            Seen(render(content, flow, step, choices, person).html)
            for person in (PLAIN | {"products": []}, odd | {"products": []})
        )
        assert (found.tags, found.links) == (expected.tags, expected.links)
        if "for_you" in choices.values() and "{" not in text:
            expected, found = (Seen(render(content, flow, step, choices, person).html) for person in (PLAIN, odd))
            assert (found.tags, found.links) == (expected.tags, expected.links)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada", "Ada"),
        ("  Ada \n", "Ada"),
        ("O'Brien & Söhne", "O'Brien & Söhne"),
        ("שלומית", "שלומית"),
        ("👩🏽‍🚀 Zoë", "👩🏽‍🚀 Zoë"),
        ("A" * 41, "A" * 39 + "…"),
        (None, "there"),
        ("", "there"),
        (" \t ", "there"),
        ("<b>Ada</b>", "there"),
        ("{{ 7*7 }}", "there"),
        ("win at http://spam.example", "there"),
        ("www.spam.example", "there"),
        (17, "17"),
    ],
)
def test_name_is_shown_as_it_is_or_not_at_all(content: Content, name: object, shown: str) -> None:
    message = render(content, "welcome", "1", {}, {"first_name": name})
    assert f"Hello {shown}," in Seen(message.html).text
    assert f"Hello {shown}," in message.text.splitlines()


def test_value_is_escaped_once(content: Content) -> None:
    person = {
        "first_name": "O'Brien & Söhne",
        "favourite_category": "Tea & <Co>",
        "products": [PRODUCT | {"title": "A & B"}],
    }
    html = render(content, "welcome", "2", {"hero": "what_you_looked_at", "recommendations": "for_you"}, person).html
    assert "O&#39;Brien &amp; Söhne" in html
    assert "tea &amp; " not in html, "a value with markup is no category"
    assert "A &amp; B" in html
    assert "&amp;amp;" not in html
    assert "&amp;#" not in html


def test_product_key_cannot_leave_its_link(content: Content) -> None:
    for key in ("../../x", 'a"><b>', "javascript:alert(1)", "a b&c=d", "gid://shop/1"):
        products = [PRODUCT | {"product_key": key}]
        page = Seen(render(content, "welcome", "2", {"recommendations": "for_you"}, {"products": products}).html)
        (link,) = (link for link in page.links if "/products/" in link)
        assert set(link.removeprefix("https://shop.example/products/")) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%._-+"
        )


def test_core_message_reaches_everybody_in_both_parts(content: Content) -> None:
    told = 0
    for flow, step, choices in emails(content):
        for person in (PLAIN, {}):
            message = render(content, flow, step, choices, person)
            for block in content.step(flow, step).blocks:
                if block.variants:
                    continue
                written = content.files[fragment(block.block, block.fallback, "txt")].split("\n\n")
                for paragraph in (part for part in written if "{{" not in part):
                    assert " ".join(paragraph.split()) in Seen(message.html).text
                    assert " ".join(paragraph.split()) in " ".join(message.text.split())
                    told += 1
    assert told > 200


def test_block_that_is_not_chosen_is_not_shown(content: Content) -> None:
    for flow, step, choices in emails(content):
        message = render(content, flow, step, choices, PLAIN)
        for block in content.step(flow, step).blocks:
            headlines = {
                variant: content.files[fragment(block.block, variant, "txt")].split("\n")[0]
                for variant in block.shown
                if variant != "for_you"
            }
            chosen = choices.get(block.block, block.fallback)
            for variant, headline in headlines.items():
                if "{{" not in headline and len(block.shown) > 1:
                    assert (headline in Seen(message.html).text) == (variant == chosen)
                    assert (headline in message.text) == (variant == chosen)


def test_unknown_choice_is_the_fallback(content: Content) -> None:
    for choices in ({"hero": "gone"}, {"no_such_block": "x"}, {"hero": "brand_story"}):
        assert render(content, "win_back", "1", choices, PLAIN) == render(content, "win_back", "1", {}, PLAIN)


def test_subject_with_a_name_stays_a_header(content: Content) -> None:
    flow = content.flows["welcome"].model_dump()
    flow["steps"] = [dict(step) for step in flow["steps"]]
    flow["steps"][0] |= {"subject": "{{ first_name }}, welcome", "preheader": "For {{ first_name }} & you"}
    named = dataclasses.replace(content, flows={**content.flows, "welcome": Flow.model_validate(flow)})
    for name in (HOSTILE | UNUSUAL).values():
        subject = render(named, "welcome", "1", {}, {"first_name": name}).subject
        assert len(subject.splitlines()) == 1
        assert subject.isprintable() or "‍" in subject
        assert subject.endswith(", welcome")
    assert render(named, "welcome", "1", {}, {"first_name": "O'Brien"}).subject == "O'Brien, welcome"
    html = render(named, "welcome", "1", {}, {"first_name": "O'Brien"}).html
    assert "For O&#39;Brien &amp; you" in html
    assert "<title>O&#39;Brien, welcome</title>" in html


def test_unsubscribe_link_is_exact_whatever_stands_in_it(content: Content) -> None:
    links = Links("https://shop.example/u?a=1&b=2&c='%22<", "https://shop.example/p?x=1&y=2")
    message = render_message(content, flow="welcome", step="1", block_choices={}, person={}, links=links)
    assert Seen(message.html).links.count(links.unsubscribe_url) == 1
    assert Seen(message.html).links.count(links.preferences_url) == 1
    assert f"Unsubscribe: {links.unsubscribe_url}\n" in message.text


def test_brand_that_writes_from_right_to_left(content: Content) -> None:
    brand = content.brand.model_copy(update={"direction": "rtl", "language": "he"})
    html = render(dataclasses.replace(content, brand=brand), "welcome", "1", {}, PLAIN).html
    assert '<html lang="he" dir="rtl"' in html
    assert "direction:ltr;font-size:0px;padding" not in html
    assert "text-align:left;color" not in html
    assert html.count("text-align:right;color") >= 8
    assert html.count("direction:rtl") >= 6
    assert "<bdi>Ada</bdi>" in html, "a name keeps its own direction"


def test_nothing_is_fetched(content: Content) -> None:
    for flow, step in content.places():
        html = compile_step(content, flow, step).html
        assert not any(sign in html for sign in ("@import", "<link", "fonts.googleapis", "<img", "url("))


def test_template_for_an_esp_gives_the_same_email(content: Content) -> None:
    """What is exported holds all variants, and rendered by any Liquid without escaping of its own it is what we send."""
    from liquid import Environment

    for flow, step, choices in emails(content):
        blocks = {block.block: choices.get(block.block, block.fallback) for block in content.step(flow, step).blocks}
        links = links_of(content, TOKEN)
        odd = {
            "first_name": 'O\'Brien "&" Söhne',
            "favourite_category": "<b>",
            "products": [PRODUCT | {"title": "<i>&"}],
        }
        for person in (PLAIN, odd):
            values = {"person": person, "blocks": blocks, "links": dataclasses.asdict(links)}
            theirs = Environment(autoescape=False).from_string(compile_step(content, flow, step).html).render(**values)
            spelt_alike = theirs.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
            assert spelt_alike == render(content, flow, step, choices, person).html


def test_step_that_does_not_exist_is_an_error(content: Content) -> None:
    for flow, step in (("spring_sale", "1"), ("welcome", "3")):
        with pytest.raises(RenderError, match=f"there is no step {step} of flow {flow}"):
            render(content, flow, step, {}, PLAIN)


def test_loop_without_end_is_stopped(content: Content) -> None:
    files = {**content.files, "blocks/hero/brand_story.txt": "{% for x in (1..100000000) %}{{ x }}{% endfor %}"}
    with pytest.raises(RenderError, match="welcome 1 cannot be rendered: LoopIterationLimitError"):
        render(dataclasses.replace(content, files=files), "welcome", "1", {}, PLAIN)


def test_mjml_that_is_none_is_an_error() -> None:
    with pytest.raises(OSError, match="unexpected end of stream"):
        compile_mjml("<mjml><mj-body><mj-section></mj-body></mjml>")
