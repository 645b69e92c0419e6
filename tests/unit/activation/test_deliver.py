"""Emails through a relay: each at most once, whatever happens to the relay, to the connection and to us."""

import os
import random
import signal
import sqlite3
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from activation.playbook.destinations import Smtp
from activation.release.attempts import record, statuses, waiting
from activation.release.claims import batch_of
from activation.release.deliver import Delivery, Pace, backlog, deliver
from activation.release.relay import Link, Relay, RelayRefusesUs, RelayUnreachable, parse_relay
from activation.release.release import ReleaseRefused, publish_delivered
from activation.state.erasure import Tombstone, forget_people
from activation.state.store import StateStore
from tests.unit.activation.relays import NOON, SENDER, Inbox, Watch, connect, only, relay, write
from tests.unit.activation.shop import DAY, Shop, people, recheck

ROOT = Path(__file__).resolve().parents[3]
NAMES = people("treatment", 5)
HELD = people("holdout", 1)[0]


class Certificate(NamedTuple):
    """Where it is, and a server's context with it."""

    path: Path
    context: ssl.SSLContext


def claimed_shop(shop: Shop, names: list[str]) -> Shop:
    """A day that is claimed for the relay."""
    for name in (*names, HELD):
        shop.customer(name)
        shop.trigger(name)
    shop.decide()
    shop.release(destination="smtp")
    return shop


@pytest.fixture
def claimed(shop: Shop) -> Shop:
    return claimed_shop(shop, NAMES)


def hand_over(shop: Shop, to: Relay, *, watch: Watch | None = None, **changes: Any) -> Delivery:
    arguments: dict[str, Any] = {
        "as_of": DAY, "write": write, "sender": SENDER.email, "connect": connect(to), "smtp": Smtp(), "run_id": "run_1",
        "clock": (watch or Watch()).clock, "until": NOON + timedelta(days=2),
    }  # fmt: skip
    return deliver(shop.state, **(arguments | changes))


def address(name: str) -> str:
    return f"{name}@shop.example"


def refusing(answers: dict[str, str], *, stage: str = "rcpt") -> Callable[[str, Any], str | None]:
    """Answers by recipient, at one stage."""
    return lambda at, envelope: answers.get(envelope.rcpt_tos[0]) if at == stage else None


def events_of(shop: Shop, name: str) -> list[tuple[str, int | None, str | None]]:
    with shop.state.transaction() as connection:
        return connection.execute(
            "select event, code, status_code from send_attempts join ledger using (idempotency_key)"
            " where customer_id = ? order by number",
            (name,),
        ).fetchall()


def test_everybody_is_mailed_once_and_a_second_pass_mails_nobody(claimed: Shop) -> None:
    inbox = Inbox()
    with relay(inbox) as to:
        first, second = hand_over(claimed, to), hand_over(claimed, to)
    assert sorted(inbox.recipients) == sorted(address(name) for name in NAMES)
    assert (first.accepted, second.accepted) == (5, 0)
    assert statuses(claimed.state, DAY) == {"published": 5}
    assert events_of(claimed, NAMES[0]) == [("begun", None, None), ("accepted", 250, "2.0.0")]


def test_headers_say_who_writes_how_to_leave_and_which_decision_it_was(claimed: Shop) -> None:
    inbox = Inbox()
    with relay(inbox) as to:
        hand_over(claimed, to)
    rows = {row["email"]: row for row in claimed.rows("activation.send_list")}
    for content, message in zip(inbox.contents, inbox.messages, strict=True):
        row = rows[message["To"].addresses[0].addr_spec]
        assert str(message["From"]) == "Shop Example <hello@shop.example>"
        assert message["Reply-To"] == "care@shop.example"
        assert message["Subject"] == row["subject"]
        assert message["Message-ID"] == f"<{row['decision_id']}@shop.example>"
        assert message["X-Decision-Id"] == row["decision_id"]
        assert message["List-Unsubscribe"] == row["list_unsubscribe"]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["Feedback-ID"] == "welcome_1:treatment:lifecycle:holdfast"
        assert message["Date"].datetime.replace(tzinfo=None) >= NOON
        assert "X-SMTPAPI" not in message
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
        assert ".A line that begins with a dot." in text.splitlines()
        assert "<p>.A line that begins with a dot.</p>" in html
        # One-click needs the link on one line as it is, not encoded and not folded (RFC 8058, RFC 2369).
        assert f"\r\nList-Unsubscribe: {row['list_unsubscribe']}\r\n".encode() in content


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_who_is_refused_for_good_is_settled_and_not_tried_again(claimed: Shop, stage: str) -> None:
    inbox = Inbox(refusing({address(NAMES[0]): "550 5.1.1 no such user ann@shop.example"}, stage=stage))
    with relay(inbox) as to:
        first = hand_over(claimed, to)
        second = hand_over(claimed, to)
    assert (first.accepted, dict(first.refused), dict(second.refused)) == (4, {"550 5.1.1": 1}, {})
    assert statuses(claimed.state, DAY) == {"published": 4, "settled": 1}
    assert events_of(claimed, NAMES[0])[-1] == ("refused", 550, "5.1.1")
    assert address(NAMES[0]) not in inbox.recipients


