{#- Judges every typed row (of a relation with row_key) by the rules and gives it its row_status, rule and message.
    quarantined: it broke a rule. duplicate: its key was staged before (events), or this version or a newer one was
    (records, by version_at; of several versions that land on one day the newest is staged). staged: the rest.
    Only rows that landed earlier count, so a day staged again or in a longer window comes out the same.
    Columns named `..._text` are what a cast was made of: the rules read them, and they go no further. -#}
{% macro with_row_status(relation, rules, version_at=none) -%}
    with judged as (
        select *, {{ verdict(rules) }} as verdict from {{ relation }}
    ),

    accepted as (
        select landed_on, file, row_number, row_key{% if version_at %}, {{ version_at }} as version_at{% endif %}
        from judged
        where verdict is null
    ),

    -- Few keys land twice: only their rows are ranked.
    copies as (
        select
            *,
            {%- if version_at %}
            row_number() over (
                partition by row_key, landed_on order by version_at desc, file, row_number
            ) as copy_number,
            max(version_at) over (
                partition by row_key order by landed_on
                range between unbounded preceding and interval 1 day preceding
            ) as newest_version_at
            {%- else %}
            row_number() over (partition by row_key order by landed_on, file, row_number) as copy_number
            {%- endif %}
        from accepted
        where row_key in (select accepted.row_key from accepted group by accepted.row_key having count(*) > 1)
    ),

    repeats as (
        select file, row_number
        from copies
        where copy_number > 1{% if version_at %} or version_at <= newest_version_at{% endif %}
        {%- if is_incremental() %}
        union
        select accepted.file, accepted.row_number
        from accepted
        inner join (
            select row_key{% if version_at %}, max({{ version_at }}) as known_version_at{% endif %}
            from {{ this }}
            where landed_on < {{ window_start() }} and row_status = 'staged'
                and row_key in (select accepted.row_key from accepted)
            group by row_key
        ) as known on accepted.row_key = known.row_key
        {%- if version_at %} and accepted.version_at <= known.known_version_at{% endif %}
        {%- endif %}
    ),

    with_status as (
        select
            judged.* replace (
                case
                    when judged.verdict.rule <> 'erased' and not {{ mentions_erased('judged.raw') }} then judged.raw
                end as raw
            ),
            case
                when judged.verdict is not null then 'quarantined'
                when repeats.file is not null then 'duplicate'
                else 'staged'
            end as row_status,
            case
                when judged.verdict is not null then judged.verdict.rule
                when repeats.file is not null then '{{ 'known_version' if version_at else 'known_key' }}'
            end as rule,
            judged.verdict.message as message
        from judged
        left join repeats on judged.file = repeats.file and judged.row_number = repeats.row_number
    )

    select columns(lambda name: name not in ('is_parsed', 'verdict') and not ends_with(name, '_text')) from with_status
{%- endmacro %}
