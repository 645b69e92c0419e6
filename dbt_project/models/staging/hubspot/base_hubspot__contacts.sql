{{ config(enabled=is_enabled('hubspot')) }}

with landed as (
    select * from {{ landing_rows('hubspot', 'contacts') }}
),

-- One property per subscription type (`hs_email_optout_<id>`): a portal names its own, so they are read from the raw row.
with_topics as (
    select
        *,
        list_filter(
            json_keys(case when is_parsed then coalesce(json_extract(raw, '$.properties'), raw) end),
            lambda key: regexp_matches(key, '^hs_email_optout_[0-9]+$') and lower(trim(coalesce(
                json_extract_string(raw, '$."' || key || '"'), json_extract_string(raw, '$.properties."' || key || '"')
            ))) = 'true'
        ) as optout_properties
    from landed
),

typed as (
    select
        landed_on, file, row_number, raw, is_parsed,
        hs_object_id as row_key,
        hs_object_id as contact_id,
        {{ address('email') }},
        {{ split_list('hs_additional_emails') }} as additional_emails,
        {{ split_list('hs_merged_object_ids') }} as merged_ids,
        {{ normalise_phone('phone', 'country') }} as phone,
        {{ normalise_name('firstname') }} as first_name,
        {{ normalise_name('lastname') }} as last_name,
        address,
        zip as postcode,
        city,
        {{ normalise_country('country') }} as country,
        company,
        replace(lower(hs_timezone), '_slash_', '/') as timezone_name,
        lifecyclestage as lifecycle_stage,
        {{ flag('hs_email_optout') }} as has_opted_out,
        list_transform(optout_properties, lambda key: replace(key, 'hs_email_optout_', '')) as optout_topics,
        hs_email_hard_bounce_reason_enum as hard_bounce_reason,
        hs_legal_basis as legal_basis,
        {{ instant('created_at', 'createdate') }},
        {{ version_instant('updated_at', 'coalesce(lastmodifieddate, createdate)') }}
    from with_topics
),

with_status as (
    {{ with_row_status('typed', [
        missing('contact_id'),
        impossible_time('created_at'),
        impossible_time('updated_at'),
    ], version_at='updated_at') }}
)

select * from with_status
