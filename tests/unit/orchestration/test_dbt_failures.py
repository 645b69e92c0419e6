"""A dbt node that fails is told in one line that says what to do."""

from types import SimpleNamespace

import pytest

from orchestration.dbt import DbtFailed, dagster_events

OTHER_COLUMNS = """Compilation Error in model base_shop__orders (models/base_shop__orders.sql)

                The source and target schemas on this incremental model are out of sync!
                They can be reconciled in several ways:
"""


def failed(name: str, message: str) -> SimpleNamespace:
    kind, status = SimpleNamespace(value="model"), SimpleNamespace(value="error")
    return SimpleNamespace(node=SimpleNamespace(name=name, resource_type=kind), status=status, message=message)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Runtime Error in model a\n  out of paper\n", "2 dbt nodes failed, first one: Runtime Error in model a"),
        (OTHER_COLUMNS, "2 dbt nodes failed, first one: its table .* another version .* delete warehouse.duckdb"),
    ],
)
def test_the_first_fault_is_told_in_one_line(message: str, said: str) -> None:
    with pytest.raises(DbtFailed, match=said) as told:
        list(dagster_events([failed("one", message), failed("other", "Database Error")], {}))

    assert "\n" not in str(told.value)
