-- Matches: what windows are rebuilt from after a restart. A rule meets an event once, so a replay replaces.
CREATE TABLE IF NOT EXISTS matches{on_cluster}
(
    time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    event_high UInt64 CODEC(Delta(8), ZSTD(1)),
    event_low UInt64 CODEC(Delta(8), ZSTD(1)),
    rule LowCardinality(String) CODEC(ZSTD(1)),
    level LowCardinality(String) CODEC(ZSTD(1)),
    source LowCardinality(String) CODEC(ZSTD(1)),
    unit LowCardinality(String) CODEC(ZSTD(1)),
    system LowCardinality(String) CODEC(ZSTD(1)),
    system_level UInt8 CODEC(ZSTD(1)),
    body String CODEC(ZSTD(3))
)
ENGINE = {replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (time, event_high, event_low, rule)
TTL toDateTime(time) + toIntervalDay(400)
SETTINGS {deduplication} = 10000, fsync_after_insert = {fsync}, fsync_part_directory = {fsync};
