"""A release under faults and replays, each from a copy of one decided day, and runs that start together."""

import csv
import json
import shutil
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.pipeline.conftest import LAST, ROOT, START, Platform, cut
from tests.pipeline.forked import call
from tests.unit.activation.relays import Inbox, relay

D1, D2 = LAST - timedelta(days=1), LAST


@pytest.fixture(scope="module")
def decided(shop: Path, holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The last day run and nothing released."""
    platform = holdfast("decided", cut(shop, tmp_path_factory.mktemp("decided_landing") / "landing", D2))
    platform.ok("run", "--date", str(D2))
    return platform


def copied(platform: Platform, folder: Path) -> Platform:
    """The same platform in a home and a landing zone of its own."""
    shutil.copytree(platform.home, folder / "home")
    shutil.copytree(platform.landing, folder / "landing")
    return Platform(folder / "home", folder / "landing")


def test_release_killed_in_the_middle_loses_nothing_and_doubles_nothing(decided: Platform, tmp_path: Path) -> None:
    platform = copied(decided, tmp_path)
    expected = platform.value("select count(*) from activation.send_decisions where outcome in ('sent', 'held_out')")
    for seconds in (3.0, 6.0, 9.0):
        process = platform.start("release", "--date", str(D2), "--allow-past")
        time.sleep(seconds)
        process.kill()
        process.wait()
        platform.call("unlock", "--yes")
    platform.ok("release", "--date", str(D2), "--allow-past")
    assert platform.value("select count(*) from activation.send_ledger") == expected
    assert platform.value("select count(distinct idempotency_key) from activation.send_ledger") == expected
    released = platform.home / "publish" / "send_list" / str(D2 + timedelta(days=1)) / "released" / "send_list.parquet"
    rows = duckdb.sql(f"select count(*), count(distinct mailbox_hash) from '{released}'").fetchone()
    sent = platform.value("select count(*) from activation.send_ledger where kind = 'send'")
    assert rows == (sent, sent)


def test_unsubscribe_between_decision_and_release_is_not_released(decided: Platform, tmp_path: Path) -> None:
    platform = copied(decided, tmp_path)
    email, mailbox = platform.query("select email, mailbox_hash from activation.send_list order by email")[0]
    today = platform.landing / "sendgrid" / "events" / f"landed_on={D2 + timedelta(days=1)}"
    today.mkdir()
    noon = int(time.mktime((D2 + timedelta(days=1)).timetuple()))
    event = {"email": email, "timestamp": noon, "event": "unsubscribe", "sg_event_id": "u1", "sg_message_id": "m1"}
    (today / "events.json").write_text(json.dumps([event]))
    platform.ok("release", "--date", str(D2), "--allow-past")
    assert platform.value("select count(*) from activation.send_ledger where kind = 'send'") > 0  # type: ignore[operator]
    assert (
        platform.value("select count(*) from activation.send_ledger where mailbox_hash = $mailbox", mailbox=mailbox)
        == 0
    )


def test_shop_goes_on_with_what_was_released_and_nobody_is_mailed_who_must_not_be(
    decided: Platform, shop: Path, tmp_path: Path
) -> None:
    platform, truth = copied(decided, tmp_path), tmp_path / "truth"
    shutil.copytree(shop.parent / "truth", truth)
    platform.ok("release", "--date", str(D2), "--allow-past")
    tomorrow = D2 + timedelta(days=1)
    platform.ok("step", "--date", str(tomorrow), "--truth", str(truth))
    platform.ok("run", "--date", str(tomorrow))
    decisions = "select decision_id from activation.send_decisions where as_of = $day and outcome = 'sent'"
    answered = platform.value(
        f"select count(*) from intermediate.int_email_events__unioned where landed_on = $next and decision_id in ({decisions})",
        day=D2, next=tomorrow,
    )  # fmt: skip
    sent = platform.value("select count(*) from activation.send_ledger where kind = 'send'")
    assert isinstance(answered, int)
    assert isinstance(sent, int)
    # Nearly every email that was sent is reported as delivered or bounced by the end of its day.
    assert answered >= 0.9 * sent > 0
    check_chain(platform, tomorrow, sent)
    check_health(platform, tomorrow, sent)
    check_reconciliation(platform, D2)
    platform.ok("score", "--truth", str(truth), "--date", str(tomorrow))
    score = json.loads((platform.home / "publish" / "scoreboard" / "score.json").read_text())
    assert score["sends"]["released"] == sent
    assert {line["to"]: line["emails"] for line in score["sends"]["forbidden"] if line["emails"]} == {}


def check_reconciliation(platform: Platform, day: date) -> None:
    """What the command says of a released day is what the events say, counted apart; `released` lies in three ESPs' files too."""
    done = platform.call("reconcile", "--date", str(day))
    assert done.returncode in {0, 1}, done.stderr
    told = platform.query(
        "select sum(released_count), sum(delivered_count), sum(bounced_count), sum(silent_count), sum(doubled_count),"
        " sum(unreleased_count) from activation.reconciliation where as_of = $day",
        day=day,
    )
    released = platform.home / "publish" / "send_list" / str(day + timedelta(days=1)) / "released"
    counted = platform.query(
        f"""
        with sent as (select decision_id from '{released / "send_list.parquet"}'),
        ends as (
            select
                sent.decision_id, bool_or(events.event = 'bounced') as is_bounced, count(events.event) as event_count,
                bool_or(events.event in ('delivered', 'opened', 'clicked', 'unsubscribed', 'complained')) as is_there,
                bool_or(events.event in ('blocked', 'dropped')) as is_stopped
            from sent left join intermediate.int_email_events__unioned as events using (decision_id)
            group by sent.decision_id
        )
        select
            count(*), count(*) filter (where is_there and not is_bounced and not is_stopped), count(*) filter (where is_bounced),
            count(*) filter (where event_count = 0), 0, 0
        from ends
        """
    )
    assert told == counted
    for name, column in (("klaviyo", "Email"), ("mailchimp", "Email Address"), ("sendgrid", "email")):
        with (released / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert len({row[column] for row in csv.DictReader(file)}) == counted[0][0]


def test_relay_gets_each_email_once_and_the_rest_waits_for_its_hours(decided: Platform, tmp_path: Path) -> None:
    platform = copied(decided, tmp_path)
    expected = platform.value("select count(*) from activation.send_list where as_of = $day", day=D2)
    inbox = Inbox()
    with relay(inbox) as to:
        environment = {**platform.environment(), "HOLDFAST_SMTP_URL": f"smtp://shop:s3cret@127.0.0.1:{to.port}"}
        command = ("release", "--date", str(D2), "--allow-past", "--to", "smtp")
        refused = call(command, environment=environment, cwd=ROOT, log=platform.home, timeout=500)
        environment["HOLDFAST_SMTP_URL"] = f"smtp://127.0.0.1:{to.port}"
        passes = [call(command, environment=environment, cwd=ROOT, log=platform.home, timeout=500) for _ in range(2)]
    # A relay that offers no login refuses ours: nothing is sent, and the password is said nowhere.
    assert refused.returncode == 1
    assert "s3cret" not in refused.stdout + refused.stderr
    assert [done.returncode for done in passes] == [0, 0], passes[0].stderr[-2000:]
    stands = dict(
        platform.query("select status, count(*) from activation.send_ledger where kind = 'send' group by status")
    )
    assert sum(stands.values()) == expected  # type: ignore[arg-type]
    assert set(stands) <= {"published", "claimed"}  # what is claimed is in its quiet hours, whatever the time is now
    assert len(inbox.recipients) == len(set(inbox.recipients)) == stands.get("published", 0)
    assert "s3cret" not in "".join(
        path.read_text(errors="replace") for path in (platform.home / "dagster").rglob("*.log")
    )
    assert "was released to smtp" in platform.fails("release", "--date", str(D2), "--allow-past", "--to", "files")


def check_chain(platform: Platform, day: date, released: int) -> None:
    """The KPI chain counts what was released and what the files say became of it, email by email."""
    [(monday,)] = platform.query("select cast(date_trunc('week', $day::date) as date)", day=day)
    totals = (
        "select sum(sent), sum(delivered), sum(human_opens), sum(human_clicks), sum(bounces) from measurement.kpi_chain"
    )
    [chain] = platform.query(
        f"{totals} where as_of = $day and week_starts_on = $monday and dimension = 'everyone'", day=day, monday=monday
    )
    counted = """
    with emails as (
        select
            mailbox_hash, message_id, any_value(decision_id) as decision_id, min(occurred_on) as sent_on,
            bool_or(event = 'bounced') as is_bounced, bool_or(event = 'delivered') as is_accepted,
            bool_or(event = 'opened' and is_human) as is_opened, bool_or(event = 'clicked' and is_human) as is_clicked,
            bool_or(event in ('opened', 'clicked') and is_human or event in ('complained', 'unsubscribed')) as is_answered
        from intermediate.int_email_events__unioned
        left join (select event_key, is_human from intermediate.int_email_engagement__classified) using (event_key)
        group by mailbox_hash, message_id
        having bool_or(event in ('delivered', 'bounced', 'blocked') or decision_id not like 'legacy-%')
    )
    select
        count(*) filter (where decision_id like 'legacy-%'),
        count(*) filter (where is_answered or (is_accepted and not is_bounced)), count(*) filter (where is_opened),
        count(*) filter (where is_clicked), count(*) filter (where is_bounced)
    from emails where sent_on >= $monday
    """
    [(legacy, *rest)] = platform.query(counted, monday=monday)
    assert chain == (released + int(str(legacy)), *rest)
    assert rest[1] > 0


def check_health(platform: Platform, day: date, released: int) -> None:
    """Breakers are judged by every email that was released, and by what the files say became of it."""
    counts = "sum(sent_count), sum(delivered_count), sum(bounce_count), sum(complaint_count)"
    [health] = platform.query(f"select {counts} from marts.send_health where as_of = $day", day=day)
    told = """
    with emails as (
        select
            decision_id, bool_or(event = 'bounced') as is_bounced, bool_or(event = 'complained') as is_complained,
            bool_or(event in ('opened', 'clicked', 'complained', 'unsubscribed')) as is_reached,
            bool_or(event = 'delivered') as is_accepted
        from intermediate.int_email_events__unioned
        where decision_id in (select decision_id from activation.send_decisions)
        group by decision_id
    )
    select
        count(*) filter (where is_reached or (is_accepted and not is_bounced)),
        count(*) filter (where is_bounced and not is_reached), count(*) filter (where is_complained)
    from emails
    """
    assert health == (released, *platform.query(told)[0])
    by_variant = """
    with shown as (
        select decision_id, flow, unnest(json_keys(block_choices)) as block, block_choices
        from activation.send_decisions
        where idempotency_key in (select idempotency_key from activation.send_ledger where kind = 'send')
    )
    select flow, block, json_extract_string(block_choices, '$.' || block || '.variant') as variant, count(*)
    from shown group by all order by all
    """
    counted = "select flow, block, variant, sum(sent_count) from marts.variant_health where as_of = $day group by all order by all"
    assert platform.query(counted, day=day) == platform.query(by_variant)
    [shown] = platform.query(
        f"select {counts} from marts.variant_health where as_of = $day and block = 'call_to_action'", day=day
    )
    assert shown == health  # every email has one
    judged = "select metric, sum(email_count) from activation.breaker_states where as_of = $day group by metric"
    delivered, bounced = int(str(health[1])), int(str(health[2]))
    assert dict(platform.query(judged, day=day)) == {
        "bounces": delivered + bounced, "complaints": delivered, "unsubscribes": delivered,
    }  # fmt: skip


def test_concurrent_runs_queue_for_the_warehouse(shop: Path, holdfast: Callable[..., Platform], tmp_path: Path) -> None:
    first, second = START + timedelta(days=9), START + timedelta(days=10)
    platform = holdfast("concurrent", cut(shop, tmp_path / "landing", second))
    processes = [platform.start("run", "--date", str(day)) for day in (first, second)]
    ends = [(process.communicate(timeout=500), process.returncode) for process in processes]
    assert [code for _, code in ends] == [0, 0], ends
    days = platform.query("select distinct as_of from marts.dim_customers order by as_of")
    assert days == [(first,), (second,)]
