"""Build the report site: one self-contained HTML file."""

import base64
import hashlib
import os
from pathlib import Path

import jinja2
from markupsafe import Markup

from reporting import formats
from reporting.chain import HEALTH, STAGES
from reporting.data import SiteData
from reporting.definitions import COLUMNS, GLOSSARY, OUTCOMES, STATUSES, metric_of, spoken
from reporting.health import STEP, calendar_of, unmet
from reporting.house import BREAKERS, SEVERITIES, house_of
from reporting.models import models_of
from reporting.money import money_of
from reporting.page import experiments_of, waterfalls_of
from reporting.pilot import pilot_of
from reporting.verdict import in_words, is_plain
from reporting.whom import page_of

TEMPLATES = Path(__file__).with_name("templates")


def build_site(data: SiteData, directory: Path) -> Path:
    """Write the report as `index.html` with everything inline: no other file, no network.

    Args:
        data: What to show.
        directory: Folder of the site; created if missing. A reader never sees a half-written page.

    Returns:
        Path of the page.
    """
    return write_page(render(data), directory)


def write_page(text: str, directory: Path, *, name: str = "index.html") -> Path:
    """Write a page into a folder, which is created if missing; a reader never sees a half-written page."""
    directory.mkdir(parents=True, exist_ok=True)
    page = directory / name
    unfinished = directory / f".{page.stem}.{os.getpid()}.tmp"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(page)
    return page


def templates() -> jinja2.Environment:
    """The templates of the package: every value is escaped, and a missing one is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def render(data: SiteData) -> str:
    """The page as HTML; every value is escaped, and only the page's own script may run."""
    environment = templates()
    environment.globals.update(f=formats, spoken=spoken, is_plain=is_plain, in_words=in_words)
    script = own_text("page.js")
    return environment.get_template("index.html.j2").render(
        data=data,
        experiments=experiments_of(data),
        money=money_of(data.claims, data.currency),
        waterfalls=waterfalls_of(data.outcomes),
        metric_of=lambda name: metric_of(name, dict(data.metrics)),
        columns=COLUMNS,
        glossary=GLOSSARY,
        outcomes=OUTCOMES,
        statuses=STATUSES,
        calendar=calendar_of(data.source_days, data.as_of),
        step=STEP,
        models=models_of(data.models, data.as_of),
        unmet=unmet(data.freshness),
        newest_event=max((row.last_occurred_at for row in data.freshness if row.last_occurred_at), default=None),
        whom=page_of(data.whom),
        rooms=house_of(data.rooms, as_of=data.as_of),
        pilot=pilot_of(data.rooms.pilot, data.lift, data.rooms.chain, as_of=data.as_of),
        stages=STAGES,
        health=HEALTH,
        severities=SEVERITIES,
        breakers=BREAKERS,
        style=own_text("colours.css")
        + own_text("page.css")
        + own_text("network.css")
        + own_text("whom.css")
        + own_text("rooms.css"),
        script=script,
        script_hash=_hash_of(script),
    )


def own_text(name: str) -> Markup:
    """The text of a file of ours, which needs no escaping."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704


def _hash_of(script: str) -> str:
    """The script's hash as a content security policy names it: any other script on the page stays dead."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
