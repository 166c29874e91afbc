-- Which system and machine sent in which minute, and how far its clock is off: small, so that a month of it is read in a
-- blink. The day and its minutes are Vietnam's. Where the device's clock cannot be believed, reception counts.
CREATE TABLE IF NOT EXISTS activity{on_cluster}
(
    day Date,
    system LowCardinality(String),
    asset LowCardinality(String),
    minutes AggregateFunction(groupBitmap, UInt16),
    events SimpleAggregateFunction(sum, UInt64),
    skew AggregateFunction(quantileTDigest, Float64)
)
ENGINE = {replicated}AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, system, asset)
TTL day + toIntervalDay(800);
CREATE MATERIALIZED VIEW IF NOT EXISTS activity_of_events{on_cluster} TO activity AS
SELECT
    toDate(at) AS day,
    haidang_system_id AS system,
    extra['haidang.asset.id'] AS asset,
    groupBitmapState(toUInt16(toHour(at) * 60 + toMinute(at))) AS minutes,
    count() AS events,
    quantileTDigestState(skew_s) AS skew
FROM
(
    SELECT
        haidang_system_id,
        extra,
        fromUnixTimestamp64Milli(toInt64(bitShiftRight(id_high, 16)), 'UTC') AS received,
        if(toDate(timestamp) = events.day, timestamp, received) + toIntervalHour(7) AS at,
        (toUnixTimestamp64Milli(received) - toUnixTimestamp64Milli(timestamp)) / 1000 AS skew_s
    FROM events
    WHERE haidang_system_id != '' OR mapContains(extra, 'haidang.asset.id')
)
GROUP BY day, system, asset;
-- When the antivirus of a computer last told anything, and last told of an update. Products say it in words of their own.
CREATE TABLE IF NOT EXISTS antivirus{on_cluster}
(
    host String,
    seen SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    updated SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = {replicated}AggregatingMergeTree
ORDER BY host
TTL toDateTime(seen) + toIntervalDay(800);
CREATE MATERIALIZED VIEW IF NOT EXISTS antivirus_of_events{on_cluster} TO antivirus AS
SELECT
    lower(host_name) AS host,
    max(timestamp) AS seen,
    maxIf(timestamp, event_outcome != 'failure' AND (event_action = 'signatures-updated'
        OR multiSearchAnyCaseInsensitive(original, ['modules updated', 'databases updated', 'signatures updated']))) AS updated
FROM events
WHERE event_module IN ('kaspersky', 'eset', 'clamav') AND host_name != ''
    AND timestamp <= fromUnixTimestamp64Milli(toInt64(bitShiftRight(id_high, 16)), 'UTC') + toIntervalHour(1)
GROUP BY host;
