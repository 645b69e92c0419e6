"""The `holdfast` command: exit 0 done, 1 failed, 2 the input or the call is at fault; errors in one line."""

import sys
from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from pathlib import Path
from typing import IO, Any

import click

DAY = click.DateTime(formats=["%Y-%m-%d"])


class OneLine(click.ClickException):
    """An error shown in one line."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = code  # type: ignore[misc]

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line to stderr."""
        click.echo(f"holdfast: {self.message}", file=file, err=True)


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the faults that a user can cause into exit 2 and failed runs into exit 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except click.ClickException:
            raise
        except Exception as fault:
            from orchestration.faults import exit_code_of

            code = exit_code_of(fault)
            if code is None:
                raise
            raise OneLine(str(fault), code) from fault

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Holdfast decides who gets which email and proves what the emails earned."""


@main.command(
    epilog="""\b
Examples: holdfast simulate --customers 5000 --days 180 --seed 7 --out .holdfast/landing --truth .holdfast/truth
          holdfast simulate --scenario huge --customers 1000000 --days 365 --workers 2 --out /data/landing"""
)
@click.option("--customers", type=click.IntRange(1), default=5000, show_default=True, help="People in the shop.")
@click.option("--days", type=click.IntRange(1), default=180, show_default=True, help="Days of history.")
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same files.")
@click.option(
    "--future",
    type=click.IntRange(0),
    default=60,
    show_default=True,
    help="Days after them that `holdfast step` can land.",
)
@click.option("--start", type=DAY, default="2025-01-01", show_default=True, help="First day.")
@click.option("--scenario", default="everyday", show_default=True, help="Which shop; see --list-scenarios.")
@click.option("--list-scenarios", is_flag=True, help="Say which shops there are and what each proves.")
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes; for more than 50,000 customers."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Landing folder to fill.")
@click.option("--truth", type=click.Path(file_okay=False, path_type=Path), help="Where the planted truth goes.")
@one_line_errors
def simulate(
    customers: int, days: int, seed: int, future: int, start: Any, scenario: str, list_scenarios: bool, workers: int, out: Path | None,
    truth: Path | None,
) -> None:  # fmt: skip
    """Land a shop whose truth is known, in the file shapes of the real systems."""
    from rich.progress import Progress

    from simulator.scenarios import SCENARIOS
    from simulator.shop import simulate as simulate_shop

    if list_scenarios:
        for name, shop in SCENARIOS.items():
            click.echo(f"{name:<24} {shop.proves}")
        return
    if out is None:
        message = "say where to land with --out"
        raise OneLine(message, 2)
    if out.exists() and any(out.iterdir()):
        message = f"{out} is not empty: choose another folder or remove it"
        raise OneLine(message, 2)
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("simulating", total=days)
        try:
            summary = simulate_shop(
                customers=customers, days=days, future=future, seed=seed, start=start.date(), scenario=scenario, workers=workers, out=out,
                truth=truth, on_day=lambda done, total: progress.update(task, completed=done, total=total),
            )  # fmt: skip
        except ValueError as fault:
            raise OneLine(str(fault), 2) from fault
    last = start.date() + timedelta(days=days - 1)
    click.echo(f"landed {summary.rows:,} rows in {summary.files:,} files under {out}; last day {last}")


@main.command(epilog="Example: holdfast step --date 2025-06-30 --truth .holdfast/truth")
@click.option("--date", "day", type=DAY, required=True, help="The day after the simulated shop's last one.")
@click.option(
    "--truth", type=click.Path(file_okay=False, path_type=Path), required=True, help="What `simulate --truth` wrote."
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Landing zone (default: HOLDFAST_LANDING)."
)
@one_line_errors
def step(day: Any, truth: Path, out: Path | None) -> None:
    """Land one more day of a simulated shop: its people react to the send lists that were released."""
    from orchestration.resources import read_settings
    from simulator.loop import step as land_day

    settings = read_settings()
    try:
        summary = land_day(
            truth=truth, day=day.date(), released=settings.publish / "send_list", out=out or settings.landing
        )
    except ValueError as fault:
        raise OneLine(str(fault), 2) from fault
    rows = dict(summary.rows_by_object)
    click.echo(
        f"landed {day.date()}: {summary.rows:,} rows in {summary.files} files, {rows.get('sendgrid/events', 0):,} of them reports on emails"
    )


@main.command(epilog="Example: holdfast run --date 2025-06-29 --landing .holdfast/landing")
@click.option(
    "--date",
    "day",
    type=DAY,
    required=True,
    help="The business day whose data landed; its send list is for the day after.",
)
@click.option(
    "--landing", type=click.Path(file_okay=False, path_type=Path), help="Landing zone (default: HOLDFAST_LANDING)."
)
@click.option("--allow-empty", is_flag=True, help="Run a day on which nothing landed.")
@one_line_errors
def run(day: Any, landing: Path | None, allow_empty: bool) -> None:
    """Materialise one partition, after staging landed days that it needs and training that is due."""
    _materialise(day.date(), day.date(), landing=landing, allow_empty=allow_empty)


@main.command(epilog="Example: holdfast backfill --from 2025-06-01 --to 2025-06-29")
@click.option("--from", "first", type=DAY, required=True, help="First partition.")
@click.option("--to", "last", type=DAY, required=True, help="Last partition, inclusive.")
@click.option(
    "--landing", type=click.Path(file_okay=False, path_type=Path), help="Landing zone (default: HOLDFAST_LANDING)."
)
@one_line_errors
def backfill(first: Any, last: Any, landing: Path | None) -> None:
    """Materialise a range of partitions in a single run."""
    if first > last:
        message = f"--from {first.date()} is after --to {last.date()}: swap them"
        raise OneLine(message, 2)
    _materialise(first.date(), last.date(), landing=landing, allow_empty=True)


def _materialise(first: date, last: date, *, landing: Path | None, allow_empty: bool) -> None:
    from orchestration.resources import prepare_home

    settings = prepare_home(landing=landing)

    from orchestration.landing_zone.files import unread_objects
    from orchestration.preflight import check_request

    check_request(settings, first=first, last=last, allow_empty=allow_empty)
    for line in unread_objects(settings.landing):
        click.echo(f"not read: {line}", err=True)

    from orchestration.commands.report import summarise
    from orchestration.runs import execute, open_instance, refuse_dead_holders, requests_for

    with open_instance(settings) as instance:
        refuse_dead_holders(instance)
        execute(requests_for(settings, instance, start=first, end=last), instance)
    click.echo(summarise(settings, last))


@main.command(
    epilog="""\b
