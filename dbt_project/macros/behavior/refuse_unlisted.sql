{#- Stops the compilation when a model with a prefix is not among the names that are listed: what is not listed would be built
    and then left out without a word. dbt knows all models only when it executes, so the list cannot be made from them. -#}
{% macro refuse_unlisted(prefix, names) -%}
    {%- for node in (graph.get('nodes', {}).values() if execute else []) if node.resource_type == 'model' and node.name.startswith(prefix) -%}
        {%- if node.name[prefix | length:] not in names -%}
            {{ exceptions.raise_compiler_error("add '" ~ node.name[prefix | length:] ~ "' to the list in " ~ model.name ~ ": the model " ~ node.name ~ " is there") }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
