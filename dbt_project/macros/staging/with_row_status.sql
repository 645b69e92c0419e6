{#- Judges every typed row (of a relation with row_key) by the rules and gives it its row_status, rule and message.
    quarantined: it broke a rule. duplicate: its key was staged before (events), or this version or a newer one was
    (records, by version_at; of several versions that land on one day the newest is staged), or it has no time of
    its own and says (content) what the newest version says, as a full export does every day. staged: the rest.
    Only rows that landed earlier count, so a day staged again or in a longer window comes out the same.
    Columns named `..._text` are what a cast was made of: the rules read them, and they go no further. -#}
{% macro with_row_status(relation, rules, version_at=none, content='raw') -%}
    with judged as (
        select
            *,
            {%- if version_at %}
            case when {{ version_at }} = cast(landed_on as timestamp) then md5({{ content }}) end as content_hash,
            {%- endif %}
            {{ verdict(rules) }} as verdict
        from {{ relation }}
    ),

    accepted as (
        select landed_on, file, row_number, row_key
            {%- if version_at %}, {{ version_at }} as version_at, content_hash{% endif %}
        from judged
        where verdict is null
        {%- if is_incremental() %}
        union all
        select
            {{ window_start() }} - 1 as landed_on, null as file, null as row_number, row_key
            {%- if version_at %}, {{ version_at }} as version_at, content_hash{% endif %}
        from {{ this }}
        where landed_on < {{ window_start() }} and row_status <> 'quarantined'
            and row_key in (select judged.row_key from judged where judged.verdict is null)
        qualify row_number() over (
            partition by row_key order by {% if version_at %}{{ version_at }} desc, {% endif %}landed_on, file, row_number
        ) = 1
        {%- endif %}
    ),

    -- Few keys land twice: only their rows are ranked.
    copies as (
        select
            *,
            {%- if version_at %}
            row_number() over (
                partition by row_key, landed_on order by version_at desc, file, row_number
            ) as copy_number
            {%- else %}
            row_number() over (partition by row_key order by landed_on, file, row_number) as copy_number
            {%- endif %}
        from accepted
        where row_key in (select accepted.row_key from accepted group by accepted.row_key having count(*) > 1)
    ),
    {%- if version_at %}

    compared as (
        select
            *,
            max(version_at) filter (where copy_number = 1) over earlier_days as newest_version_at,
            arg_max_null(content_hash, version_at) filter (where copy_number = 1) over earlier_days as newest_content_hash
        from copies
        window earlier_days as (
            partition by row_key order by landed_on range between unbounded preceding and interval 1 day preceding
        )
    ),
    {%- endif %}

    repeats as (
        {%- if version_at %}
        select file, row_number
        from compared
        where file is not null
            and (copy_number > 1 or version_at <= newest_version_at or content_hash = newest_content_hash)
        {%- else %}
        select file, row_number from copies where file is not null and copy_number > 1
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