Examples: holdfast release --date 2025-06-29
          holdfast release --date 2025-06-29 --to smtp    (relay: HOLDFAST_SMTP_URL; say it again to go on)"""
)
@click.option("--date", "day", type=DAY, required=True, help="The partition whose send list is released.")
@click.option("--allow-past", is_flag=True, help="Release a list whose send date is not today.")
@click.option(
    "--to",
    type=click.Choice(["files", "smtp"]),
    help="Where to (default: where it was claimed for, else `destinations` of playbook/policies.yml).",
)
@one_line_errors
def release(day: Any, allow_past: bool, to: str | None) -> None:
    """Release a day's send list through the ledger: each row is claimed first, so no one is mailed twice."""
    from orchestration.resources import prepare_home

    settings = prepare_home()

    from orchestration.preflight import check_release

    check_release(settings, day.date(), allow_past=allow_past)

    from orchestration.commands.report import summarise_release
    from orchestration.deliveries import backlog_of, destination_of, tell_delivery
    from orchestration.runs import execute, open_instance, refuse_dead_holders, requests_for_release

    destination = destination_of(settings, day.date(), to or "")
    request = requests_for_release(day.date(), allow_past=allow_past, to=destination)
    with open_instance(settings) as instance:
        refuse_dead_holders(instance)
        execute([request], instance)
        if destination == "files":
            click.echo(summarise_release(settings, day.date()))
            return
        # Each pass at a relay is as long as its recheck of consent is fresh; while passes get somewhere, the next one follows.
        waiting = backlog_of(settings, day.date(), allow_past=allow_past).ready
        while waiting:
            execute([request], instance)
            before, waiting = waiting, backlog_of(settings, day.date(), allow_past=allow_past).ready
            if waiting >= before:
                break
    click.echo("\n".join(tell_delivery(settings, day.date(), allow_past=allow_past)))


