-- What others may fetch from us over TAXII, as it was written: one row per version of an object.
-- `added_us` is when it was added, in microseconds, and larger for each further object of a collection, for ever.
CREATE TABLE taxii_collections (
    id TEXT NOT NULL PRIMARY KEY,
    added_us BIGINT NOT NULL,
    objects BIGINT NOT NULL
);
CREATE TABLE taxii_objects (
    collection TEXT NOT NULL,
    added_us BIGINT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version_us BIGINT NOT NULL,
    tlp BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (collection, added_us),
    UNIQUE (collection, id, version_us)
);
CREATE TABLE taxii_statuses (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX taxii_statuses_created ON taxii_statuses (created_ms);
