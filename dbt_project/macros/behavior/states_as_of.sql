{#- The newest version, as of each day, of the records that were ever in a state, like versions_as_of, with `state_since`: when
    the record came to have the value of `state` that it has in that version, as its first version with it says (`at`). Later
    changes that leave the value alone do not move it. `ever` (a condition on a version) spares the windows over all others. -#}
{% macro states_as_of(versions, key, days, state, at, ever) -%}
    (
        select days.as_of, versions.* exclude (is_change, run_number, superseded_on)
        from {{ days }} as days
        inner join (
            select
                *,
                first_value({{ at }}) over (partition by {{ key }}, run_number order by landed_on) as state_since
            from (
                select
                    *,
                    sum(is_change) over (partition by {{ key }} order by landed_on) as run_number,
                    lead(landed_on) over (partition by {{ key }} order by landed_on) as superseded_on
                from (
                    select
                        *,
                        cast(
                            {{ state }} is distinct from lag({{ state }}) over (partition by {{ key }} order by landed_on)
                            as integer
                        ) as is_change
                    from {{ versions }}
                    where {{ key }} in (select {{ key }} from {{ versions }} where {{ ever }})
                ) as changes
            ) as runs
        ) as versions
            on versions.landed_on <= days.as_of
            and (versions.superseded_on is null or days.as_of < versions.superseded_on)
    )
{%- endmacro %}
