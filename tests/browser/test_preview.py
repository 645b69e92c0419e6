"""Emails and their preview as a person meets them: in a real browser, by light and by dark, on a desk and on a phone."""

import importlib.util
import time
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from matplotlib.image import imread

from activation.emails.render import links_of, render_message
from activation.playbook.content import Content
from orchestration.preflight import load_valid_playbook
from reporting.preview import Choice, Mail, Preview, build_page

if TYPE_CHECKING:
    from conftest import Page

HOSTILE = "<script>parent.document.title='broken';document.title='broken'</script>"
PERSON = {
    "first_name": "Wolfeschlegelsteinhausenbergerdorff" * 2,
    "favourite_category": "Unaussprechlichkeitswettbewerbssachen & more",
    "products": [
        {"product_key": "a", "title": HOSTILE, "price": "1.00 EUR"},
        {"product_key": "b", "title": "Unbreakable" * 20, "price": "1,234,567.00 EUR"},
        {"product_key": "c", "title": "מגבת מטבח", "price": "1.00 EUR"},
    ],
}
CHOICES = {"hero": "what_you_looked_at", "recommendations": "for_you"}

# Text that stands out too little from what is behind it (WCAG 2, 4.5 to 1).
CONTRAST = """
(() => {
  const light = (colour) => {
    const linear = (part) => part / 255 <= .03928 ? part / 255 / 12.92 : ((part / 255 + .055) / 1.055) ** 2.4;
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(linear);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const backdrop = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const poor = [];
  let looked = 0;
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length) continue;
    looked += 1;
    const [one, other] = [light(getComputedStyle(element).color), light(backdrop(element))].sort((a, b) => b - a);
    if ((one + .05) / (other + .05) < 4.5) poor.push(element.textContent.trim().slice(0, 40));
  }
  return [looked, poor];
})()
"""


@pytest.fixture(scope="module")
def content() -> Content:
    found = load_valid_playbook().mails
    assert found is not None
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, content: Content) -> Path:
    """Every email of the playbook as a file, and the preview of one."""
    folder = tmp_path_factory.mktemp("preview")
    for flow, step in content.places():
        message = render_message(
            content, flow=flow, step=step, block_choices=CHOICES, person=PERSON, links=links_of(content, "t")
        )
        (folder / f"{flow}_{step}.mail.html").write_text(message.html)
        mail = Mail(
            HOSTILE,
            message.subject,
            message.preheader,
            message.html,
            message.text,
            [Choice("hero", "core", "x", HOSTILE)],
        )
        build_page(Preview(flow, step, "Shop", "a@b.example", HOSTILE, None, [HOSTILE], [mail]), folder)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_preview_runs_nothing_loads_nothing_and_fits(page: "Page", folder: Path, width: int, scheme: str) -> None:
    path = folder / "welcome_2.html"
    page.open(path, width=width, scheme=scheme)
    assert {url for url in page.requests if not url.startswith(("data:", "about:"))} == {path.as_uri()}
    assert page.complaints == []
    assert page.read("document.title") == "Preview of welcome 2"
    assert page.read("document.documentElement.scrollWidth") <= width
    frames = page.read(
        "[...document.querySelectorAll('iframe')].map(it => [it.clientWidth, it.sandbox.length, it.srcdoc.length > 1e4])"
    )
    assert frames == [[min(640, frames[0][0]), 0, True], [min(375, frames[1][0]), 0, True]]
    assert frames[0][0] > 300


def test_emails_can_be_seen_in_the_preview(page: "Page", folder: Path) -> None:
    """Frames may reach nothing, so nothing can reach into them: what shows is looked at."""
    page.open(folder / "welcome_2.html", width=1200)
    frames = page.read("[...document.querySelectorAll('iframe')].map(it => it.getBoundingClientRect().toJSON())")
    assert frames[0]["y"] == frames[1]["y"], "side by side"
    page.call("Emulation.setDeviceMetricsOverride", width=1200, height=1400, deviceScaleFactor=1, mobile=False)
    for frame in frames:
        clip = {name: frame[name] for name in ("x", "y", "width", "height")} | {"scale": 1}
        deadline, inked = time.monotonic() + 20, 0.0
        while (
            inked < 0.005 and time.monotonic() < deadline
        ):  # frames are painted when they are ready, not when the page is
            picture = imread(BytesIO(b64decode(page.call("Page.captureScreenshot", clip=clip)["data"])))
            inked = (picture[..., :3].max(axis=2) < 0.35).mean()  # letters and the button
        assert 0.005 < inked < 0.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [640, 375])
def test_every_email_can_be_read_and_fits(
    page: "Page", folder: Path, content: Content, width: int, scheme: str
) -> None:
    for flow, step in content.places():
        path = folder / f"{flow}_{step}.mail.html"
        page.open(path, width=width, scheme=scheme)
        looked, poor = page.read(CONTRAST)
        assert poor == [], f"{flow} {step}"
        assert looked > 10
        assert page.read("document.documentElement.scrollWidth") <= width, f"{flow} {step}"
        assert page.read("document.title") != "broken"
    assert {url.partition(":")[0] for url in page.requests} == {"file"}
    assert page.complaints == []


def test_axe_finds_no_serious_violation_in_the_preview(page: "Page", folder: Path) -> None:
    found = importlib.util.find_spec("axe_core_python")
    assert found is not None
    assert found.submodule_search_locations is not None
    axe = (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text()
    page.open(folder / "welcome_2.html")
    page.read(f"(() => {{ {axe}; }})()")
    passes, violations = page.read(
        "axe.run(document, {iframes: false, resultTypes: ['violations']}).then(found => [found.passes.length, found.violations"
        ".filter(it => ['serious', 'critical'].includes(it.impact)).map(it => it.id + ' ' + it.nodes[0].html)])"
    )
    assert violations == []
    assert passes > 10
