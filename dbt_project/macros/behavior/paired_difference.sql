{#- The mean difference of two columns over customers, and its standard error, in a fixed number of places: two ways to do a thing, each tried
    on every customer. -#}
{% macro paired_difference(one, other) -%}
    count(*) as paired_count,
    avg(cast({{ one }} - ({{ other }}) as decimal(18, 9))) as difference,
    coalesce(stddev_samp({{ one }} - ({{ other }})), 0) / sqrt(count(*)) as standard_error
{%- endmacro %}

{#- Whether a difference on enough customers lies above zero beyond chance (lower end of its interval at 95 %). -#}
{% macro stands(differences, fewest) -%}
    ({{ differences }}.paired_count >= {{ fewest }}
    and {{ differences }}.difference - 1.96 * {{ differences }}.standard_error > 0)
{%- endmacro %}
