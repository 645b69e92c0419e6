{#- Blanks the landed rows of erased people, so that nothing after this knows what was in them: those that an erasure
    emptied in their file, and those that bear a tombstone and landed again. Which columns can bear one is what the source
    declares (meta.personal). A phone or a device passes from hand to hand: it counts only in a row that names nobody else. -#}
{% macro without_erased(vendor, columns, landed) -%}
    (
    select
        landed_on,
        file,
        row_number,
        case when is_erased then '{{ erased_mark() }}' else raw end as raw,
        is_parsed and not is_erased as is_parsed
        {%- for column in columns %},
        case when not is_erased then {{ adapter.quote(column.name) }} end as {{ adapter.quote(column.name) }}
        {%- endfor %}
    from (
        select *, {{ bears_erased_mark() }} or {{ bears_tombstone(vendor, columns) }} as is_erased from {{ landed }}
    ) as judged
    )
{%- endmacro %}

{#- What an erasure leaves of a JSON record; a CSV or Parquet record keeps one cell with the mark. -#}
{% macro erased_mark() -%}
    {"erased":"holdfast:erased"}
{%- endmacro %}

{% macro bears_erased_mark() -%}
    coalesce(contains(raw, '":"holdfast:erased"'), false)
{%- endmacro %}

{% macro bears_tombstone(vendor, columns) -%}
    {%- set tombstones = state_table('tombstones') -%}
    {%- set strong, weak, named = [], [], [] -%}
    {%- if tombstones -%}
    {%- for column in columns if column.personal in ['email', 'profile_key', 'user_id', 'order_key', 'phone', 'device'] -%}
        {%- set is_weak = column.personal in ['phone', 'device'] -%}
        {%- do (weak if is_weak else strong).append(is_tombstoned(vendor, column, tombstones)) -%}
        {%- if not is_weak and column.personal != 'order_key' -%}{%- do named.append(adapter.quote(column.name)) -%}{%- endif -%}
    {%- endfor -%}
    {%- endif -%}
    (
    {{- strong | join('\n    or ') or 'false' }}
    {%- if weak %}
    or ({% if named %}coalesce({{ named | join(', ') }}) is null and {% endif %}({{ weak | join('\n    or ') }}))
    {%- endif -%}
    )
{%- endmacro %}

{% macro is_tombstoned(vendor, column, tombstones) -%}
    {%- set value = adapter.quote(column.name) -%}
    {%- set hashes = "select hash from " ~ tombstones ~ " where kind = '" ~ column.personal ~ "'" -%}
    (coalesce({{ hash_identifier(identifier_text(vendor, column.personal, value)) }} in ({{ hashes }}), false)
    or (contains({{ value }}, ';') and list_has_any(
        list_transform(string_split({{ value }}, ';'), part -> {{ hash_identifier(identifier_text(vendor, column.personal, 'part')) }}),
        (select list(hash) from ({{ hashes }}))
    )) is true)
{%- endmacro %}

{#- A landed value as the identifier that tombstones hash. -#}
{% macro identifier_text(vendor, kind, value) -%}
    {%- if kind == 'email' -%}{{ normalise_email(value) }}
    {%- elif kind == 'phone' -%}{{ normalise_phone(value) }}
    {%- elif kind in ['profile_key', 'order_key'] -%}'{{ vendor }}:' || trim({{ value }})
    {%- else -%}trim({{ value }})
    {%- endif -%}
{%- endmacro %}

{#- Whether a text mentions the address of somebody who was erased. -#}
{% macro mentions_erased(text) -%}
    {%- set tombstones = state_table('tombstones') -%}
    {%- if tombstones -%}
    coalesce(list_has_any(
        list_transform(
            regexp_extract_all(lower({{ text }}), '[^\s",;:<>()\[\]{}\\]+@[^\s",;:<>()\[\]{}\\]+'),
            address -> {{ hash_identifier(normalise_email('address')) }}
        ),
        (select list(hash) from {{ tombstones }} where kind = 'email')
    ), false)
    {%- else -%}
    false
    {%- endif -%}
{%- endmacro %}
