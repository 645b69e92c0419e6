"""`holdfast compare-identity` tells what the probabilistic pass would do, and does nothing."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.pipeline.conftest import Platform
from tests.pipeline.test_identity_guard import land
from tests.unit.duplicates import plant_duplicates

DAY = "2025-03-01"
PERSONAL = ("first_name", "last_name", "date_of_birth", "postcode")


def test_comparison_counts_both_identities_names_nobody_and_changes_nothing(
    holdfast: Callable[..., Platform], tmp_path: Path
) -> None:
    people = plant_duplicates(90).profiles.drop(["customer_id", "source"]).to_pylist()
    landing = tmp_path / "landing"
    rows = ({"profile_id": person.pop("profile_key").replace(":", "-")} | person for person in map(dict, people))
    land(landing, "profiles", DAY, rows)
    platform = holdfast("comparing", landing)
    assert "not solved yet" in platform.fails("compare-identity", "--date", DAY)
    platform.ok("run", "--date", DAY)
    kept = platform.query("from marts.identity_map order by all")
    told = platform.ok("compare-identity", "--date", DAY)
    [proposals] = re.findall(r"^(\d+) proposals among", told, re.MULTILINE)
    without, joined = map(int, re.findall(r"^\| customers \| (\d+) \| (\d+) \|", told, re.MULTILINE)[0])
    assert without == len(people)
    assert without - joined == int(proposals) > 30
    assert platform.query("from marts.identity_map order by all") == kept
    assert platform.query("from ml.identity_matches") == []
    words = set(re.findall(r"[\w-]+", told))
    assert not words & {str(person[name]) for person in people for name in PERSONAL}