def test_who_is_deferred_is_tried_again_later_with_growing_waits(claimed: Shop) -> None:
    left = Counter({address(NAMES[0]): 2})
    watch = Watch()

    def busy(stage: str, envelope: Any) -> str | None:
        if stage == "data" and left[envelope.rcpt_tos[0]] > 0:
            left[envelope.rcpt_tos[0]] -= 1
            return "451 4.7.1 greylisted"
        return None

    inbox = Inbox(busy)
    with relay(inbox) as to:
        done = hand_over(claimed, to, watch=watch)
    assert (done.accepted, done.deferred, sorted(inbox.recipients)) == (5, 0, sorted(map(address, NAMES)))
    assert [event for event, *_ in events_of(claimed, NAMES[0])] == ["begun", "deferred"] * 2 + ["begun", "accepted"]
    assert timedelta(seconds=60 + 120) <= watch.time - NOON < timedelta(seconds=200)


def test_who_is_deferred_too_often_waits_for_the_next_run(claimed: Shop) -> None:
    inbox = Inbox(refusing({address(NAMES[0]): "452 4.2.2 mailbox full"}))
    with relay(inbox) as to:
        done = hand_over(claimed, to)
        assert (done.accepted, done.deferred) == (4, 1)
        assert statuses(claimed.state, DAY) == {"claimed": 1, "published": 4}
        inbox.answer = lambda _stage, _envelope: None
        assert hand_over(claimed, to).accepted == 1
    assert Counter(inbox.recipients) == Counter(map(address, NAMES))


def test_email_without_an_answer_is_in_doubt_and_never_tried_again(claimed: Shop) -> None:
    inbox = Inbox(refusing({address(NAMES[0]): "hang up"}, stage="data"))
    with relay(inbox) as to:
        first, second = hand_over(claimed, to), hand_over(claimed, to)
    assert (first.accepted, first.in_doubt, second.accepted, second.in_doubt) == (4, 1, 0, 0)
    assert statuses(claimed.state, DAY) == {"in_doubt": 1, "published": 4}
    assert Counter(inbox.recipients) == Counter(map(address, NAMES))
    assert [event for event, *_ in events_of(claimed, NAMES[0])] == ["begun", "lost"]


def test_relay_that_answers_nothing_any_more_stops_before_all_is_in_doubt(shop: Shop) -> None:
    claimed_shop(shop, people("treatment", 10))
    with relay(Inbox(lambda stage, _: "hang up" if stage == "data" else None)) as to:
        done = hand_over(shop, to)
    assert "not answered" in str(done.stopped)
    assert statuses(shop.state, DAY) == {"claimed": 7, "in_doubt": 3}


def test_relay_that_refuses_everybody_refuses_us(shop: Shop) -> None:
    claimed_shop(shop, people("treatment", 10))
    with relay(Inbox(lambda stage, _: "554 5.7.1 blocked" if stage == "rcpt" else None)) as to:
        done = hand_over(shop, to, smtp=Smtp(refusals_in_a_row=4))
    assert "refuse us" in str(done.stopped)
    assert statuses(shop.state, DAY) == {"claimed": 6, "settled": 4}


def test_refused_sender_stops_and_settles_nobody(claimed: Shop) -> None:
    with relay(Inbox(lambda stage, _: "550 5.7.1 not yours" if stage == "mail" else None)) as to:
        done = hand_over(claimed, to)
    assert done.stopped == "the relay refuses the sender (550 5.7.1)"
    assert statuses(claimed.state, DAY) == {"claimed": 5}


def test_relay_that_is_away_leaves_all_claimed(claimed: Shop) -> None:
    with relay(Inbox()) as to:
        pass
    watch = Watch()
    done = hand_over(claimed, to, watch=watch)
    assert done.stopped == "the relay cannot be reached (ConnectionRefusedError)"
    assert watch.slept == [60, 120, 240]
    assert statuses(claimed.state, DAY) == {"claimed": 5}


