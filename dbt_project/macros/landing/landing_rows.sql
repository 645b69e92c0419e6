{#- The rows of one vendor's object that landed in the window, read from their files: landed_on, file, row_number (the
    record's position in its file), raw, is_parsed, and the columns that the source declares, as text (null where a file
    lacks them, so that schema drift is harmless). Which files there are is known from ops.landing_files. -#}
{% macro landing_rows(vendor, object) -%}
    {%- do source(vendor, object) -%}
    {%- if not execute -%}(select 1){%- else -%}
    {%- set columns = landing_columns(vendor, object) -%}
    {%- set batches = landing_batches(vendor, object) -%}
    {%- set landed -%}
    (
    {%- for batch in batches %}
    {%- if not loop.first %} union all by name {% endif -%}
    {%- if batch.shape == 'lines' -%}{{ landing_json_rows(columns, landing_lines(batch.paths)) }}
    {%- elif batch.shape == 'array' -%}{{ landing_json_rows(columns, landing_objects(batch.paths, 'array')) }}
    {%- elif batch.shape == 'document' -%}{{ landing_json_rows(columns, landing_documents(batch.paths, object)) }}
    {%- elif batch.format == 'csv' -%}{{ landing_csv_rows(columns, batch) }}
    {%- else -%}{{ landing_parquet_rows(columns, batch) }}
    {%- endif -%}
    {%- else -%}
        select
            cast(null as date) as landed_on, cast(null as varchar) as file, cast(null as bigint) as row_number,
            cast(null as varchar) as raw, cast(null as boolean) as is_parsed
            {%- for column in columns %}, cast(null as varchar) as {{ adapter.quote(column.name) }}{% endfor %}
        where false
    {%- endfor %}
    )
    {%- endset -%}
    {{ without_erased(vendor, columns, landed) }}
    {%- endif -%}
{%- endmacro %}
