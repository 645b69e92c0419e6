{{ consent_suppressions('unsubscribed', 'unsubscribed') }}
