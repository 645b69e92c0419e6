"""What is checked before anything is written, so that a wrong call leaves nothing half done."""

from datetime import date, timedelta
from pathlib import Path

from activation.load import PlaybookError, load_playbook
from activation.playbook.governance import hash_of
from activation.playbook.playbook import Playbook
from activation.playbook.segments import content_of, read_segments
from orchestration.landing_zone.files import landing_days
from orchestration.landing_zone.vendors import enabled_vendors
from orchestration.resources import PLAYBOOK, ROOT, Settings, UserError, Warehouse

MODELS = ROOT / "dbt_project" / "models"
SEGMENTS = MODELS / "segments"
SUPPRESSIONS = MODELS / "marts" / "audiences" / "suppressions"
TASKS = ROOT / "ml" / "propensity" / "tasks"
FREE_DOMAINS = ROOT / "dbt_project" / "seeds" / "free_mailbox_domains.csv"


def load_valid_playbook(folder: Path | None = None) -> Playbook:
    """Read the playbook against the segments and reasons not to mail that exist and the sources that are read.

    Args:
        folder: Another copy of it than the repository's.

    Raises:
        PlaybookError: One line per fault, with file and line.
    """
    reasons = frozenset(path.stem.removeprefix("suppressions_") for path in SUPPRESSIONS.glob("*.sql"))
    segments, faults = read_segments(SEGMENTS)
    if faults:
        raise PlaybookError(faults)
    rules = {path.stem: path.read_text(encoding="utf-8") for path in SEGMENTS.rglob("*.sql")}
    return load_playbook(
        folder or PLAYBOOK,
        segments={segment.segment: content_of(rules[segment.segment], segment) for segment in segments},
        models={path.stem: hash_of(path.read_text(encoding="utf-8")) for path in TASKS.glob("*.yml")},
        sources=frozenset(enabled_vendors()),
        reasons=reasons,
        free_domains=frozenset(FREE_DOMAINS.read_text().split()[1:]),
        said_of_segments=segments,
    )


def check_request(settings: Settings, *, first: date, last: date, allow_empty: bool) -> None:
    """Refuse a run that cannot be right.

    Args:
        settings: Where things are.
        first: First partition asked for.
        last: Last partition asked for.
        allow_empty: Whether a single day on which nothing landed is wanted all the same.

    Raises:
        UserError: In one line, with what to do.
        LandingError: If the landing zone is missing or misnamed.
        PlaybookError: If the playbook has faults.
    """
    load_valid_playbook()
    landed = landing_days(settings.landing)
    check_days(landed, first=first, last=last, today=settings.today())
    if not allow_empty and last not in landed:
        message = f"nothing landed on {last} (newest day: {landed[-1]}): check the export, or say --allow-empty for a day without data"
        raise UserError(message)
    check_warehouse(settings)


def check_days(landed: list[date], *, first: date, last: date, today: date) -> None:
    """Refuse partitions outside of what landed and days that are not over.

    Raises:
        UserError: In one line.
    """
    if not landed:
        message = "the landing zone holds no landed_on=YYYY-MM-DD folder: land a first export, see docs/bring-your-own-data.md"
        raise UserError(message)
    if landed[-1] > today:
        message = (
            f"the landing zone holds landed_on={landed[-1]}, which is after today ({today}): move that folder away"
        )
        raise UserError(message)
    if last >= today:
        message = f"{last} is not over yet (today is {today}): the newest partition is {today - timedelta(days=1)}"
        raise UserError(message)
    if first < landed[0]:
        message = f"{first} is before the first landed day {landed[0]}: begin there"
        raise UserError(message)


def check_release(settings: Settings, day: date, *, allow_past: bool) -> None:
    """Refuse a release that is not due or has no send list.

    Raises:
        UserError: In one line, with what to do.
    """
    send_date, today = day + timedelta(days=1), settings.today()
    if send_date != today and not allow_past:
        message = (
            f"the send list of {day} is for {send_date}, today is {today}: say --allow-past to release it all the same"
        )
        raise UserError(message)
    if send_date > today:
        message = f"the send list of {day} is for {send_date}, which is in the future"
        raise UserError(message)
    if not (settings.publish / "send_list" / send_date.isoformat() / "manifest.json").exists():
        message = f"partition {day} has no send list yet: run `holdfast run --date {day}` first"
        raise UserError(message)
    check_warehouse(settings)


def check_warehouse(settings: Settings) -> None:
    """Refuse to start while a process outside of Dagster holds the file; runs of ours queue for the pool instead.

    Raises:
        UserError: Naming the process.
    """
    from orchestration.runs import held_slots, open_instance

    with open_instance(settings) as instance:
        if held_slots(instance):
            return
    with Warehouse(settings.warehouse).connect(patience=0):
        pass
