with sightings as (
    select * from {{ ref('int_profile_sightings__unioned') }} where {{ in_window('landed_on') }}
),

records as (
    select * exclude (source) from {{ unioned('profiles') }}
),

seen as (
    select profile_key, landed_on, max(email) as email, max(phone) as phone, max(user_id) as user_id
    from sightings
    group by profile_key, landed_on
),

everyone as (
    select records.*, true as is_record from records
    union all by name
    select seen.*, false as is_record
    from seen
    left join records on seen.profile_key = records.profile_key and seen.landed_on = records.landed_on
    where records.profile_key is null
),

numbered as (
    select *, row_number() over (partition by profile_key order by landed_on) as landing_number from everyone
),

unioned as (
    select
        profile_key,
        split_part(profile_key, ':', 1) as source,
        landed_on,
        email,
        {{ hash_identifier('email') }} as mailbox_hash,
        phone,
        user_id,
        first_name,
        last_name,
        date_of_birth,
        address,
        postcode,
        city,
        region,
        country,
        company,
        timezone,
        created_at,
        updated_at
    from numbered
    where is_record or (
        landing_number = 1
        {%- if is_incremental() %}
        and profile_key not in (
            select known.profile_key from {{ this }} as known where known.landed_on < {{ window_start() }}
        )
        {%- endif %}
    )
)

select * from unioned
