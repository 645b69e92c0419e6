-- depends_on: {{ source('plain', 'profiles') }}
with landed as (
    select * from {{ landing_rows('plain', 'profiles') }}
),

typed as (
    select
        landed_on,
        file,
        row_number,
        raw,
        is_parsed,
        profile_id as row_key,
        profile_id,
        {{ normalise_email('email') }} as email,
        {{ normalise_phone('phone') }} as phone,
        user_id,
        first_name,
        last_name,
        address,
        postcode,
        city,
        country,
        company,
        timezone,
        {{ parse_instant('created_at') }} as created_at,
        created_at as created_at_text,
        {{ parse_instant('coalesce(updated_at, created_at)') }} as updated_at,
        coalesce(updated_at, created_at) as updated_at_text
    from landed
),

dated as (
    select * replace (coalesce(updated_at, case when updated_at_text is null then cast(landed_on as timestamp) end) as updated_at)
    from typed
),

judged as (
    select
        * exclude (created_at_text, updated_at_text),
        {{ verdict([
            missing('profile_id'),
            impossible_time('created_at'),
            impossible_time('updated_at'),
        ]) }} as verdict
    from dated
),

with_status as (
    {{ with_row_status('judged', version_at='updated_at') }}
)

select * from with_status
