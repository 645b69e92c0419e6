{#- How the readers of a mailbox reacted before a day: `reacted_on` is the newest open or click by a person in the 90 days before it. -#}
{% macro engagement_cohort(reacted_on, has_been_mailed, day) -%}
    case
        when {{ reacted_on }} >= {{ day }} - 30 then 'reacted_last_30_days'
        when {{ reacted_on }} is not null then 'reacted_31_to_90_days_ago'
        when {{ has_been_mailed }} then 'mailed_without_reaction'
        else 'not_mailed_last_90_days'
    end
{%- endmacro %}
