{{ config(enabled=is_enabled('shopify')) }}

with landed as (
    select * from {{ landing_rows('shopify', 'orders') }}
),

-- The orders export (CSV) has one row per line item; an order's own cells are filled on its first row only.
export_rows as (
    select *, count(total_price) over (partition by file order by row_number) as order_number
    from (
        select
            file, row_number, name, id, financial_status, created_at, cancelled_at, total_price, total_discounts,
            lineitem_name, lineitem_sku, lineitem_quantity, lineitem_price
        from landed
        where coalesce(lineitem_name, lineitem_price) is not null
    )
),

export_orders as (
    select
        file,
        order_number,
        first(name order by row_number) as name,
        first(coalesce(id, name) order by row_number) as id,
        first(financial_status order by row_number) as financial_status,
        first(created_at order by row_number) as created_at,
        first(cancelled_at order by row_number) as cancelled_at,
        first(total_price order by row_number) as total_price,
        first(total_discounts order by row_number) as total_discounts,
        bool_or(try_cast(lineitem_quantity as integer) is null or try_cast(lineitem_price as double) is null) as has_bad_line,
        cast(to_json(list({
            'sku': lineitem_sku, 'name': lineitem_name, 'quantity': lineitem_quantity, 'price': lineitem_price
        } order by row_number)) as varchar) as line_items
    from export_rows
    where order_number > 0
    group by file, order_number
),

-- Every row of an order bears the order's cells, so that the rows of one order are refused or known together.
filled as (
    select
        landed.* replace (
            ltrim(coalesce(case when export_rows.file is null then landed.id else export_orders.id end), '''') as id,
            coalesce(export_orders.financial_status, landed.financial_status) as financial_status,
            coalesce(export_orders.created_at, landed.created_at) as created_at,
            coalesce(export_orders.cancelled_at, landed.cancelled_at) as cancelled_at,
            coalesce(export_orders.total_price, landed.total_price) as total_price,
            coalesce(export_orders.total_discounts, landed.total_discounts) as total_discounts,
            coalesce(landed.line_items, export_orders.line_items) as line_items,
            coalesce(landed.refunds, case
                when try_cast(landed.refunded_amount as double) > 0
                    then '[{"transactions":[{"amount":"' || landed.refunded_amount || '"}]}]'
            end) as refunds
        ),
        export_rows.file is not null as is_exported,
        export_rows.file is not null and landed.total_price is null as is_line,
        coalesce(export_orders.has_bad_line, false) as has_bad_line
    from landed
    left join export_rows on landed.file = export_rows.file and landed.row_number = export_rows.row_number
    left join export_orders on export_rows.file = export_orders.file
        and export_rows.order_number = export_orders.order_number
        and export_rows.name is not distinct from export_orders.name
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        id || case when is_line then chr(31) || row_number else '' end as row_key,
        id as order_id,
        is_line,
        has_bad_line,
        customer_id,
        {{ address('email', 'coalesce(email, contact_email, customer_email)') }},
        {{ normalise_phone('coalesce(phone, shipping_phone)', 'shipping_country') }} as phone,
        {{ normalise_name('coalesce(customer_first_name, shipping_first_name)') }} as first_name,
        {{ normalise_name('coalesce(customer_last_name, shipping_last_name)') }} as last_name,
        shipping_address,
        shipping_postcode,
        shipping_city,
        {{ normalise_country('shipping_country') }} as shipping_country,
        {{ instant('created_at', zone='UTC') }},
        {{ instant('processed_at', zone='UTC') }},
        {{ version_instant('updated_at', 'coalesce(updated_at, case when not is_exported then created_at end)', zone='UTC') }},
        {{ instant('cancelled_at', "coalesce(cancelled_at, case when try_cast(is_deleted as boolean) then updated_at end)", zone='UTC') }},
        coalesce(lower(financial_status), 'pending') as financial_status,
        lower(fulfillment_status) as fulfillment_status,
        {{ currency('currency') }},
        {{ number('total_price', 'decimal(18, 2)') }},
        {{ number('total_discounts', 'decimal(18, 2)') }},
        {{ number('total_tax', 'decimal(18, 2)') }},
        {{ number('total_shipping', 'decimal(18, 2)') }},
        {{ flag('test') }} as is_test,
        coalesce(regexp_matches(tags, '(^|,)\s*Subscription Recurring Order\s*(,|$)'), false) as is_renewal,
        source_name,
        cart_token,
        checkout_token,
        line_items,
        refunds
    from filled
),

with_status as (
    {{ with_row_status('typed', [
        missing('order_id'),
        missing('created_at_text'),
        impossible_time('created_at'),
        impossible_time('processed_at'),
        impossible_time('updated_at'),
        impossible_time('cancelled_at'),
        missing('total_price_text'),
        no_number('total_price'),
        no_number('total_discounts'),
        no_number('total_tax'),
        no_number('total_shipping'),
        negative('total_price'),
        rule('no_currency', 'currency_text is not null and currency is null', 'currency is no ISO code'),
        rule('not_a_number', 'has_bad_line', 'a line of the order has no quantity or no price'),
        unknown_value('financial_status', [
            'pending', 'authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded', 'voided', 'expired'
        ]),
    ], version_at='updated_at', content="concat(raw, line_items)") }}
)

select * from with_status
