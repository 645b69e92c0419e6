"""`holdfast why`: everything that was decided about one person on a day, as lines, as JSON or as a page."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from activation.decision.why import DecisionTrace, Explanation, explain
from activation.state.tables import expose_state
from orchestration.resources import Settings, Warehouse, open_state
from reporting.person import Card, Decided, PersonPage, Table, Tone, render_person
from reporting.site import write_page

TONES: dict[str, Tone] = {"sent": "good", "held_out": "flat", "suppressed": "bad", "blocked_by_governance": "bad"}


def explain_person(settings: Settings, email: str, day: date) -> Explanation:
    """Everything that was decided about the people at an address on a day."""
    store = open_state(settings)
    store.mirror()
    with Warehouse(settings.warehouse).connect() as connection:
        expose_state(connection, settings.state)
        return explain(connection, mailbox_of(settings, email), day)


def mailbox_of(settings: Settings, email: str) -> str:
    """The hash under which a mailbox is known."""
    return hashlib.sha256(f"{settings.salt}:{email.strip().lower()}".encode()).hexdigest()


def publish_person(settings: Settings, email: str, told: Explanation) -> Path:
    """Write the page to `publish/why/<mailbox>/<day>/`; an erasure of anybody removes all such pages."""
    mailbox = mailbox_of(settings, email)[:12]
    folder = settings.publish / "why" / mailbox / told.as_of.isoformat()
    return write_page(render_person(page_of(told, mailbox)), folder)


def page_of(told: Explanation, mailbox: str) -> PersonPage:
    """What the page says of an explanation."""
    return PersonPage(
        as_of=told.as_of,
        mailbox=mailbox,
        headline=_headline(told),
        cards=tuple(_cards(told)),
        decisions=tuple(_decided(trace) for trace in told.decisions),
    )


def _headline(told: Explanation) -> str:
    if not told.people:
        return "No customer has this mailbox"
    sent = [f"{trace.flow} {trace.step}" for trace in told.decisions if trace.outcome == "sent"]
    if sent:
        return f"Gets {', '.join(sent)}"
    if not told.decisions:
        return "No email was due"
    outcomes = sorted({_words(trace.outcome) for trace in told.decisions})
    return f"Gets nothing: {', '.join(outcomes)}"


def _decided(trace: DecisionTrace) -> Decided:
    blocks = (
        (
            block,
            choice["variant"],
            choice["rule"],
            _cell(choice.get("confidence")),
            _cell(choice.get("fallback_reason")),
        )
        for block, choice in trace.block_choices.items()
    )
    return Decided(
        title=f"{trace.flow} {trace.step}",
        outcome=_words(trace.outcome),
        tone=TONES.get(trace.outcome, "warn"),
        reasons=tuple(_words(reason) for reason in trace.reasons),
        facts=tuple(_facts(trace)),
        blocks=Table(("Block", "Variant", "Rule", "Confidence", "Why the fallback"), tuple(blocks), "It has no blocks to choose."),
    )  # fmt: skip


def _facts(trace: DecisionTrace) -> Iterator[tuple[str, str]]:
    yield "Customer", trace.customer_id
    yield "Began with", trace.occurrence
    if trace.due_since is not None:
        yield "Due since", _cell(trace.due_since)
    assumed = ", assumed" if trace.is_zone_assumed else ""
    yield "May go out", f"{_cell(trace.send_after_utc)} to {_cell(trace.send_before_utc)} ({trace.timezone}{assumed})"
    mixed = "; the mailbox is shared with another arm" if trace.is_contaminated else ""
    yield "Arm", f"{trace.arm or 'not assigned'} of {trace.experiment or 'no experiment'}{mixed}"
    if trace.flow_experiment:
        yield "Arm within the flow", f"{trace.flow_arm} of {trace.flow_experiment}: gets {trace.flow_treatment}"
    yield "Segment of the content", trace.segment or "none"
    yield "Expected value", f"{trace.expected_value:.2f}"
    yield "Models", _pairs(trace.model_versions) or "none"
    yield "Days since data landed", _pairs(trace.data_age) or "none"
    yield "Approval and playbook", f"{trace.approval_id or 'none'}, {trace.playbook_version}"
    yield "Decision", trace.decision_id


def _cards(told: Explanation) -> Iterator[Card]:
    yield _card(
        "people", "People", "Customers whose primary mailbox this is.",
        ("Customer", "Consent", "Statement that decided", "Mailed on the basis of", "Stage", "Value", "Time zone", "Identity uncertain"),
        [
            (each.customer_id, each.consent_status, each.consent_evidence_id, each.consent_basis, each.lifecycle_stage, each.value_tier,
             each.timezone, each.is_identity_uncertain)
            for each in told.people
        ],
        "Nobody.",
    )  # fmt: skip
    yield _card(
        "suppressions", "Suppressions", "What closes the mailbox, or one of its people, on the day.",
        ("Whom", "Reason", "Since", "Until"),
        [(each.customer_id or f"the {each.scope}", _words(each.reason), each.starts_at, each.expires_at) for each in told.suppressions],
        "None.",
    )  # fmt: skip
    yield _card(
        "profiles", "Profiles", "Records of the sources that the identity map takes for these people.",
        ("Customer", "Profile", "Since"), told.profiles, "None.",
    )  # fmt: skip
    yield _card(
        "evidence", "Consent evidence", "Everything that was ever stated for the mailbox, the newest first.",
        ("Statement", "Source", "Said", "Channel", "Topic", "Legal basis", "Own act", "Said at", "Landed on"), told.evidence,
        "Nothing was ever stated.",
    )  # fmt: skip
    yield _card(
        "topics", "Topics", "What holds for a topic apart.", ("Topic", "Consent"), told.topics, "Nothing apart."
    )
    yield _card(
        "segments", "Segments", "Those that these people are in.",
        ("Customer", "Segment", "Since", "New on the day", "Held by stability"), told.segments, "None.",
    )  # fmt: skip
    yield _card(
        "scores", "Scores", "What the models of the day say; a fallback is a rule in a model's place.",
        ("Customer", "Model", "Score", "Choice", "Tier", "Version", "State"), told.scores, "None.",
    )  # fmt: skip
    yield _card(
        "sends", "The last 30 days", "Emails and ghosts, which count against the caps alike.",
        ("Send date", "Kind", "Flow", "Step", "Status", "Arm"), told.sends, "None.",
    )  # fmt: skip


def _card(
    name: str, title: str, lead: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], nothing: str
) -> Card:
    return Card(name, title, lead, Table(columns, tuple(tuple(_cell(cell) for cell in row) for row in rows), nothing))


def _cell(value: object) -> str:
    match value:
        case None | "":
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case _:
            return str(value)


def _pairs(named: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in named.items())


def _words(name: str) -> str:
    return name.replace("_", " ")
