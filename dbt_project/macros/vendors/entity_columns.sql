{#- What a vendor may say of each entity: the columns of its `stg_<vendor>__<entity>` models (docs/adding-a-vendor.md).
    Keys start with the vendor's name; times are UTC; emails and phones are normalised. -#}
{% macro entity_columns(entity) -%}
    {%- set times = 'created_at timestamp, updated_at timestamp' -%}
    {%- set entities = {
        'profiles':
            'landed_on date, profile_key varchar, email varchar, phone varchar, user_id varchar, first_name varchar, '
            ~ 'last_name varchar, date_of_birth varchar, address varchar, postcode varchar, city varchar, region varchar, '
            ~ 'country varchar, company varchar, '
            ~ 'timezone varchar, ' ~ times,
        'identifiers':
            'landed_on date, profile_key varchar, email varchar, phone varchar, user_id varchar, device varchar, '
            ~ 'alias varchar',
        'orders':
            'landed_on date, order_key varchar, profile_key varchar, email varchar, phone varchar, user_id varchar, '
            ~ 'ordered_at timestamp, updated_at timestamp, closed_at timestamp, status varchar, '
            ~ 'payment_status varchar, fulfillment_status varchar, is_refund_pending boolean, currency varchar, '
            ~ 'total_amount decimal(18,2), discount_amount decimal(18,2), tax_amount decimal(18,2), '
            ~ 'shipping_amount decimal(18,2), is_renewal boolean, is_test boolean',
        'order_lines':
            'landed_on date, order_key varchar, line_number integer, product_key varchar, category varchar, '
            ~ 'quantity integer, unit_price decimal(18,4)',
        'order_refunds':
            'landed_on date, order_key varchar, refunded_at timestamp, refund_amount decimal(18,2)',
        'products':
            'landed_on date, product_key varchar, title varchar, category varchar, price decimal(18,2), '
            ~ 'currency varchar, stock integer, is_active boolean, updated_at timestamp',
        'rates':
            'landed_on date, rate_on date, currency varchar, to_currency varchar, rate double',
        'web_events':
            'landed_on date, event_key varchar, event varchar, occurred_at timestamp, received_at timestamp, '
            ~ 'profile_key varchar, email varchar, product_key varchar, cart_id varchar, device_type varchar',
        'email_events':
            'landed_on date, event_key varchar, event varchar, occurred_at timestamp, email varchar, '
            ~ 'message_id varchar, decision_id varchar, flow varchar, step varchar, arm varchar, url varchar, '
            ~ 'user_agent varchar, is_machine boolean, reason varchar',
        'tickets':
            'landed_on date, ticket_key varchar, profile_key varchar, email varchar, status varchar, '
            ~ 'priority varchar, satisfaction varchar, ' ~ times,
        'consents':
            'landed_on date, evidence_id varchar, email varchar, channel varchar, topic varchar, statement varchar, '
            ~ 'is_affirmative boolean, legal_basis varchar, occurred_at timestamp',
        'assignments':
            'landed_on date, experiment varchar, profile_key varchar, email varchar, arm varchar, '
            ~ 'planned_share double, assigned_at timestamp, exposed_at timestamp, ghost_at timestamp',
    } -%}
    {%- set columns = [] -%}
    {%- for column in entities[entity].split(', ') -%}
        {%- set name, type = column.split(' ') -%}
        {%- do columns.append({'name': name, 'type': type}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
