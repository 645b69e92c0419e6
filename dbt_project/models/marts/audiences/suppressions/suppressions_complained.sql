{{ consent_suppressions('complained', 'complained') }}
