"""Maps Hillstrom's email test to the plain files: python docs/examples/hillstrom.py FILE LANDING."""

import sys
from pathlib import Path

import duckdb

warehouse, (file, landing) = duckdb.connect(), sys.argv[1:]
warehouse.execute("create table raw as from read_csv(?, all_varchar = true)", [file])
# No id in the file: the row number is the person, and equal rows stay different people. The file tells visits and orders of the
# two weeks after the mailing without their day: the row number spreads them over days 1 to 13.
warehouse.execute("""create table people as select cast(rowid + 1 as varchar) as profile_id, timestamp '2008-03-20 09:00' as mailed_at,
    segment = 'Womens E-Mail' as is_mailed, mailed_at + to_days(cast(1 + rowid % 13 as integer)) as visited_at, visit = '1' as has_visited,
    cast(spend as decimal(18, 2)) as total_amount from raw""")
Path(landing, "plain").mkdir(parents=True, exist_ok=True)
queries = {
    "profiles": """select cast(mailed_at as date) as landed_on, profile_id, mailed_at - interval 1 hour as created_at,
        mailed_at - interval 1 hour as updated_at from people""",
    "assignments": """select cast(mailed_at as date) as landed_on, 'womens_email' as experiment, profile_id,
        if(is_mailed, 'womens_email', 'no_email') as arm, mailed_at as assigned_at, 0.5::double as planned_share,
        if(is_mailed, mailed_at, null) as exposed_at, if(is_mailed, null, mailed_at) as ghost_at from people""",
    "web_events": """select cast(visited_at as date) as landed_on, 'visit-' || profile_id as event_id, 'Page Viewed' as event,
        visited_at as occurred_at, visited_at as received_at, profile_id from people where has_visited""",
    "orders": """select cast(visited_at as date) as landed_on, 'order-' || profile_id as order_id, profile_id,
        visited_at + interval 1 hour as ordered_at, ordered_at as updated_at, 'paid' as status, 'USD' as currency, total_amount,
        false as is_renewal, false as is_test from people where total_amount > 0""",
}
for name, query in queries.items():
    target = f"'{landing}/plain/{name}' (format parquet, partition_by (landed_on), overwrite_or_ignore)"
    warehouse.execute(f"copy ({query}) to {target}")
