{#- Reads the declared columns out of JSON records (filename, raw, position); a record that is no JSON object keeps its
    text and is not parsed. -#}
{% macro landing_json_rows(columns, records) -%}
    (
    with records as materialized ({{ records }}),
    first_records as (
        select filename, min(position) as first_position from records group by filename
    ),
    parsed as materialized (
        select
            filename,
            position,
            raw,
            case when json_valid(raw) then coalesce(json_type(raw) = 'OBJECT', false) else false end as is_parsed,
            json_extract_string(
                case when json_valid(raw) then raw end,
                [{% for column in columns %}'{{ column.path }}'{{ ', ' if not loop.last }}{% endfor %}]
            ) as extracted
        from records
        where trim(raw) <> ''
    )
    select
        landing_files.landed_on,
        landing_files.file,
        parsed.position - first_records.first_position + 1 as row_number,
        parsed.raw,
        parsed.is_parsed
        {%- for column in columns %},
        nullif(trim(parsed.extracted[{{ loop.index }}]), '') as {{ adapter.quote(column.name) }}
        {%- endfor %}
    from parsed
    inner join first_records on parsed.filename = first_records.filename
    inner join ops.landing_files on parsed.filename = landing_files.path
        and landing_files.landed_on between {{ window_start() }} and {{ window_end() }}
    )
{%- endmacro %}

{#- One record per line. A unit separator cannot occur in JSON text, so no line is ever split. -#}
{% macro landing_lines(paths) -%}
    select filename, line as raw, row_number() over () as position
    from read_csv(
        {{ landing_paths(paths) }}, columns = {'line': 'VARCHAR'}, delim = chr(31), quote = '', escape = '',
        header = false, auto_detect = false, strict_mode = false, filename = true, hive_partitioning = false
    )
{%- endmacro %}

{% macro landing_objects(paths, format) -%}
    select filename, cast(json as varchar) as raw, row_number() over () as position
    from read_json_objects(
        {{ landing_paths(paths) }}, format = '{{ format }}', filename = true, hive_partitioning = false,
        maximum_object_size = 67108864
    )
{%- endmacro %}

{#- A document is one record, or wraps them: {"orders": [...]} or {"order": {...}}. -#}
{% macro landing_documents(paths, object) -%}
    {%- set singular = object[:-1] -%}
    select filename, cast(record as varchar) as raw, row_number() over () as position
    from (
        select
            filename,
            unnest(
                case
                    when json_type(raw, '$.{{ object }}') = 'ARRAY' then json_extract(raw, '$.{{ object }}[*]')
                    when json_type(raw, '$.{{ singular }}') = 'OBJECT' then [json_extract(raw, '$.{{ singular }}')]
                    else [cast(raw as json)]
                end
            ) as record
        from ({{ landing_objects(paths, 'unstructured') }})
    )
{%- endmacro %}

{% macro landing_paths(paths) -%}
    [{% for path in paths %}'{{ path | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}
