//! Sysmon: processes, connections, files, registry, names.

use super::{account, path, pid};
use event::{Draft, Field};
use std::net::IpAddr;

/// Sets category and type of an event.
pub(super) fn categories(code: u32, draft: &mut Draft<'_>) {
    let (category, kinds): (&str, &[&'static str]) = match code {
        1 => ("process", &["start"]),
        5 => ("process", &["end"]),
        2 => ("file", &["change"]),
        3 => ("network", &["start", "connection", "protocol"]),
        4 | 6 | 7 | 16 | 25 => ("process", &["change"]),
        8 => ("process", &["change"]),
        9 => ("process", &["access"]),
        10 => ("process", &["access"]),
        11 => ("file", &["creation"]),
        12..=14 => ("configuration", &["change"]),
        15 => ("file", &["access"]),
        17 => ("file", &["creation"]),
        18 => ("file", &["access"]),
        19..=21 => ("process", &["creation"]),
        22 => ("network", &["connection", "protocol", "info"]),
        23 | 26 => ("file", &["deletion"]),
        27 | 28 => ("file", &["creation", "denied"]),
        29 => ("file", &["creation"]),
        255 => ("process", &["error"]),
        _ => return,
    };
    draft.word(Field::EVENT_CATEGORY, category);
    for kind in kinds {
        draft.word(Field::EVENT_TYPE, kind);
    }
    match code {
        12..=14 => draft.word(Field::EVENT_CATEGORY, "registry"),
        22 => draft.word(Field::NETWORK_PROTOCOL, "dns"),
        _ => {}
    }
}

/// Sets what one datum says.
pub(super) fn data(code: u32, key: &str, text: &str, draft: &mut Draft<'_>) {
    let field = match key {
        "RuleName" => Field::RULE_NAME,
        "ProcessId" | "SourceProcessId" => return pid(text, Field::PROCESS_PID, draft),
        "Image" | "SourceImage" => return path(text, Field::PROCESS_EXECUTABLE, Field::PROCESS_NAME, draft),
        "CommandLine" => Field::PROCESS_COMMAND_LINE,
        "CurrentDirectory" => Field::PROCESS_WORKING_DIRECTORY,
        "ParentProcessId" => return pid(text, Field::PROCESS_PARENT_PID, draft),
        "ParentImage" => {
            return path(text, Field::PROCESS_PARENT_EXECUTABLE, Field::PROCESS_PARENT_NAME, draft);
        }
        "ParentCommandLine" => Field::PROCESS_PARENT_COMMAND_LINE,
        "User" | "SourceUser" => return account(text, draft),
        "Hashes" | "Hash" => return hashes(code, text, draft),
        "Company" => pe(code, Field::PROCESS_PE_COMPANY, Field::FILE_PE_COMPANY),
        "Description" => pe(code, Field::PROCESS_PE_DESCRIPTION, Field::FILE_PE_DESCRIPTION),
        "FileVersion" => pe(code, Field::PROCESS_PE_FILE_VERSION, Field::FILE_PE_FILE_VERSION),
        "Product" => pe(code, Field::PROCESS_PE_PRODUCT, Field::FILE_PE_PRODUCT),
        "OriginalFileName" => {
            pe(code, Field::PROCESS_PE_ORIGINAL_FILE_NAME, Field::FILE_PE_ORIGINAL_FILE_NAME)
        }
        "ImageLoaded" | "TargetFilename" | "PipeName" => return file(code, text, draft),
        "Signature" => Field::FILE_CODE_SIGNATURE_SUBJECT_NAME,
        "SignatureStatus" => Field::FILE_CODE_SIGNATURE_STATUS,
        "Protocol" => Field::NETWORK_TRANSPORT,
        "Initiated" => {
            return draft.word(
                Field::NETWORK_DIRECTION,
                if text.eq_ignore_ascii_case("true") { "egress" } else { "ingress" },
            );
        }
        "SourceIp" => Field::SOURCE_IP,
        "SourcePort" => Field::SOURCE_PORT,
        "SourceHostname" => Field::SOURCE_DOMAIN,
        "DestinationIp" => Field::DESTINATION_IP,
        "DestinationPort" => Field::DESTINATION_PORT,
        "DestinationHostname" => Field::DESTINATION_DOMAIN,
        "DestinationPortName" => Field::NETWORK_PROTOCOL,
        "QueryName" => Field::DNS_QUESTION_NAME,
        "QueryResults" => return answers(text, draft),
        "TargetObject" => return registry(text, draft),
        "Details" if code == 13 => Field::REGISTRY_DATA_STRINGS,
        "ID" if code == 255 => Field::ERROR_CODE,
        _ => return,
    };
    draft.put(field, text);
}

/// Only a process's start tells of the process's own file; other events tell of the file that they are about.
fn pe(code: u32, process: Field, file: Field) -> Field {
    if matches!(code, 6 | 7) { file } else { process }
}

fn file(code: u32, text: &str, draft: &mut Draft<'_>) {
    path(text, Field::FILE_PATH, Field::FILE_NAME, draft);
    if let Some((directory, name)) = text.rsplit_once('\\') {
        draft.put(Field::FILE_DIRECTORY, directory);
        draft.put(Field::FILE_EXTENSION, name.rsplit_once('.').map_or("", |(_, extension)| extension));
    }
    if code == 7 {
        path(text, Field::DLL_PATH, Field::DLL_NAME, draft);
    }
}

/// `SHA1=…,MD5=…,SHA256=…,IMPHASH=…`
fn hashes(code: u32, text: &str, draft: &mut Draft<'_>) {
    let process = code == 1;
    for (kind, hash) in text.split(',').filter_map(|pair| pair.split_once('=')) {
        let field = match (kind, process) {
            ("MD5", true) => Field::PROCESS_HASH_MD5,
            ("SHA1", true) => Field::PROCESS_HASH_SHA1,
            ("SHA256", true) => Field::PROCESS_HASH_SHA256,
            ("IMPHASH", true) => Field::PROCESS_PE_IMPHASH,
            ("MD5", false) => Field::FILE_HASH_MD5,
            ("SHA1", false) => Field::FILE_HASH_SHA1,
            ("SHA256", false) => Field::FILE_HASH_SHA256,
            ("IMPHASH", false) => Field::FILE_PE_IMPHASH,
            _ => continue,
        };
        // Threat intelligence is in lower case.
        draft.put(field, &hash.to_ascii_lowercase());
    }
}

/// `type:  5 www.example.vn;::ffff:192.0.2.1;`
fn answers(text: &str, draft: &mut Draft<'_>) {
    for answer in text.split(';').filter(|answer| !answer.is_empty()) {
        if let Ok(ip) = answer.parse::<IpAddr>() {
            draft.ip(Field::DNS_RESOLVED_IP, ip);
        }
    }
}

/// `HKLM\System\CurrentControlSet\Services\x\Start`
fn registry(text: &str, draft: &mut Draft<'_>) {
    draft.put(Field::REGISTRY_PATH, text);
    if let Some((hive, rest)) = text.split_once('\\') {
        draft.put(Field::REGISTRY_HIVE, hive);
        draft.put(Field::REGISTRY_KEY, rest);
        draft.put(Field::REGISTRY_VALUE, rest.rsplit_once('\\').map_or(rest, |(_, value)| value));
    }
}
