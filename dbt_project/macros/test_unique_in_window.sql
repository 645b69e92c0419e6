{#- Fails on every combination of columns that two rows of the window share. -#}
{% test unique_in_window(model, columns, partition_column='landed_on') %}
select {{ columns | join(', ') }}, count(*) as copies
from {{ model }}
where {{ in_window(partition_column) }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
