{#- Gives every judged row (of a relation with row_key and verdict) its row_status, rule and message.
    quarantined: it broke a rule. duplicate: its key was staged before (events), or this version or a newer one was
    (records, by version_at; of several versions that land on one day the newest is staged). staged: the rest.
    Only rows that landed earlier count, so a day staged again or in a longer window comes out the same. -#}
{% macro with_row_status(relation, version_at=none) -%}
    with copies as (
        select
            landed_on, file, row_number,
            {%- if version_at %}
            row_number() over (
                partition by row_key, landed_on order by {{ version_at }} desc, file, row_number
            ) as copy_number,
            max({{ version_at }}) over (
                partition by row_key order by landed_on
                range between unbounded preceding and interval 1 day preceding
            ) as newest_version_at,
            {{ version_at }} as own_version_at,
            {%- else %}
            row_number() over (partition by row_key order by landed_on, file, row_number) as copy_number,
            {%- endif %}
            row_key
        from {{ relation }}
        where verdict is null
    ),
    {%- if is_incremental() %}
    known as (
        select row_key{% if version_at %}, max({{ version_at }}) as known_version_at{% endif %}
        from {{ this }}
        where landed_on < {{ window_start() }} and row_status = 'staged'
            and row_key in (select copies.row_key from copies)
        group by row_key
    ),
    {%- endif %}
    repeats as (
        select copies.landed_on, copies.file, copies.row_number
        from copies
        {%- if is_incremental() %}
        left join known on copies.row_key = known.row_key
        {%- endif %}
        where copies.copy_number > 1
        {%- if version_at %} or copies.own_version_at <= copies.newest_version_at {%- endif %}
        {%- if is_incremental() %}
            or {% if version_at %}copies.own_version_at <= known.known_version_at{% else %}known.row_key is not null{% endif %}
        {%- endif %}
    )
    select
        landed.* exclude (raw, is_parsed, verdict),
        case
            when landed.verdict is not null then 'quarantined'
            when repeats.file is not null then 'duplicate'
            else 'staged'
        end as row_status,
        case
            when landed.verdict is not null then landed.verdict.rule
            when repeats.file is not null then '{{ 'known_version' if version_at else 'known_key' }}'
        end as rule,
        landed.verdict.message as message,
        case
            when landed.verdict is not null and landed.verdict.rule <> 'erased' and not {{ mentions_erased('landed.raw') }}
                then landed.raw
        end as raw
    from {{ relation }} as landed
    left join repeats on landed.file = repeats.file and landed.row_number = repeats.row_number
{%- endmacro %}
