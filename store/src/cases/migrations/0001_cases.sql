-- Incidents: what the correlator found, and beside it what people say of it.
CREATE TABLE incidents (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    title_vi TEXT NOT NULL,
    severity_found BIGINT NOT NULL,
    severity_set BIGINT,
    severity BIGINT NOT NULL,
    stage TEXT NOT NULL,
    unit TEXT NOT NULL,
    system TEXT NOT NULL,
    system_level BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    entities TEXT NOT NULL,
    search TEXT NOT NULL,
    alerts_count BIGINT NOT NULL,
    events_count BIGINT NOT NULL,
    comments_count BIGINT NOT NULL,
    history_count BIGINT NOT NULL,
    digest TEXT NOT NULL,
    merged_into TEXT,
    status TEXT NOT NULL,
    verdict TEXT,
    assignee TEXT,
    updated_after_close BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL
);
CREATE INDEX incidents_last ON incidents (last_ms, number);
CREATE INDEX incidents_first ON incidents (first_ms, number);
CREATE INDEX incidents_severity ON incidents (severity, last_ms, number);

CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    incident TEXT NOT NULL,
    first_ms BIGINT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX alerts_incident ON alerts (incident, first_ms, id);

CREATE TABLE comments (
    id TEXT NOT NULL PRIMARY KEY,
    incident TEXT NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX comments_incident ON comments (incident, created_ms, id);

CREATE TABLE history (
    incident TEXT NOT NULL,
    place BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    change TEXT NOT NULL,
    was TEXT,
    became TEXT,
    PRIMARY KEY (incident, place)
);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    must_change_password BIGINT NOT NULL,
    language TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE sessions (
    token TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    used_ms BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, created_ms);

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL
);
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE login_failures (
    who TEXT NOT NULL,
    time_ms BIGINT NOT NULL
);
CREATE INDEX login_failures_who ON login_failures (who, time_ms);

-- Each hash covers the one before it, so that no entry can be changed or taken out of the middle unseen.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    time_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    result TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
);
