{#- Reads the declared columns out of JSON records (filename, raw, position); a record that is no JSON object keeps its
    text and is not parsed. -#}
{% macro landing_json_rows(columns, records) -%}
    {%- set paths = [] -%}
    {%- for column in columns -%}
        {%- do column.update({'positions': range(paths | length + 1, paths | length + 1 + column.paths | length)}) -%}
        {%- do paths.extend(column.paths | map('replace', "'", "''") | map('string') | list) -%}
    {%- endfor -%}
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
                ['{{ paths | join("', '") }}']
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
        coalesce(
            {%- for position in column.positions %}
            nullif(trim(parsed.extracted[{{ position }}]), ''){{ ',' if not loop.last }}
            {%- endfor %}
        ) as {{ adapter.quote(column.name) }}
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

{#- A document is one record, or wraps them: {"orders": [...]}, {"order": {...}} or {"data": [...]}. -#}
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
                    when json_type(raw, '$.data') = 'ARRAY' then json_extract(raw, '$.data[*]')
                    else [cast(raw as json)]
                end
            ) as record
        from ({{ landing_objects(paths, 'unstructured') }})
    )
{%- endmacro %}

{% macro landing_paths(paths) -%}
    [{% for path in paths %}'{{ path | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}
