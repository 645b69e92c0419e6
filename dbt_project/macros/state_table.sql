{#- A mirror of the state store as a relation; none where there is none yet, or where it is empty. -#}
{% macro state_table(name) -%}
    {%- if not execute -%}{{ return(none) }}{%- endif -%}
    {%- set pattern = env_var('HOLDFAST_HOME', '.holdfast') ~ '/state/' ~ name ~ '/*.parquet' -%}
    {%- set pattern = pattern | replace("'", "''") -%}
    {%- if run_query("select count(*) from glob('" ~ pattern ~ "')").rows[0][0] == 0 -%}
        {{ return(none) }}
    {%- elif run_query("select count(*) from read_parquet('" ~ pattern ~ "')").rows[0][0] == 0 -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return("read_parquet('" ~ pattern ~ "')") }}
{%- endmacro %}
