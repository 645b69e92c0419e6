{{ config(enabled=is_enabled('plain')) }}

with landed as (
    select * from {{ landing_rows('plain', 'rates') }}
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        concat_ws(chr(31), rate_on, upper(currency), upper(to_currency)) as row_key,
        rate_on as rate_on_text,
        try_cast(rate_on as date) as rate_on,
        {{ currency('currency') }},
        {{ currency('to_currency') }},
        {{ number('rate', 'double') }},
        cast(landed_on as timestamp) as delivered_at
    from landed
),

with_status as (
    {{ with_row_status('typed', [
        missing('rate_on_text'),
        missing('currency_text'),
        missing('to_currency_text'),
        missing('rate_text'),
        rule('bad_date', 'rate_on is null', 'rate_on is no date'),
        rule('no_currency', 'currency is null or to_currency is null', 'currency is no ISO code'),
        no_number('rate'),
        rule('rate_not_positive', 'not (isfinite(rate) and rate > 0)', 'a rate is a number above 0'),
    ], version_at='delivered_at') }}
)

select * from with_status
