ALTER DOMAIN short_code ADD CONSTRAINT short_code_length CHECK (length(VALUE) <= 8); -- finds: domain-constraint-reads-tables, lock-timeout-missing, statement-timeout-missing
