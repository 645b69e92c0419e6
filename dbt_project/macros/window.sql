{#- The partition window of this invocation, as SQL dates; both ends are inclusive. -#}
{% macro window_start() -%}
    {{ window_bound('window_start') }}
{%- endmacro %}

{% macro window_end() -%}
    {{ window_bound('window_end') }}
{%- endmacro %}

{% macro window_bound(name) -%}
    {%- if execute and not var(name) -%}
        {{ exceptions.raise_compiler_error("which partitions? pass --vars '{window_start: YYYY-MM-DD, window_end: YYYY-MM-DD}'") }}
    {%- endif -%}
    cast('{{ var(name) }}' as date)
{%- endmacro %}

{#- True for the rows of the partitions that this invocation builds. -#}
{% macro in_window(column) -%}
    {{ column }} between {{ window_start() }} and {{ window_end() }}
{%- endmacro %}
