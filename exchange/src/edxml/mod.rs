//! The antivirus report of official letter 2290/BTTTT-CATTT: an `AVReport` in an edXML envelope (QCVN 102:2016), signed.
//!
//! The document is written in the form that canonicalisation would give it, so that nothing need be canonicalised before it
//! is signed: what the verifier's canonicaliser makes of it is what was written, save the envelope's namespace declaration.

mod config;
mod report;
mod sign;
mod xml;

pub use config::{AvReportConfig, Redaction, Section};
pub use report::{AvReport, Connection, Machine, Malware, System};
pub use sign::{SignError, Signer};

use crate::Organisation;
use xml::Writer;

/// What answers to the prefix `edXML`.
const NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

/// The signed report, as it is sent: the same report gives the same bytes.
///
/// # Errors
/// The key does not sign.
pub fn signed(
    report: &AvReport,
    from: &Organisation,
    config: &AvReportConfig,
    signer: &Signer,
) -> Result<String, SignError> {
    let header = header(report, from, config);
    let body = report.body(config, signer);
    let canonical = format!(
        "<edXMLEnvelope><edXML:edXMLHeader xmlns:edXML=\"{NAMESPACE}\">{header}</edXML:edXMLHeader>\
         <edXML:edXMLBody xmlns:edXML=\"{NAMESPACE}\">{body}</edXML:edXMLBody></edXMLEnvelope>"
    );
    let signature = signer.signature(&canonical)?;
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edXMLEnvelope xmlns:edXML=\"{NAMESPACE}\"><edXML:edXMLHeader>{header}\
         {signature}</edXML:edXMLHeader><edXML:edXMLBody>{body}</edXML:edXMLBody></edXMLEnvelope>\n"
    ))
}

/// Who sends it, and what it is.
fn header(report: &AvReport, from: &Organisation, config: &AvReportConfig) -> String {
    let mut out = Writer::new(&config.names);
    out.open("edXML:MessageHeader", &[]);
    out.open("edXML:From", &[]);
    for (name, text) in [
        ("edXML:OrganId", &from.code),
        ("edXML:OrganName", &from.name),
        ("edXML:OrganAdd", &from.address),
        ("edXML:Email", &from.email),
        ("edXML:Telephone", &from.telephone),
        ("edXML:Fax", &from.fax),
        ("edXML:Website", &from.website),
    ] {
        out.leaf(name, text);
    }
    out.close("edXML:From");
    out.leaf("edXML:Subject", &format!("{} {}/{}", config.subject, report.from, report.to));
    out.close("edXML:MessageHeader");
    out.finish()
}
