-- What is to be reported of an incident: when it was noticed, when the next report that is owed is late, and by which rules
-- (their digest) that was worked out.
ALTER TABLE incidents ADD COLUMN detected_ms BIGINT;
ALTER TABLE incidents ADD COLUMN due_ms BIGINT;
ALTER TABLE incidents ADD COLUMN due_rules TEXT;
CREATE INDEX incidents_due ON incidents (due_ms, number);

-- The class that a person gave an incident in a rule set.
CREATE TABLE incident_classes (
    incident TEXT NOT NULL,
    rule_set TEXT NOT NULL,
    class TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (incident, rule_set)
);

-- What a person says was reported.
CREATE TABLE incident_reports (
    incident TEXT NOT NULL,
    deadline TEXT NOT NULL,
    recipient TEXT NOT NULL,
    reported_ms BIGINT NOT NULL,
    document TEXT NOT NULL,
    actor TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (incident, deadline, recipient)
);

-- What people attest, with a document; `body` (JSON) is the attestation. One that was withdrawn stays, for the trail.
CREATE TABLE attestations (
    id TEXT NOT NULL PRIMARY KEY,
    measure TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    withdrawn_ms BIGINT
);
CREATE INDEX attestations_subject ON attestations (subject, subject_id, measure);
