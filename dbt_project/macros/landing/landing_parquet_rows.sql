{#- Reads Parquet files whatever their column types: every declared column as text, nested ones as JSON. -#}
{% macro landing_parquet_rows(columns, batch) -%}
    {%- set scan -%}
        read_parquet(
            {{ landing_paths(batch.paths) }}, union_by_name = true, filename = 'landed_path', file_row_number = true,
            hive_partitioning = false
        )
    {%- endset -%}
    {%- set known = {} -%}
    {%- for row in run_query('describe select * from ' ~ scan).rows -%}
        {%- do known.update({row[0] | lower: row[0]}) -%}
    {%- endfor -%}
    (
    select
        landing_files.landed_on,
        landing_files.file,
        records.file_row_number + 1 as row_number,
        cast(to_json(records) as varchar) as raw,
        true as is_parsed
        {%- for column in columns %},
        {{ landing_cell(column, known, 'records') }}
        {%- endfor %}
    from {{ scan }} as records
    inner join ops.landing_files on records.landed_path = landing_files.path
        and landing_files.landed_on between {{ window_start() }} and {{ window_end() }}
    )
{%- endmacro %}
