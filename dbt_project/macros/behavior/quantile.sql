{#- A percentile of the group, rounded so that every engine gives the same threshold. -#}
{% macro quantile(expression, share) -%}
    round(quantile_cont(cast({{ expression }} as double), {{ share }}), 6)
{%- endmacro %}

{#- The four thresholds between the fifths of the group, as columns <column>_p20 ... <column>_p80. -#}
{% macro quintile_thresholds(column) -%}
    {%- for percent in [20, 40, 60, 80] %}
    {{ quantile(column, percent / 100) }} as {{ column }}_p{{ percent }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- 1 to 5: one more than the number of thresholds that the value exceeds, so that equal values get equal scores. -#}
{% macro quintile_score(column) -%}
    1
    {%- for percent in [20, 40, 60, 80] %} + cast({{ column }} > {{ column }}_p{{ percent }} as integer)
    {%- endfor %}
{%- endmacro %}