def test_row_whose_values_would_begin_headers_of_their_own_is_not_sent(claimed: Shop) -> None:
    evil = waiting(claimed.state, DAY)[0].row["email"]

    def injecting(row: Any, at: datetime) -> Any:
        return write({**row, "subject": "Hi\r\nBcc: all@evil.example"} if row["email"] == evil else row, at)

    inbox = Inbox()
    with relay(inbox) as to:
        done = hand_over(claimed, to, write=injecting)
    assert (done.accepted, dict(done.unwritten)) == (4, {"ValueError": 1})
    assert evil not in inbox.recipients
    assert b"evil.example" not in b"".join(inbox.contents)
    assert statuses(claimed.state, DAY) == {"claimed": 1, "published": 4}


@pytest.mark.parametrize(
    "address", ["a@b.co\r\nBcc: c@evil.example", "a@b.co>\r\nDATA", "a@b.co, c@evil.example", "a b@c.co"]
)
def test_address_can_name_one_mailbox_only(address: str) -> None:
    row = dict.fromkeys(("decision_id", "flow", "step", "arm", "list_unsubscribe", "list_unsubscribe_post"), "x")
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the parser says, no email comes of it
        write({**row, "email": address, "subject": "Hello"}, NOON)


def test_other_scripts_are_named_as_dns_knows_them_or_refused(claimed: Shop) -> None:
    first, second = (one.row["email"] for one in waiting(claimed.state, DAY)[:2])
    other = {first: "ann@bücher.example", second: "änne@shop.example"}

    def elsewhere(row: Any, at: datetime) -> Any:
        return write({**row, "email": other.get(row["email"], row["email"])}, at)

    inbox = Inbox()
    with relay(inbox) as to:
        done = hand_over(claimed, to, write=elsewhere)
    assert "ann@xn--bcher-kva.example" in inbox.recipients
    assert dict(done.refused) == {"553 5.6.7": 1}
    assert statuses(claimed.state, DAY) == {"published": 4, "settled": 1}


def test_emails_are_spaced_over_all_and_for_each_domain() -> None:
    watch = Watch()
    pace = Pace(watch.clock, Smtp(per_second=10, per_domain_per_second=2))
    sent: list[tuple[str, float]] = []
    for domain in ["a.example", "a.example", "b.example", "a.example", "c.example"]:
        pace.wait(domain)
        sent.append((domain, round((watch.time - NOON).total_seconds(), 6)))
    assert sent == [("a.example", 0), ("a.example", 0.5), ("b.example", 0.6), ("a.example", 1.0), ("c.example", 1.1)]


def test_quiet_hours_are_kept_and_said(claimed: Shop) -> None:
    night, morning = datetime.fromisoformat("2025-06-11T07:00"), datetime.fromisoformat("2025-06-11T09:00")
    inbox = Inbox()
    with relay(inbox) as to:
        done = hand_over(claimed, to, watch=Watch(night), until=night + timedelta(minutes=15))
        assert (done.accepted, inbox.recipients) == (0, [])
        left = backlog(claimed.state, DAY, now=night, allow_past=False)
        assert (left.ready, left.later, left.opens_at, left.missed) == (0, 5, morning, 0)
        early = Watch(morning - timedelta(minutes=1))
        assert hand_over(claimed, to, watch=early, until=morning + timedelta(minutes=5)).accepted == 0
        assert early.slept == []  # the warehouse is not held to wait for the morning
        assert hand_over(claimed, to, watch=Watch(morning), until=morning + timedelta(minutes=5)).accepted == 5


def test_hours_that_are_over_are_over_unless_a_past_list_may_be_sent(claimed: Shop) -> None:
    late = datetime.fromisoformat("2025-06-13T22:00")
    assert backlog(claimed.state, DAY, now=late, allow_past=False).missed == 5
    with relay(Inbox()) as to:
        assert hand_over(claimed, to, watch=Watch(late), until=late + timedelta(hours=9)).accepted == 0
        left = backlog(claimed.state, DAY, now=late, allow_past=True)
        assert (left.later, left.opens_at) == (5, datetime.fromisoformat("2025-06-14T09:00"))
        at_night = hand_over(claimed, to, watch=Watch(late), until=late + timedelta(hours=9), allow_past=True)
        morning = datetime.fromisoformat("2025-06-14T09:00")
        by_day = hand_over(claimed, to, watch=Watch(morning), until=morning + timedelta(hours=1), allow_past=True)
    assert (at_night.accepted, by_day.accepted) == (0, 5)


