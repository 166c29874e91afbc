-- What others warn of: one row per value of an indicator.
CREATE TABLE indicators (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (id, kind, value)
);
-- Counts the changes, so that a running pipeline notices them: one row.
CREATE TABLE indicators_state (
    one BIGINT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    count BIGINT NOT NULL
);
INSERT INTO indicators_state (one, revision, count) VALUES (1, 0, 0);
