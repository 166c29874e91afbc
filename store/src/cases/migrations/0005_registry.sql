-- What the province has, a row for each unit, system, asset and endpoint; `body` (JSON) is the row, the other columns are
-- what it is looked for by. `unit` of a unit is the unit above.
CREATE TABLE registry (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    unit TEXT NOT NULL,
    system TEXT NOT NULL,
    level BIGINT NOT NULL,
    search TEXT NOT NULL,
    body TEXT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX registry_unit ON registry (kind, unit, id);
CREATE INDEX registry_system ON registry (kind, system, id);

-- Grows with every change, so that whoever follows asks for one number.
CREATE TABLE registry_version (
    one BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);
INSERT INTO registry_version (one, version, changed_ms) VALUES (1, 0, 0);
