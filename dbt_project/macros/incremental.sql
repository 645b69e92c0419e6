{#- Adds the rows of the window to a table that is there: one look at the columns and one insert. dbt's own way, by a temporary
    table, describes the query and both tables eight times, which costs more than a small day's rows. It is left to make the
    table, and to say what is wrong where the columns are not those of the contract or not those of the table. -#}
{% materialization incremental, adapter='duckdb' -%}
    {%- if should_full_refresh() or not has_columns_of_table(load_cached_relation(this)) -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        insert into {{ this }} by name (
            {{ compiled_code }}
        )
    {%- endcall -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmaterialization %}
