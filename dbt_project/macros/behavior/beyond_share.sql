{#- Whether more of `total` rows are bad than a share allows, beyond chance: three standard deviations of a binomial above
    it, and never for one row alone. -#}
{% macro beyond_share(bad, total, share) -%}
    {{ bad }} > greatest(1, {{ total }} * {{ share }} + 3 * sqrt({{ total }} * {{ share }} * (1 - {{ share }})))
{%- endmacro %}
