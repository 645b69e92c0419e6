{#- The readable files of the window, grouped into batches that one query can read: format, shape, header, paths. -#}
{% macro landing_batches(vendor, object) -%}
    {%- set query -%}
        select format, shape, header, list(path order by landed_on, file) as paths
        from ops.landing_files
        where vendor = '{{ vendor }}' and object = '{{ object }}' and {{ in_window('landed_on') }}
            and status = 'readable' and row_count > 0
        group by format, shape, header
        order by format, shape, header
    {%- endset -%}
    {%- set batches = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do batches.append({
            'vendor': vendor, 'object': object, 'format': row[0], 'shape': row[1], 'header': fromjson(row[2] or '[]'), 'paths': fromjson(row[3])
        }) -%}
    {%- endfor -%}
    {{ return(batches) }}
{%- endmacro %}
