-- A click needs no open: who reads without images is not seen to open.
select as_of, flow, dimension, cohort, week_starts_on
from {{ ref('kpi_chain') }}
where {{ in_window('as_of') }}
    and not (
        sent >= delivered
        and delivered >= human_opens
        and delivered >= human_clicks
        and human_clicks >= landings
        and landings >= conversions
        and (conversions > 0 or revenue = 0)
        and sent >= bounces
        and delivered >= complaints
        and delivered >= unsubscribes
    )
