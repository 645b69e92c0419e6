{{ consent_suppressions('bounced', 'hard_bounced') }}
