-- Who took an attestation back: the page says so beside it. For those that were, the trail knows.
ALTER TABLE attestations ADD COLUMN withdrawn_by TEXT;
UPDATE attestations SET withdrawn_by = (SELECT MAX(actor) FROM audit
    WHERE action = 'attestation.withdraw' AND result = 'done' AND target = attestations.id)
WHERE withdrawn_ms IS NOT NULL;
