{#- A text as a naive UTC timestamp: its own offset (`Z`, ` UTC`, `+02:00`, ` -0500`) is respected, a naive time is read in
    the zone (HOLDFAST_TIMEZONE unless named). Null when the text is no time. The session's zone is UTC (profiles.yml). -#}
{% macro parse_instant(text, zone=none) -%}
    {%- set zone = zone or env_var('HOLDFAST_TIMEZONE', 'UTC') -%}
    {%- set written = "regexp_replace(" ~ text ~ ", '(:\d\d(?:\.\d+)?) ?([+-]\d\d)(\d\d)$', '\\1\\2:\\3')" -%}
    {%- if zone == 'UTC' -%}
    timezone('UTC', try_cast({{ written }} as timestamptz))
    {%- else -%}
    case
        when regexp_matches({{ text }}, ':\d\d.*(Z|z|UTC|[+-]\d\d(:?\d\d)?)$')
            then timezone('UTC', try_cast({{ written }} as timestamptz))
        else timezone('UTC', timezone('{{ zone }}', try_cast({{ text }} as timestamp)))
    end
    {%- endif -%}
{%- endmacro %}
