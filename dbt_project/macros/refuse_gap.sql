{#- Runs before the models (on-run-start): what is as of a day is never computed over a landed day that is not staged, nor
    for a day that is not. A warehouse without ops.staged_days was not filled from a landing zone. -#}
{% macro refuse_gap(selected) -%}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set partitioned_by = [] -%}
    {%- for node in graph.nodes.values() if node.unique_id in selected and 'release' not in node.tags -%}
        {%- do partitioned_by.append(node.config.get('meta', {}).get('partitioned_by')) -%}
    {%- endfor -%}
    {%- set is_as_of = 'as_of' in partitioned_by or 'trained_on' in partitioned_by -%}
    {%- if not is_as_of or not adapter.get_relation(target.database, 'ops', 'staged_days') -%}{{ return('') }}{%- endif -%}
    {%- set query -%}
        select min(days.day), max(days.day)
        from (
            select landed_on as day from ops.landing_files where landed_on <= {{ window_end() }}
            {%- if 'as_of' in partitioned_by %}
            union
            select days.as_of from {{ as_of_days() }} as days
            {%- endif %}
        ) as days
        left join ops.staged_days as staged_days on days.day = staged_days.landed_on
        where staged_days.landed_on is null
    {%- endset -%}
    {%- set first, last = run_query(query).rows[0] -%}
    {%- if first -%}
        {{ exceptions.raise_compiler_error(
            first ~ ' to ' ~ last ~ ' are not staged, and nothing is computed over a gap: run `holdfast backfill --from '
            ~ var('window_start') ~ ' --to ' ~ var('window_end') ~ '`'
        ) }}
    {%- endif -%}
{%- endmacro %}
