"""Refused rows are listed, and a repaired file brings them back once; a shared mailbox is not one person's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import Platform

DAY, NEXT = "2025-03-03", "2025-03-04"
ORDERS = f"plain/orders/landed_on={DAY}/orders.csv"
HEADER = "order_id,profile_id,email,ordered_at,updated_at,status,currency,total_amount\n"
SHARED = "info@shared.example"


def order(number: int, amount: str, at: str = "2025-03-03T10:00:00Z") -> str:
    return f"o{number},p{number},person{number}@example.com,{at},{at},paid,EUR,{amount}\n"


OTHERS = "".join(order(number, "5.00") for number in range(100, 190))


@pytest.fixture(scope="module")
def platform(holdfast: Callable[..., Platform], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Three orders, two of them refused, among ninety that are not; seven people who share a mailbox."""
    landing = tmp_path_factory.mktemp("refused") / "landing"
    orders = landing / ORDERS
    orders.parent.mkdir(parents=True)
    orders.write_text(
        HEADER + order(1, "10.00") + order(2, "twenty") + order(3, "30.00", "2199-01-01T00:00:00Z") + OTHERS
    )
    profiles = landing / "plain" / "profiles" / f"landed_on={DAY}" / "profiles.csv"
    profiles.parent.mkdir(parents=True)
    people = "".join(
        f"s{number}{kind},{email},First{number},Last{number},Street {number},u{number}\n"
        for number in range(7)
        for kind, email in (("own", f"own{number}@example.com"), ("shared", SHARED))
    )
    profiles.write_text("profile_id,email,first_name,last_name,address,user_id\n" + people)
    made = holdfast("refused", landing)
    made.ok("run", "--date", DAY)
    return made


@pytest.fixture(scope="module")
def repaired(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repaired orders, readmitted and staged."""
    path = tmp_path_factory.mktemp("repaired") / "repaired.csv"
    path.write_text(HEADER + order(2, "20.00") + order(3, "30.00"))
    platform.ok("quarantine", "readmit", str(path), "--as", "plain/orders", "--for", ORDERS, "--on", NEXT)
    platform.ok("run", "--date", NEXT)
    return path


def test_refused_rows_are_listed_and_shown(platform: Platform) -> None:
    listed = platform.ok("quarantine").splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        ["plain/orders", "impossible_time", "1"],
        ["plain/orders", "not_a_number", "1"],
    ]
    shown = platform.ok("quarantine", "--rule", "not_a_number", "--show")
    assert f"{ORDERS}:2" in shown
    assert '"total_amount":"twenty"' in shown
    assert "impossible_time" not in shown
    assert platform.ok("quarantine", "--date", "2025-03-09").strip() == "nothing is quarantined"


def test_readmission_that_cannot_be_meant_is_refused(platform: Platform, tmp_path: Path) -> None:
    short = tmp_path / "short.csv"
    short.write_text(HEADER + order(2, "20.00"))
    call = ["quarantine", "readmit", str(short), "--as", "plain/orders", "--for"]
    assert "--row" in platform.fails(*call, ORDERS)
    assert "no row of" in platform.fails(*call, ORDERS.replace("orders.csv", "other.csv"))
    assert "vendor/object" in platform.fails("quarantine", "readmit", str(short), "--as", "shop", "--for", ORDERS)
    unrepaired = tmp_path / "same.csv"
    unrepaired.write_bytes((platform.landing / ORDERS).read_bytes())
    assert "repair it first" in platform.fails(*call[:2], str(unrepaired), *call[3:], ORDERS)


def test_repaired_rows_are_staged_and_reconcile(platform: Platform, repaired: Path) -> None:
    assert repaired.exists()
    staged = platform.query(
        "select order_id, total_amount from staging.base_plain__orders"
        " where row_status = 'staged' and order_id in ('o1', 'o2', 'o3') order by order_id"
    )
    assert [(key, float(str(amount))) for key, amount in staged] == [("o1", 10.0), ("o2", 20.0), ("o3", 30.0)]
    marked = platform.query("select row_number, readmitted_as is not null, rule from quarantine.rows order by 1")
    assert marked == [(2, True, "not_a_number"), (3, True, "impossible_time")]
    assert platform.ok("quarantine", "--show").count("; readmitted 20") == 2


def test_same_content_or_same_rows_come_back_once(platform: Platform, repaired: Path, tmp_path: Path) -> None:
    call = ["--as", "plain/orders", "--for", ORDERS, "--on", NEXT]
    assert "was readmitted on" in platform.fails("quarantine", "readmit", str(repaired), *call)
    other = tmp_path / "other.csv"
    other.write_text(HEADER + order(2, "21.00") + order(3, "31.00"))
    assert "readmitted before" in platform.fails("quarantine", "readmit", str(other), *call)


def test_marks_survive_a_lost_warehouse(platform: Platform, repaired: Path) -> None:
    marks = "select file, row_number, readmitted_at, readmitted_as from quarantine.rows order by all"
    assert repaired.exists()
    before = platform.query(marks)
    (platform.home / "warehouse.duckdb").unlink()
    platform.ok("run", "--date", NEXT)
    assert platform.query(marks) == before


def test_shared_mailbox_is_erased_for_nobody(platform: Platform, repaired: Path) -> None:
    assert repaired.exists()
    line = platform.fails("erase", SHARED, "--dry-run")
    assert "customers share this address" in line
    platform.ok("erase", "own3@example.com", "--yes")
    profiles = next((platform.landing / "plain" / "profiles").glob("*/*.csv")).read_text()
    assert profiles.count(SHARED) == 6
    assert "Street 3" not in profiles
    assert "Last3" not in profiles
    platform.ok("run", "--date", NEXT)
    bearers = "select count(*) from intermediate.int_profile_sightings__unioned where email = $email"
    assert platform.value(bearers, email=SHARED) == 6
