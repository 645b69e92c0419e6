"""Maps the Online Retail export to the plain files: python docs/examples/online_retail.py FILE LANDING."""

import sys
from pathlib import Path

import duckdb

warehouse, (file, landing) = duckdb.connect(), sys.argv[1:]
# Times stay naive: they are London's, and HOLDFAST_TIMEZONE=Europe/London says so to the platform. Ids were floats somewhere once.
warehouse.execute("create table raw as from read_csv(?, all_varchar = true)", [file])
warehouse.execute("""create table lines as select rowid as position, InvoiceNo as order_id, cast(InvoiceDate as timestamp) as written_at,
    min(cast(InvoiceDate as timestamp)) over (partition by InvoiceNo) as ordered_at, cast(ordered_at as date) as landed_on,
    cast(cast(cast(CustomerID as double) as bigint) as varchar) as profile_id, StockCode as product_id, Description as description,
    cast(cast(Quantity as double) as bigint) as quantity, cast(UnitPrice as decimal(18, 4)) as unit_price, Country as country from raw""")
Path(landing, "plain").mkdir(parents=True, exist_ok=True)
queries = {
    "order_lines": """select landed_on, order_id, row_number() over (partition by order_id order by position) as line_number,
        product_id, description, null::varchar as category, quantity, unit_price from lines order by landed_on, position""",
    "orders": """select any_value(landed_on) as landed_on, order_id, any_value(profile_id) as profile_id, null::varchar as email,
        any_value(ordered_at) as ordered_at, max(written_at) as updated_at, 'paid' as status, 'GBP' as currency,
        cast(sum(quantity * unit_price) as decimal(18, 2)) as total_amount from lines group by order_id order by landed_on, order_id""",
    "profiles": """select min(landed_on) as landed_on, profile_id, arg_min(country, position) as country, min(ordered_at) as created_at,
        min(ordered_at) as updated_at from lines where profile_id is not null group by profile_id order by landed_on, profile_id""",
    "products": """select min(landed_on) as landed_on, product_id, arg_min(description, position) as title,
        arg_min(unit_price, position) as price, 'GBP' as currency, min(ordered_at) as updated_at
        from lines group by product_id order by landed_on, product_id""",
}
for name, query in queries.items():
    target = f"'{landing}/plain/{name}' (format parquet, partition_by (landed_on), overwrite_or_ignore)"
    warehouse.execute(f"copy ({query}) to {target}")
