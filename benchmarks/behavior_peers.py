"""The same 28 windows and 2 ages from raw rows in polars and in pandas, and RFM in pymc-marketing; a script of its own.

It knows nothing of the project, so that any interpreter that has the library can run it: PEER FOLDER DAY. Reads FOLDER/*.parquet, writes
FOLDER/<peer>.parquet and prints what it cost as JSON.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

SPANS = (7, 28, 90, 365)
VIEWS = {"product_views": "Product Viewed", "carts": "Product Added"}
ANSWERS = {"human_opens": "opened", "human_clicks": "clicked"}


def by_polars(folder: Path, day: date) -> None:
    """Lazily, on the streaming engine: each kind of row is added up by profile, and then by customer."""
    import polars as pl  # type: ignore[import-not-found,unused-ignore]

    def known(name: str) -> Any:
        rows = pl.scan_parquet(folder / f"{name}.parquet")
        return rows.filter((pl.col("landed_on") <= day) & (pl.col("occurred_on") <= day))

    def young(span: int) -> Any:
        return pl.col("occurred_on") > day - timedelta(days=span)

    def counted(names: dict[str, str]) -> list[Any]:
        return [
            ((pl.col("event") == event) & young(span)).sum().alias(f"{name}_{span}")
            for name, event in names.items() for span in SPANS
        ]  # fmt: skip

    owners = pl.scan_parquet(folder / "identity_map.parquet").filter(
        (pl.col("valid_from") <= day) & (pl.col("valid_to") > day)
    )
    owners = owners.select("profile_key", "customer_id")

    def of_customers(by_profile: Any, last: str | None = None) -> Any:
        columns = [name for name in by_profile.collect_schema().names() if name not in {"profile_key", last}]
        sums = [pl.col(name).sum() for name in columns] + ([pl.col(last).max()] if last else [])
        return by_profile.join(owners, on="profile_key").group_by("customer_id").agg(sums)

    web = known("web").group_by("profile_key").agg(*counted(VIEWS), pl.col("occurred_on").max().alias("last_web_on"))
    delivered = known("emails").group_by("profile_key").agg(counted({"emails_delivered": "delivered"}))
    answers = known("answers").filter(pl.col("is_human")).group_by("profile_key").agg(counted(ANSWERS))
    days = known("orders").join(owners, on="profile_key").group_by("customer_id", "occurred_on")
    orders = days.agg(pl.col("net_cents").sum()).group_by("customer_id")
    orders = orders.agg(
        *[((pl.col("net_cents") > 0) & young(span)).sum().alias(f"order_days_{span}") for span in SPANS],
        *[pl.col("net_cents").filter(young(span)).sum().alias(f"net_cents_{span}") for span in SPANS],
        pl.col("occurred_on").filter(pl.col("net_cents") > 0).max().alias("last_order_on"),
    )
    found = owners.select("customer_id").unique()
    for part in (orders, of_customers(web, "last_web_on"), of_customers(delivered), of_customers(answers)):
        found = found.join(part, on="customer_id", how="left")
    found.collect(engine="streaming").write_parquet(folder / "polars.parquet")


def by_pandas(folder: Path, day: date) -> None:
    """In memory: a marker column for each window, added up by customer."""
    import pandas as pd

    def known(name: str) -> Any:
        rows = pd.read_parquet(folder / f"{name}.parquet", dtype_backend="pyarrow")
        rows = rows[(rows["landed_on"] <= day) & (rows["occurred_on"] <= day)]
        return rows.merge(owners, on="profile_key").drop(columns=["profile_key", "landed_on"])

    def young(rows: Any, span: int) -> Any:
        return rows["occurred_on"] > day - timedelta(days=span)

    def counted(rows: Any, names: dict[str, str]) -> Any:
        marks = {
            f"{name}_{span}": ((rows["event"] == event) & young(rows, span)).to_numpy(dtype="int8")
            for name, event in names.items() for span in SPANS
        }  # fmt: skip
        return pd.DataFrame(marks).groupby(rows["customer_id"].to_numpy()).sum()

    owners = pd.read_parquet(folder / "identity_map.parquet", dtype_backend="pyarrow")
    owners = owners[(owners["valid_from"] <= day) & (owners["valid_to"] > day)][["profile_key", "customer_id"]]
    parts = [pd.DataFrame(index=owners["customer_id"].unique())]
    rows = known("web")
    parts += [counted(rows, VIEWS), rows.groupby("customer_id")["occurred_on"].max().rename("last_web_on")]
    parts += [counted(known("emails"), {"emails_delivered": "delivered"})]
    rows = known("answers")
    parts += [counted(rows[rows["is_human"]], ANSWERS)]
    days = known("orders").groupby(["customer_id", "occurred_on"])["net_cents"].sum().reset_index()
    for span in SPANS:
        within = days[young(days, span)]
        parts += [
            within[within["net_cents"] > 0].groupby("customer_id").size().rename(f"order_days_{span}"),
            within.groupby("customer_id")["net_cents"].sum().rename(f"net_cents_{span}"),
        ]
    parts += [days[days["net_cents"] > 0].groupby("customer_id")["occurred_on"].max().rename("last_order_on")]
    found = pd.concat([part.convert_dtypes(dtype_backend="pyarrow") for part in parts], axis=1)
    found.rename_axis("customer_id").reset_index().to_parquet(folder / "pandas.parquet")


def by_pymc_marketing(folder: Path, day: date) -> None:
    """Its summary of order days; they are given to it by customer, so it needs no identity."""
    import pandas as pd
    from pymc_marketing.clv.utils import rfm_summary  # type: ignore[import-not-found,unused-ignore]

    rows = pd.read_parquet(folder / "order_days.parquet")
    found = rfm_summary(
        rows, "customer_id", "occurred_on", monetary_value_col="net_amount",
        observation_period_end=pd.Timestamp(day), include_first_transaction=True,
    )  # fmt: skip
    found.to_parquet(folder / "pymc_marketing.parquet")


PEERS: dict[str, tuple[str, Callable[[Path, date], None]]] = {
    "polars": ("polars", by_polars),
    "pandas": ("pandas", by_pandas),
    "pymc_marketing": ("pymc_marketing.clv.utils", by_pymc_marketing),
}


def main(peer: str, folder: str, day: str) -> None:
    """Do the work of one peer; the import of its library is not counted."""
    library, work = PEERS[peer]
    __import__(library)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work(Path(folder), date.fromisoformat(day))
    after = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "seconds": time.perf_counter() - began,
        "processor_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mib": after.ru_maxrss / 1024,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main(*sys.argv[1:])
