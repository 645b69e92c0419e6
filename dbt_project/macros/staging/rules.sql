{#- The rules by which a landed row is refused. Each has a name and a message that names the column, never its value. -#}
{% macro rule(name, condition, message) -%}
    {{ return({'name': name, 'condition': condition, 'message': message}) }}
{%- endmacro %}

{% macro missing(column) -%}
    {{ return(rule('missing_key', column ~ ' is null', column | replace('_text', '') ~ ' is empty')) }}
{%- endmacro %}

{#- A text that was there and could not be cast. -#}
{% macro no_number(column) -%}
    {{ return(rule('not_a_number', column ~ '_text is not null and ' ~ column ~ ' is null', column ~ ' is not a number')) }}
{%- endmacro %}

{% macro negative(column) -%}
    {{ return(rule('negative_price', column ~ ' < 0', column ~ ' is negative')) }}
{%- endmacro %}

{#- A time that is no time, lies before 1970, or more than two days after the row landed. -#}
{% macro impossible_time(column) -%}
    {%- set condition -%}
        ({{ column }}_text is not null and {{ column }} is null)
        or {{ column }} <= timestamp '1970-01-01 00:00:00'
        or {{ column }} >= landed_on + interval 3 day
    {%- endset -%}
    {{ return(rule('impossible_time', condition, column ~ ' has no possible meaning')) }}
{%- endmacro %}

{% macro unknown_value(column, known) -%}
    {%- set condition = column ~ " not in ('" ~ known | join("', '") ~ "')" -%}
    {{ return(rule('unknown_' ~ column, condition, column ~ ' is none of: ' ~ known | join(', '))) }}
{%- endmacro %}

{#- The first rule that a typed row breaks, as a struct (rule, message); null when it breaks none. -#}
{% macro verdict(rules) -%}
    case
        when {{ bears_erased_mark() }} then {'rule': 'erased', 'message': 'the person was erased'}
        when not is_parsed then {'rule': 'unparsable_row', 'message': 'the row is not a JSON object'}
        {%- for rule in rules %}
        when {{ rule.condition }} then {'rule': '{{ rule.name }}', 'message': '{{ rule.message }}'}
        {%- endfor %}
    end
{%- endmacro %}
