"""The event log of a home is the stock storage's, whoever opens it."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration.event_log import OneConnectionEventLogStorage
from orchestration.resources import DAGSTER_YAML


@dg.asset
def number() -> int:
    """Materialised below."""
    return 7


def test_stock_storage_reads_what_ours_wrote_and_ours_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(DAGSTER_YAML)
    with dg.DagsterInstance.get() as ours:
        assert isinstance(ours.event_log_storage, OneConnectionEventLogStorage)
        first = dg.materialize([number], instance=ours)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.get() as stock:
        assert not isinstance(stock.event_log_storage, OneConnectionEventLogStorage)
        latest = stock.get_latest_materialization_event(dg.AssetKey("number"))
        assert latest is not None
        assert latest.run_id == first.run_id
        second = dg.materialize([number], instance=stock)
    (tmp_path / "dagster.yaml").write_text(DAGSTER_YAML)
    with dg.DagsterInstance.get() as ours:
        records = ours.fetch_materializations(dg.AssetKey("number"), limit=10).records
    assert [record.run_id for record in records] == [second.run_id, first.run_id]
