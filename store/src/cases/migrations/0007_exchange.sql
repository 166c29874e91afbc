-- What we send others of ourselves, a row for each: `body` is what is sent, as it is sent, until it has arrived.
CREATE TABLE deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    partner TEXT NOT NULL,
    kind TEXT NOT NULL,
    tlp BIGINT NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,
    problem TEXT NOT NULL,
    delivered_ms BIGINT
);
CREATE INDEX deliveries_partner ON deliveries (partner, state, to_ms);
CREATE INDEX deliveries_made ON deliveries (made_ms, id);
-- Every attempt and what came back of it: `status` of HTTP, 0 if there was no answer.
CREATE TABLE receipts (
    delivery TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    status BIGINT NOT NULL,
    digest TEXT NOT NULL,
    problem TEXT NOT NULL,
    PRIMARY KEY (delivery, attempt)
);
-- How far each feed that we fetch was read; `reached` is the moment that its server tells.
CREATE TABLE feeds (
    name TEXT NOT NULL PRIMARY KEY,
    collection TEXT NOT NULL,
    reached TEXT NOT NULL,
    asked_ms BIGINT NOT NULL,
    succeeded_ms BIGINT,
    failures BIGINT NOT NULL,
    objects BIGINT NOT NULL,
    problem TEXT NOT NULL
);
-- Who warns and until when, to count and to look by.
ALTER TABLE indicators ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE indicators ADD COLUMN until_ms BIGINT;
CREATE INDEX indicators_source ON indicators (source, until_ms);
CREATE INDEX indicators_value ON indicators (value, kind, id);
-- Which incidents others were let know of, the last time for each audience.
CREATE TABLE releases (
    incident TEXT NOT NULL,
    collection TEXT NOT NULL,
    tlp BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (incident, collection)
);
-- What others warn of is worked on as an incident of this kind, with a task for each unit that it concerns.
ALTER TABLE incidents ADD COLUMN kind TEXT NOT NULL DEFAULT 'attack';
CREATE TABLE warnings (
    incident TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    text TEXT NOT NULL,
    tlp BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    indicators BIGINT NOT NULL
);
CREATE INDEX warnings_made ON warnings (made_ms, incident);
CREATE TABLE tasks (
    incident TEXT NOT NULL,
    unit TEXT NOT NULL,
    name TEXT NOT NULL,
    events BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    read_ms BIGINT,
    read_by TEXT,
    done_ms BIGINT,
    done_by TEXT,
    note TEXT NOT NULL,
    PRIMARY KEY (incident, unit)
);
