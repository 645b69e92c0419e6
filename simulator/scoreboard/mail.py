"""The emails that the platform stands for: what it released by a day, and what it listed for the day."""

from datetime import date

import duckdb

# A listed email that was released is one email.
MAIL = """
create or replace temp table platform_mail as
with released as (
    select idempotency_key, as_of, send_date, mailbox_hash, customer_id, flow, true as is_released
    from activation.send_ledger
    where kind = 'send' and as_of <= $day
),
listed as (
    select idempotency_key, as_of, send_date, mailbox_hash, customer_id, flow, false as is_released
    from activation.send_list
    where as_of = $day
)
select * from released
union all
select listed.* from listed anti join released using (idempotency_key)
"""


def gather_mail(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    """Fill the temporary table `platform_mail`: one row per email released by a day or listed for it."""
    connection.execute(MAIL, {"day": day})