def test_pass_ends_when_the_recheck_is_too_old(claimed: Shop) -> None:
    watch = Watch()
    with relay(Inbox()) as to:
        done = hand_over(claimed, to, watch=watch, smtp=Smtp(per_second=0.01), until=NOON + timedelta(seconds=250))
    assert done.accepted == 3
    assert statuses(claimed.state, DAY) == {"claimed": 2, "published": 3}


def test_who_left_before_the_next_pass_is_withdrawn_and_who_was_mailed_stays(claimed: Shop) -> None:
    first = [one.row["email"].removesuffix("@shop.example") for one in waiting(claimed.state, DAY)]
    inbox = Inbox()
    with relay(inbox) as to:
        hand_over(claimed, to, smtp=Smtp(per_second=0.01), until=NOON + timedelta(seconds=150))
        assert len(inbox.recipients) == 2
        gone = dict.fromkeys((first[0], first[4]), "unsubscribed")  # one of them was mailed already
        summary = claimed.release(recheck(*first[1:4], HELD, **gone), destination="smtp", run_id="run_2")
        hand_over(claimed, to)
    assert Counter(inbox.recipients) == Counter(map(address, first[:4]))
    assert summary.dropped == {"send": {"now_unsubscribed": 1}}
    assert statuses(claimed.state, DAY) == {"published": 4, "settled": 1}


def test_released_folder_shows_whom_the_relay_has_and_can_not_be_imported(claimed: Shop) -> None:
    assert sorted(claimed.files()) == ["manifest.json", "send_list.parquet"]
    with relay(Inbox(refusing({address(NAMES[0]): "550 5.1.1 no"}))) as to:
        hand_over(claimed, to)
    batch = batch_of(claimed.state, DAY)
    assert batch is not None
    assert publish_delivered(claimed.state, batch, claimed.publish).rows == 4
    assert sorted(claimed.files()) == ["manifest.json", "send_list.parquet"]


@pytest.mark.parametrize(("first", "second"), [("files", "smtp"), ("smtp", "files")])
def test_batch_goes_to_one_place(shop: Shop, first: str, second: str) -> None:
    shop.customer(NAMES[0])
    shop.trigger(NAMES[0])
    shop.decide()
    shop.release(destination=first)
    with pytest.raises(ReleaseRefused, match=f"was released to {first}"):
        shop.release(destination=second)


def test_ghosts_of_an_smtp_batch_need_nothing_more(claimed: Shop) -> None:
    assert {row["status"] for row in claimed.ledger() if row["kind"] == "ghost"} == {"published"}


def test_of_two_who_begin_the_same_email_one_sends(claimed: Shop) -> None:
    [one, *_] = waiting(claimed.state, DAY)
    begun = [record(claimed.state, one.idempotency_key, "begun", at=NOON, run_id=run) for run in ("a", "b")]
    assert begun == [True, False]


def test_login_is_used_and_a_wrong_one_stops(claimed: Shop) -> None:
    options = {"authenticator": only("shop", "s3cret%"), "auth_required": True, "auth_require_tls": False}
    with relay(Inbox(), **options) as to:
        wrong = hand_over(claimed, replace(to, user="shop", password="guess"))  # noqa: S106
        right = hand_over(claimed, replace(to, user="shop", password="s3cret%"))  # noqa: S106
    assert wrong.stopped == "the relay refuses the login (535): check HOLDFAST_SMTP_URL"
    assert right.accepted == 5


def test_relay_without_a_login_refuses_ours(claimed: Shop) -> None:
    watch = Watch()
    with relay(Inbox()) as to:
        done = hand_over(claimed, replace(to, user="shop", password="s3cret"), watch=watch)  # noqa: S106
    assert "takes no login" in str(done.stopped)
    assert watch.slept == []
    assert statuses(claimed.state, DAY) == {"claimed": 5}


def test_password_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    from activation.release import relay as relay_module

    monkeypatch.setattr(relay_module, "LOOPBACK", frozenset())
    with relay(Inbox()) as to, pytest.raises(RelayRefusesUs, match="in the clear"):
        Link.connect(replace(to, user="shop", password="s3cret"))  # noqa: S106


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate of 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Certificate(folder / "cert.pem", context)