@main.command(
    epilog="""\b
Examples: holdfast reconcile --date 2025-06-29
          holdfast reconcile --date 2025-06-29 --sent DECISION_ID      (of an email in doubt: it has left)
          holdfast reconcile --date 2025-06-29 --not-sent DECISION_ID  (it has not; nobody sends it again)"""
)
@click.option("--date", "day", type=DAY, required=True, help="The partition.")
@click.option("--sent", multiple=True, metavar="DECISION_ID", help="An email in doubt of which you know that it left.")
@click.option(
    "--not-sent",
    multiple=True,
    metavar="DECISION_ID",
    help="An email in doubt of which you know that it did not leave.",
)
@one_line_errors
def reconcile(day: Any, sent: tuple[str, ...], not_sent: tuple[str, ...]) -> None:
    """Compare what was released with what the ESP's events say of it; exit 1 if something must be looked at."""
    from orchestration.resources import prepare_home

    settings = prepare_home()

    from orchestration.preflight import check_warehouse

    check_warehouse(settings)

    from orchestration.commands.reconcile import reconcile_day, settle_by_hand
    from orchestration.runs import open_instance, refuse_dead_holders

    with open_instance(settings) as instance:
        refuse_dead_holders(instance)
        settle_by_hand(settings, day.date(), sent=sent, not_sent=not_sent)
        found = reconcile_day(settings, instance, day.date())
    click.echo("\n".join(found.lines))
    if not found.is_fine:
        raise click.exceptions.Exit(1)


