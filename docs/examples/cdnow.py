"""Maps CDNOW's sample of customers to the plain files: python docs/examples/cdnow.py FILE LANDING."""

import sys
from pathlib import Path

import duckdb

warehouse, (file, landing) = duckdb.connect(), sys.argv[1:]
warehouse.execute(
    "create table raw as from read_csv(?, header = false, sep = '\\0', columns = {'line': 'varchar'})", [file]
)
# A line is the customer's number in all the data and in the sample, the day, the number of CDs and the amount. It has no order id and
# no time of day: the line number is the order.
warehouse.execute("""create table purchases as
    with fields as (select rowid, string_split_regex(trim(line), '\\s+') as field from raw)
    select 'order-' || rowid as order_id, field[2] as profile_id, strptime(field[3], '%Y%m%d') + interval 12 hour as ordered_at,
        cast(field[5] as decimal(18, 2)) as total_amount
    from fields""")
Path(landing, "plain").mkdir(parents=True, exist_ok=True)
queries = {
    "profiles": """select cast(min(ordered_at) as date) as landed_on, profile_id, min(ordered_at) as created_at,
        min(ordered_at) as updated_at from purchases group by profile_id order by landed_on, profile_id""",
    "orders": """select cast(ordered_at as date) as landed_on, order_id, profile_id, ordered_at, ordered_at as updated_at,
        'paid' as status, 'USD' as currency, total_amount, false as is_renewal, false as is_test
        from purchases order by landed_on, order_id""",
}
for name, query in queries.items():
    target = f"'{landing}/plain/{name}' (format parquet, partition_by (landed_on), overwrite_or_ignore)"
    warehouse.execute(f"copy ({query}) to {target}")