@pytest.mark.parametrize("is_tls", [False, True])
def test_emails_and_the_login_go_over_tls_to_a_relay_that_is_vouched_for(
    claimed: Shop, certificate: Certificate, monkeypatch: pytest.MonkeyPatch, is_tls: bool
) -> None:
    from activation.release import relay as relay_module

    monkeypatch.setattr(relay_module, "LOOPBACK", frozenset())  # as if it were far away: no password without TLS
    login = {"authenticator": only("shop", "s3cret"), "auth_required": True}
    tls = (
        {"ssl_context": certificate.context, "auth_require_tls": False}
        if is_tls
        else {"tls_context": certificate.context}
    )
    with relay(Inbox(), **login, **tls) as to:
        entered = replace(to, is_tls=is_tls, user="shop", password="s3cret")  # noqa: S106
        with pytest.raises(RelayUnreachable, match="SSLCertVerificationError"):
            Link.connect(entered)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        done = hand_over(claimed, entered)
    assert (done.accepted, done.stopped) == (5, None)


def test_erased_person_is_in_no_attempt_and_gets_nothing_any_more(claimed: Shop) -> None:
    first, second = (one.row["customer_id"] for one in waiting(claimed.state, DAY)[:2])
    inbox = Inbox()
    with relay(inbox) as to:
        hand_over(claimed, to, smtp=Smtp(per_second=0.01), until=NOON + timedelta(seconds=50))
        assert inbox.recipients == [address(first)]
        keys = {row["customer_id"]: row["idempotency_key"] for row in claimed.ledger()}
        for gone in (first, second):
            forget_people(claimed.state, {Tombstone("email", f"m_{gone}")}, salt="grain")
        hand_over(claimed, to)
    assert sorted(inbox.recipients) == sorted(address(name) for name in NAMES if name != second)
    with claimed.state.transaction() as connection:
        attempted = {key for (key,) in connection.execute("select idempotency_key from send_attempts")}
        known = {key for (key,) in connection.execute("select idempotency_key from ledger")}
    assert attempted <= known
    assert not attempted & {keys[first], keys[second]}


def test_attempts_can_be_neither_forgotten_nor_rewritten(claimed: Shop) -> None:
    with relay(Inbox()) as to:
        hand_over(claimed, to)
    for statement in ("delete from send_attempts", "update send_attempts set event = 'refused'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"), claimed.state.transaction() as connection:
            connection.execute(statement)


def test_relay_is_read_from_its_address_and_hides_its_password() -> None:
    to = parse_relay("smtp://shop%40example:p%3Aw@mail.example:2525")
    assert (to.host, to.port, to.is_tls, to.user, to.password) == ("mail.example", 2525, False, "shop@example", "p:w")
    assert "p:w" not in repr(to)
    assert (parse_relay("smtps://mail.example").port, parse_relay("smtp://mail.example").port) == (465, 587)
    for wrong in ("http://mail.example", "smtp://", "mail.example:25"):
        with pytest.raises(ValueError, match="must read smtp://"):
            parse_relay(wrong)


def test_nobody_listens_is_said() -> None:
    with relay(Inbox()) as to:
        pass
    with pytest.raises(RelayUnreachable, match="ConnectionRefusedError"):
        Link.connect(to)


def test_killed_at_random_points_nobody_is_mailed_twice_and_doubt_is_where_it_must_be(tmp_path: Path) -> None:
    names = people("treatment", 200)
    shop = Shop(StateStore(tmp_path / "state"))
    shop.fresh()
    claimed_shop(shop, names)
    chance = random.Random(7)  # noqa: S311 - the same faults at each run
    calls = Counter[str]()
    unanswered: set[str] = set()

    def kill_sometimes(stage: str, envelope: Any) -> str | None:
        """SIGKILL the sender while the relay has not answered yet."""
        calls[stage] += 1
        if chance.random() < 0.015:
            if stage == "data":
                unanswered.add(envelope.rcpt_tos[0])
            calls["kills"] += 1
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        return None

    inbox = Inbox(kill_sometimes)
    runs = 0
    with relay(inbox) as to:
        while statuses(shop.state, DAY).get("claimed", 0) and runs < 60:
            command = [sys.executable, "-m", "tests.unit.activation.delivering", str(tmp_path), str(to.port), str(DAY)]
            ended = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
            assert ended.returncode in {0, -signal.SIGKILL}
            runs += 1
    with shop.state.transaction() as connection:
        stands = dict(connection.execute("select customer_id, status from ledger where kind = 'send'"))
    assert calls["kills"] >= 5
    assert len(unanswered) >= 2
    assert set(inbox.recipients) == set(map(address, names))
    assert max(Counter(inbox.recipients).values()) == 1
    assert {address(name) for name, status in stands.items() if status == "in_doubt"} == unanswered
    assert {status for name, status in stands.items() if address(name) not in unanswered} == {"published"}
