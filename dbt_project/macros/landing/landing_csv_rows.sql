{#- Reads CSV files of one header. Records of the wrong shape are skipped here and named in ops.landing_rejects; they
    still count for row_number. The raw text of a record is its cells as JSON. -#}
{% macro landing_csv_rows(columns, batch) -%}
    {%- set known = {} -%}
    {%- for name in batch.header -%}{%- do known.update({name | lower: name}) -%}{%- endfor -%}
    (
    with records as materialized (
        select *, row_number() over () as record_position
        from read_csv(
            {{ landing_paths(batch.paths) }},
            columns = {
                {%- for name in batch.header %}'{{ name | replace("'", "''") }}': 'VARCHAR'{{ ', ' if not loop.last }}{% endfor -%}
            },
            auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', strict_mode = true,
            ignore_errors = true, filename = 'landed_path', hive_partitioning = false
        )
    ),
    numbered as (
        select
            records.*,
            records.record_position - first_records.first_position + 1 as good_position
        from records
        inner join (
            select landed_path, min(record_position) as first_position from records group by landed_path
        ) as first_records on records.landed_path = first_records.landed_path
    ),
    gaps as (
        select file, good_before, max(rejected) as rejected
        from (
            select
                file,
                row_number() over (partition by file order by row_number) as rejected,
                row_number - row_number() over (partition by file order by row_number) as good_before
            from ops.landing_rejects
            where vendor = '{{ batch.vendor }}' and object = '{{ batch.object }}'
                and {{ in_window('landed_on') }} and row_number is not null
        )
        group by file, good_before
    )
    select
        landing_files.landed_on,
        landing_files.file,
        numbered.good_position + coalesce(gaps.rejected, 0) as row_number,
        cast(to_json({
            {%- for name in batch.header %}'{{ name | replace("'", "''") }}': numbered.{{ landing_quoted(name) }}{{ ', ' if not loop.last }}{% endfor -%}
        }) as varchar) as raw,
        true as is_parsed
        {%- for column in columns %},
        {{ landing_cell(column, known, 'numbered') }}
        {%- endfor %}
    from numbered
    inner join ops.landing_files on numbered.landed_path = landing_files.path
        and landing_files.landed_on between {{ window_start() }} and {{ window_end() }}
    asof left join gaps on landing_files.file = gaps.file and numbered.good_position > gaps.good_before
    )
{%- endmacro %}