@main.command(
    epilog="""\b
Examples: holdfast why ada@example.com --date 2025-06-29
          holdfast why ada@example.com --date 2025-06-29 --page    (a page of its own, to read in the browser)
          holdfast why ada@example.com --date 2025-06-29 --json | jq .decisions"""
)
@click.argument("email")
@click.option("--date", "day", type=DAY, required=True, help="The partition.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
@click.option("--page", is_flag=True, help="Write a page and say where it is.")
@one_line_errors
def why(email: str, day: Any, as_json: bool, page: bool) -> None:
    """Show everything that was decided about one person on a day, and why."""
    from orchestration.resources import prepare_home

    settings = prepare_home()

    from orchestration.commands.why import explain_person, publish_person

    told = explain_person(settings, email, day.date())
    if page:
        click.echo(f"page  {publish_person(settings, email, told)}", err=as_json)
    if as_json:
        click.echo(told.to_json())
    elif not page:
        click.echo("\n".join(told.lines()))


@main.command(epilog="Example: holdfast erase ada@example.com --why 'request 42'")
@click.argument("email")
@click.option("--customer", help="Which customer, where several share the address.")
@click.option(
    "--why", "reason", default="erasure request", show_default=True, help="For the audit log; nothing personal."
)
@click.option("--dry-run", is_flag=True, help="Show the places and counts, and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@one_line_errors
def erase(email: str, customer: str | None, reason: str, dry_run: bool, yes: bool) -> None:
    """Erase a person everywhere; a tombstone of salted hashes refuses a re-import."""
    from orchestration.commands.erase import run_erasure

    run_erasure(email, customer=customer, reason=reason, is_confirmed=yes, is_dry=dry_run)


@main.group(
    invoke_without_command=True,
    epilog="Examples: holdfast quarantine --source shopify/orders --show\n\n"
    "holdfast quarantine readmit repaired.csv --as plain/orders --for plain/orders/landed_on=2025-06-29/orders.csv",
)
@click.option("--source", help="vendor/object.")
@click.option("--rule", help="The rule that was broken.")
@click.option("--date", "day", type=DAY, help="The day on which the rows landed.")
@click.option("--show", is_flag=True, help="Each row with its raw text, on this terminal only.")
@click.pass_context
@one_line_errors
def quarantine(context: click.Context, source: str | None, rule: str | None, day: Any, show: bool) -> None:
    """List what was refused, by source and rule; readmit a repaired file."""
    if context.invoked_subcommand:
        return
    from orchestration.resources import prepare_home

    settings = prepare_home()

    from orchestration.commands.quarantine import Selection, list_counts, list_rows

    selection = Selection(source, rule, day.date() if day else None)
    click.echo("\n".join((list_rows if show else list_counts)(settings, selection)))


@quarantine.command(
    epilog="Example: holdfast quarantine readmit repaired.csv --as plain/orders --for plain/orders/landed_on=2025-06-29/orders.csv"
)
@click.argument("repaired", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--as", "source", required=True, metavar="VENDOR/OBJECT", help="What the file holds.")
@click.option("--for", "file", required=True, help="The landed file whose rows it repairs, below the landing zone.")
@click.option(
    "--row", "rows", type=click.IntRange(0), multiple=True, help="A refused row that it repairs (default: all)."
)
@click.option("--on", "day", type=DAY, help="The day on which it lands (default: today).")
@one_line_errors
def readmit(repaired: Path, source: str, file: str, rows: tuple[int, ...], day: Any) -> None:
    """Land a repaired file as a file of its own; each content and each refused row once."""
    from orchestration.resources import prepare_home

    settings = prepare_home()

    from orchestration.commands.quarantine import check_repair
    from orchestration.commands.quarantine import readmit as land
    from orchestration.preflight import check_warehouse
    from orchestration.runs import open_instance, run_alone

    check_warehouse(settings)
    check_repair(settings, repaired, source=source, file=file, rows=rows)
    landed_on = day.date() if day else settings.today()
    with open_instance(settings) as instance:
        done = run_alone(
            instance,
            "readmit",
            lambda: land(settings, repaired, source=source, file=file, rows=rows, landed_on=landed_on),
        )
    click.echo(f"readmitted as {done.readmitted_as}: `holdfast run --date D` stages it")


@main.command("score", epilog="Example: holdfast score --truth .holdfast/truth --date 2025-06-29")
@click.option(
    "--truth", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the planted truth."
)
@click.option("--date", "day", type=DAY, help="The partition (default: the newest that was decided).")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the page and score.json (default: publish/scoreboard of HOLDFAST_HOME).",
)
@one_line_errors
def score_warehouse(truth: Path, day: Any, out: Path | None) -> None:
    """Compare the warehouse with the truth of a simulated shop; exit 1 if a number that must be 0 is not."""
    from orchestration.resources import read_settings

    settings = read_settings()

    from orchestration.commands.score import print_lines, publish, score_day

    scoreboard = score_day(settings, truth, day.date() if day else None)
    page = publish(scoreboard, out or settings.publish / "scoreboard")
    click.echo("\n".join(print_lines(scoreboard)))
    click.echo(f"\nscoreboard  {page}")
    if broken := scoreboard.broken():
        found = ", ".join(f"{line.what.lower()} {line.found:,.0f}" for line in broken)
        message = f"must be 0 and is not: {found}"
        raise OneLine(message, 1)


@main.command(
    epilog="Example: holdfast promote churn_risk 3 --because 'better on high value customers' --effective 2025-07-01"
)
@click.argument("task")
@click.argument("version")
@click.option("--because", required=True, help="Why; it is kept with the promotion.")
@click.option("--effective", type=DAY, help="First partition that it scores (default: the first that is not scored).")
@one_line_errors
def promote(task: str, version: str, because: str, effective: Any) -> None:
    """Make a registered version of a task's model champion from a partition on; earlier partitions repeat as they were."""
    from orchestration.resources import prepare_home

    settings = prepare_home()

    from orchestration.commands.promote import promote as make_champion
    from orchestration.preflight import check_warehouse
    from orchestration.runs import open_instance, run_alone

    check_warehouse(settings)
    day = effective.date() if effective else None
    with open_instance(settings) as instance:
        done = run_alone(
            instance, "promote", lambda: make_champion(settings, task, version, because=because, effective=day)
        )
    click.echo(done)


@main.command(epilog="Example: holdfast unlock")
@click.option("--yes", is_flag=True, help="Do not ask.")
@one_line_errors
def unlock(yes: bool) -> None:
    """Free what a killed run left held, after showing it."""
    from orchestration.resources import prepare_home

    settings = prepare_home()

    from orchestration.runs import free, held_slots, is_dead, open_instance

    with open_instance(settings) as instance:
        runs = held_slots(instance)
        if not runs:
            click.echo("nothing is held")
        for run_held in runs:
            state = "its process is gone" if is_dead(run_held) else "its process may be alive"
            click.echo(
                f"run {run_held.run_id[:8]} ({run_held.job_name}, {run_held.status.value.lower()}) holds the warehouse; {state}"
            )
            if is_dead(run_held) or yes or (sys.stdin.isatty() and click.confirm("free it?")):
                free(instance, run_held)
                click.echo(f"freed {run_held.run_id[:8]}")
            else:
                message = "left held: stop that run first, or say --yes if you know that it is gone"
                raise OneLine(message, 1)


@main.command(epilog="Example: holdfast compare-identity --date 2025-06-29")
@click.option("--date", "day", type=DAY, required=True, help="A partition that has run.")
@one_line_errors
def compare_identity(day: Any) -> None:
    """Tell what the probabilistic pass would change, before it is switched on in playbook/identity.yml."""
    from orchestration.resources import read_settings

    settings = read_settings()

    from orchestration.commands.report import compare_identities

    click.echo(compare_identities(settings, day.date()))


@main.command(epilog="Example: holdfast schemas")
@one_line_errors
def schemas() -> None:
    """Write the JSON Schemas of the playbook's files to playbook/schemas, by which editors complete and check them."""
    from activation.load import json_schemas
    from orchestration.resources import PLAYBOOK

    folder = PLAYBOOK / "schemas"
    folder.mkdir(exist_ok=True)
    written = json_schemas()
    for name, text in written.items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    click.echo(f"{len(written)} schemas in {folder}")


@main.command(
    "approve",
    epilog="Examples: holdfast approve\n\nholdfast approve flow/win_back --role lifecycle_marketing_lead --until 2026-12-31",
)
@click.argument("items", nargs=-1, metavar="[KIND/NAME]...")
@click.option("--role", help="In whose role you approve.")
@click.option("--until", type=DAY, help="Last day on which it holds (default: in a year).")
@one_line_errors
def approve_items(items: tuple[str, ...], role: str | None, until: Any) -> None:
    """Approve flows, segments, models and prompts as they read now; without a name, list all and how each stands."""
    from orchestration.resources import read_settings

    today = read_settings().today()

    from orchestration.commands.approve import approve, list_standings

    if not items:
        click.echo("\n".join(list_standings(today)))
        return
    if role is None:
        message = "say in whose role you approve with --role"
        raise OneLine(message, 2)
    last = until.date() if until else today + timedelta(days=365)
    click.echo("\n".join(approve(items, role=role, today=today, until=last)))
    if any(item.startswith("prompt/") for item in items):
        _register_prompts()


@main.command(epilog="Example: holdfast prompts")
@one_line_errors
def prompts() -> None:
    """Register the playbook's prompts in MLflow; the alias `approved` follows the approvals."""
    _register_prompts()


def _register_prompts() -> None:
    from orchestration.resources import prepare_home

    settings = prepare_home()

    from orchestration.commands.prompts import register_prompts

    click.echo("\n".join(register_prompts(settings, today=settings.today())))


@main.command(
    epilog="""\b
Examples: holdfast propose win_back 1
          holdfast propose win_back 1 --block hero --count 5"""
)
@click.argument("flow")
@click.argument("step")
@click.option("--block", help="Words of this block (default: the subject with its preheader).")
@click.option("--count", type=click.IntRange(1, 10), default=3, show_default=True, help="How many.")
@one_line_errors
def propose(flow: str, step: str, block: str | None, count: int) -> None:
    """Ask the language model of HOLDFAST_LLM_URL for other words of an email; what it proposes is a file that is sent to nobody."""
    from orchestration.resources import prepare_home, read_endpoint

    endpoint = read_endpoint()
    settings = prepare_home()

    from orchestration.commands.propose import propose as ask_for_words

    lines = ask_for_words(settings, endpoint, flow, step, block=block, count=count, today=settings.today())
    click.echo("\n".join(lines))


@main.command(
    epilog="""\b
Examples: holdfast accept win_back_1_subject_2
          holdfast accept win_back_1_hero_1 --variant good_to_see_you --segment high_value_at_risk"""
)
@click.argument("proposal")
@click.option("--variant", help="How the variant of the block is to be called.")
@click.option("--segment", help="Who gets it; everybody else gets what they got.")
@one_line_errors
def accept(proposal: str, variant: str | None, segment: str | None) -> None:
    """Take a proposal over into the playbook, if no rule of wording.yml speaks against it; its flow then waits for an approval."""
    from orchestration.resources import read_settings

    settings = read_settings()

    from orchestration.commands.accept import accept as take_over

    click.echo("\n".join(take_over(proposal, variant=variant, segment=segment, today=settings.today())))


@main.command(
    epilog="""\b
Examples: holdfast preview welcome 1
          holdfast preview win_back 1 --email ada@example.com --date 2025-06-29
          holdfast preview win_back 2 --segment high_value_at_risk --variant offer=small_thank_you"""
)
@click.argument("flow")
@click.argument("step")
@click.option("--email", help="As this person would get it: the blocks that were chosen, and what was known that day.")
@click.option("--segment", help="As most of its members would get it.")
@click.option("--date", "day", type=DAY, help="The partition (default: the newest that was decided).")
@click.option(
    "--variant", "variants", multiple=True, metavar="BLOCK=VARIANT", help="Show this one, whatever rules say."
)
@click.option("--all-variants", is_flag=True, help="Show each variant of each block as well.")
@one_line_errors
def preview(
    flow: str,
    step: str,
    email: str | None,
    segment: str | None,
    day: Any,
    variants: tuple[str, ...],
    all_variants: bool,
) -> None:
    """Show an email of the playbook as it reads now, on a page: desktop and phone, text part, and why each block is there."""
    from orchestration.resources import read_settings

    settings = read_settings()
    if email is not None and segment is not None:
        message = "say --email or --segment, not both"
        raise OneLine(message, 2)
    if wrong := next((each for each in variants if each.count("=") != 1), None):
        message = f"--variant {wrong}: write it as block=variant"
        raise OneLine(message, 2)

    from orchestration.commands.preview import preview as write_preview

    page = write_preview(
        settings,
        flow,
        step,
        email=email,
        segment=segment,
        day=day.date() if day else None,
        wanted={name: value for name, _, value in (each.partition("=") for each in variants)},
        is_all=all_variants,
    )
    click.echo(f"preview  {page}")


@main.command(
    epilog="Examples: holdfast segments\n\nholdfast segments high_value_at_risk --date 2025-06-29\n\n"
    "holdfast segments high_value_at_risk --date 2025-06-29 --ids --json"
)
@click.argument("name", required=False)
@click.option("--date", "day", type=DAY, help="The partition (default: the newest that was decided).")
@click.option("--ids", is_flag=True, help="Also the salted hashes of those who enter and leave.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@one_line_errors
def segments(name: str | None, day: Any, ids: bool, as_json: bool) -> None:
    """List all segments, or preview one with its rule as it reads now, approved or not; nothing is written."""
    from orchestration.resources import read_settings

    settings = read_settings()

    from orchestration.commands.segments import list_segments, preview

    on = day.date() if day else None
    if name is None:
        click.echo(list_segments(settings, on, as_json=as_json))
    else:
        click.echo(preview(settings, name, on, with_ids=ids, as_json=as_json))


@main.command(epilog="Example: holdfast validate")
@one_line_errors
def validate() -> None:
    """Check the playbook and the configuration; each fault with its file and line."""
    from orchestration.resources import read_settings

    settings = read_settings()

    from orchestration.preflight import load_valid_playbook

    playbook = load_valid_playbook()

    from ml.propensity.task import load_tasks

    click.echo(f"playbook {playbook.version} is valid: {len(playbook.flows)} flows; time zone {settings.timezone}")
    if (pilot := playbook.pilot) is not None:
        click.echo(
            f"pilot {pilot.pilot}: {pilot.outcome} against {pilot.control}, {pilot.starts_on} to {pilot.ends_on}"
        )
    click.echo(f"tasks: {', '.join(task.task for task in load_tasks())}")
    faults = [(item, playbook.standing(item, settings.today()).fault) for item in playbook.items()]
    for item, fault in faults:
        if fault:
            click.echo(f"{item}: {fault.replace('_', ' ')}; `holdfast approve {item} --role …` mends it")


if __name__ == "__main__":
    main()
