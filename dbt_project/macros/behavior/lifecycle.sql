{#- The machine of the lifecycle, all of it: in a stage, an event leads to another stage. An event that is not listed for a stage
    leaves it as it is. Silence is counted from the last order day; a day that ends with more than `after_days` of it is the event,
    so that an order finds the stage in which the day before it ended. -#}
{% macro lifecycle_transitions() -%}
    {{ return([
        {'stage': 'prospect', 'event': 'subscribed', 'to': 'subscriber'},
        {'stage': 'subscriber', 'event': 'unsubscribed', 'to': 'prospect'},
        {'stage': 'prospect', 'event': 'ordered', 'to': 'new_customer'},
        {'stage': 'subscriber', 'event': 'ordered', 'to': 'new_customer'},
        {'stage': 'new_customer', 'event': 'ordered', 'to': 'active'},
        {'stage': 'new_customer', 'event': 'silent', 'after_days': 30, 'to': 'active'},
        {'stage': 'active', 'event': 'silent', 'after_days': 60, 'to': 'at_risk'},
        {'stage': 'at_risk', 'event': 'ordered', 'to': 'active'},
        {'stage': 'at_risk', 'event': 'silent', 'after_days': 120, 'to': 'lapsed'},
        {'stage': 'lapsed', 'event': 'ordered', 'to': 'won_back'},
        {'stage': 'won_back', 'event': 'ordered', 'to': 'active'},
        {'stage': 'won_back', 'event': 'silent', 'after_days': 30, 'to': 'active'}
    ]) }}
{%- endmacro %}

{#- The stage in which an event leaves somebody who is in a stage. -#}
{% macro lifecycle_stage_after(stage, event) -%}
    {%- set found = namespace(stage=stage) -%}
    {%- for step in lifecycle_transitions() -%}
        {%- if step.stage == stage and step.event == event -%}{%- set found.stage = step.to -%}{%- endif -%}
    {%- endfor -%}
    {{ return(found.stage) }}
{%- endmacro %}

{#- The stages to which a consent (subscribed, unsubscribed) or an order (ordered) can lead. -#}
{% macro lifecycle_stages_by(event) -%}
    {{ return(lifecycle_transitions() | selectattr('event', 'equalto', event) | map(attribute='to') | unique | list) }}
{%- endmacro %}

{#- The path through silence of somebody whom an order brought to a stage: each stage with the first day of silence in it. -#}
{% macro lifecycle_silence_path(stage) -%}
    {%- set path = [{'day': 0, 'stage': stage}] -%}
    {%- for step in lifecycle_transitions() | selectattr('event', 'equalto', 'silent') | sort(attribute='after_days') -%}
        {%- if step.stage == path[-1].stage -%}
            {%- do path.append({'day': step.after_days + 1, 'stage': step.to}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(path) }}
{%- endmacro %}

{#- The paths of all stages to which an order leads, as a relation (order_stage, day, stage). -#}
{% macro lifecycle_silence_paths() -%}
    {%- set rows = [] -%}
    {%- for order_stage in lifecycle_stages_by('ordered') -%}
        {%- for step in lifecycle_silence_path(order_stage) -%}
            {%- do rows.append("('" ~ order_stage ~ "', " ~ step.day ~ ", '" ~ step.stage ~ "')") -%}
        {%- endfor -%}
    {%- endfor -%}
    (values {{ rows | join(', ') }})
{%- endmacro %}

{#- The stages to which an order can lead that comes so many days after one, over all that this one can have led to. -#}
{% macro lifecycle_stages_on_return(days) -%}
    {%- set stages = [] -%}
    {%- for order_stage in lifecycle_stages_by('ordered') -%}
        {%- set passed = lifecycle_silence_path(order_stage) | selectattr('day', 'lt', days) | map(attribute='stage') | list -%}
        {%- do stages.append(lifecycle_stage_after(passed[-1], 'ordered')) -%}
    {%- endfor -%}
    {{ return(stages | unique | list) }}
{%- endmacro %}

{#- The stage to which an order leads, by the days since the order day before it (null: it is the first). That it depends on
    them alone is what lets SQL compute it without walking; a machine in which it does not is refused. -#}
{% macro lifecycle_stage_on_order(days_before) -%}
    {%- set first = [lifecycle_stage_after('prospect', 'ordered'), lifecycle_stage_after('subscriber', 'ordered')] | unique | list -%}
    {%- set returns = [{'after': 0, 'stages': lifecycle_stages_on_return(1)}] -%}
    {%- for step in lifecycle_transitions() | selectattr('event', 'equalto', 'silent') | sort(attribute='after_days') -%}
        {%- do returns.append({'after': step.after_days + 1, 'stages': lifecycle_stages_on_return(step.after_days + 2)}) -%}
    {%- endfor -%}
    {%- if first | length > 1 or returns | map(attribute='stages') | map('length') | max > 1 -%}
        {{ exceptions.raise_compiler_error('lifecycle_transitions: what an order leads to must depend on the days before it alone') }}
    {%- endif -%}
    case
        when {{ days_before }} is null then '{{ first[0] }}'
        {%- for step in returns | unique(attribute='after') | sort(attribute='after', reverse=true) %}
        when {{ days_before }} > {{ step.after }} then '{{ step.stages[0] }}'
        {%- endfor %}
    end
{%- endmacro %}
