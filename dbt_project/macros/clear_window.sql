{#- Pre-hook of every day-partitioned model: empties the window first, in the model's own transaction, so that a day
    that became empty upstream leaves no stale rows (delete+insert on a unique key would keep them). -#}
{% macro clear_window(partition_column) -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where {{ in_window(partition_column) }}
    {%- endif -%}
{%- endmacro %}
