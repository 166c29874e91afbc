-- Events: one row each. A field without a column of its own is in `extra` under its dotted name; `shape` tells what
-- an entry was (see row.rs), so that the event is rebuilt exactly. `id_high` and `id_low` are the halves of the event's
-- id, which compress far better than a UUID and sort as they should. `day` is the timestamp's day, or that of reception
-- where the device's clock cannot be believed: a hostile clock cannot make partitions. No column but three says how it
-- is compressed: what comes in is compressed lightly, because it is merged several times yet, and once, when its day is
-- over everywhere, thoroughly. Within ten minutes, lines that are alike lie together.
--
-- Nothing is kept twice. A message that ends the line is a place in it; totals that are sums are not written (`sums`: 1
-- for bytes, 2 for packets); an address with a column of its own is not in `other_addresses`. Who asks sees `message`,
-- `network_bytes`, `network_packets` and `addresses` all the same. The projections are the roll-ups of the overview: each
-- part has its own, so they are never of other rows than the table.
CREATE TABLE IF NOT EXISTS events{on_cluster}
(
    timestamp DateTime64(3, 'UTC') CODEC(Delta(8), Default),
    id_high UInt64 CODEC(Delta(8), Default),
    id_low UInt64 CODEC(Delta(8), Default),
    day Date,
    keep_days UInt16,
    event_kind LowCardinality(String),
    event_category Array(LowCardinality(String)),
    event_type Array(LowCardinality(String)),
    event_action LowCardinality(String),
    event_outcome LowCardinality(String),
    event_module LowCardinality(String),
    event_dataset LowCardinality(String),
    event_code LowCardinality(String),
    event_provider LowCardinality(String),
    event_severity Nullable(Int64),
    event_duration Nullable(Int64),
    tags Array(LowCardinality(String)),
    message_at UInt32,
    message_own String,
    message String ALIAS if(message_at > 0, substring(original, message_at), message_own),
    error_message String,
    log_level LowCardinality(String),
    log_syslog_priority Nullable(Int64),
    log_syslog_appname LowCardinality(String),
    log_syslog_hostname LowCardinality(String),
    observer_vendor LowCardinality(String),
    observer_product LowCardinality(String),
    observer_name LowCardinality(String),
    observer_serial_number LowCardinality(String),
    observer_ingress_interface_name LowCardinality(String),
    observer_egress_interface_name LowCardinality(String),
    host_name LowCardinality(String),
    source_ip IPv6,
    source_port Nullable(UInt16),
    source_bytes Nullable(Int64),
    source_packets Nullable(Int64),
    source_nat_ip IPv6,
    source_nat_port Nullable(UInt16),
    source_domain String,
    source_geo_country_iso_code LowCardinality(String),
    source_geo_country_name LowCardinality(String),
    source_as_number Nullable(Int64),
    source_as_organization_name LowCardinality(String),
    source_user_name LowCardinality(String),
    destination_ip IPv6,
    destination_port Nullable(UInt16),
    destination_bytes Nullable(Int64),
    destination_packets Nullable(Int64),
    destination_nat_ip IPv6,
    destination_nat_port Nullable(UInt16),
    destination_domain String,
    destination_geo_country_iso_code LowCardinality(String),
    destination_geo_country_name LowCardinality(String),
    destination_as_number Nullable(Int64),
    destination_as_organization_name LowCardinality(String),
    network_transport LowCardinality(String),
    network_iana_number LowCardinality(String),
    network_protocol LowCardinality(String),
    network_application LowCardinality(String),
    network_direction LowCardinality(String),
    sums UInt8,
    network_bytes_own Nullable(Int64),
    network_bytes Nullable(Int64) ALIAS if(bitAnd(sums, 1) > 0, source_bytes + destination_bytes, network_bytes_own),
    network_packets_own Nullable(Int64),
    network_packets Nullable(Int64) ALIAS if(bitAnd(sums, 2) > 0, source_packets + destination_packets, network_packets_own),
    user_name LowCardinality(String),
    user_domain LowCardinality(String),
    user_target_name LowCardinality(String),
    process_name LowCardinality(String),
    process_pid Nullable(Int64),
    process_command_line String,
    process_executable String,
    process_parent_name LowCardinality(String),
    file_path String,
    file_name String,
    file_hash_sha256 String,
    file_hash_md5 String,
    url_original String,
    url_domain String,
    url_path String,
    http_request_method LowCardinality(String),
    http_response_status_code Nullable(Int64),
    user_agent_original String,
    dns_question_name String,
    dns_question_type LowCardinality(String),
    tls_version LowCardinality(String),
    tls_client_server_name String,
    rule_id LowCardinality(String),
    rule_name LowCardinality(String),
    haidang_collector_address IPv6,
    haidang_collector_transport LowCardinality(String),
    haidang_unit_id LowCardinality(String),
    haidang_system_id LowCardinality(String),
    haidang_system_level Nullable(Int64),
    other_addresses Array(IPv6),
    addresses Array(IPv6) ALIAS arrayFilter(address -> address != toIPv6('::'), arrayConcat([source_ip, source_nat_ip, destination_ip,
        destination_nat_ip, haidang_collector_address], other_addresses)),
    shape LowCardinality(String),
    extra Map(LowCardinality(String), String),
    original String SETTINGS (min_compress_block_size = 1048576, max_compress_block_size = 1048576),
    INDEX by_id id_high TYPE minmax GRANULARITY 1,
    INDEX by_address (source_ip, source_nat_ip, destination_ip, destination_nat_ip, haidang_collector_address, other_addresses) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_word lower(original) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 1,
    PROJECTION by_hour_and_category
    (
        SELECT intDiv(toUnixTimestamp64Milli(timestamp), 3600000), event_category, count()
        GROUP BY intDiv(toUnixTimestamp64Milli(timestamp), 3600000), event_category
    ),
    PROJECTION by_hour_and_source
    (
        SELECT intDiv(toUnixTimestamp64Milli(timestamp), 3600000), source_ip, source_geo_country_iso_code, count()
        GROUP BY intDiv(toUnixTimestamp64Milli(timestamp), 3600000), source_ip, source_geo_country_iso_code
    )
)
ENGINE = {replicated}MergeTree
PARTITION BY day
ORDER BY (toStartOfTenMinutes(timestamp), event_dataset, haidang_collector_address, observer_name, host_name, event_code, event_action,
    timestamp)
TTL day + toIntervalDay(keep_days), day + toIntervalDay(2) RECOMPRESS CODEC(ZSTD(9))
SETTINGS merge_selector_base = 8, min_bytes_for_wide_part = 134217728, min_columns_to_activate_adaptive_write_buffer = 1, max_compress_block_size = 262144,
    {deduplication} = 10000, fsync_after_insert = {fsync}, fsync_part_directory = {fsync};
