CREATE DOMAIN positive_amount AS NUMERIC(12,2) CHECK (VALUE > 0); -- finds: domain-with-constraint
