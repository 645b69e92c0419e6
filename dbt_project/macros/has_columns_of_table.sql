{#- Whether a model's query gives the columns and types of its table, and of its contract if that is enforced. -#}
{% macro has_columns_of_table(table) -%}
    {%- if table is none or not table.is_table -%}{{ return(false) }}{%- endif -%}
    {%- set promises = [table] -%}
    {%- if config.get('contract').enforced -%}{%- do promises.append(get_empty_schema_sql(model['columns'])) -%}{%- endif -%}
    {%- set query -%}
        with given as (select column_name, column_type from (describe (
            {{ compiled_code }}
        )))
        {%- for promise in promises %}
        {{ 'select' if loop.first else 'union all select' }} count(*) from given
        full join (select column_name, column_type from (describe {{ promise }})) as promised
            on lower(given.column_name) = lower(promised.column_name) and given.column_type = promised.column_type
        where given.column_name is null or promised.column_name is null
        {%- endfor %}
    {%- endset -%}
    {{ return(run_query(query).columns[0].values() | sum == 0) }}
{%- endmacro %}
