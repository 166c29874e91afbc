//! What the program says of itself: on stderr, text on a terminal, elsewhere one JSON object a line in Elastic Common
//! Schema, so that whatever reads our events reads our log too. `deploy/metrics.md` lists the fields.

use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts the log of the process `role`.
pub(crate) fn start(role: &str) {
    use std::io::IsTerminal as _;
    let filter = tracing_subscriber::EnvFilter::try_from_env("HAIDANG_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.compact().init();
    } else {
        builder.event_format(Ecs { service: format!("haidang-{role}") }).init();
    }
}

/// One object a line.
struct Ecs {
    service: String,
}

impl<S, N> FormatEvent<S, N> for Ecs
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = event::Time(jiff::Timestamp::now().as_millisecond());
        writeln!(writer, "{}", object(&self.service, now, event))
    }
}

fn object(service: &str, now: event::Time, event: &Event<'_>) -> Value {
    let mut fields = Fields(Map::new());
    let text = |text: &str| Value::String(text.to_owned());
    fields.0.insert("@timestamp".to_owned(), Value::String(now.to_string()));
    let metadata = event.metadata();
    fields.0.insert("log.level".to_owned(), Value::String(metadata.level().as_str().to_lowercase()));
    fields.0.insert("log.logger".to_owned(), text(metadata.target()));
    fields.0.insert("service.name".to_owned(), text(service));
    fields.0.insert("process.pid".to_owned(), std::process::id().into());
    event.record(&mut fields);
    fields.0.entry("message").or_insert_with(|| text(""));
    Value::Object(fields.0)
}

/// What an event says beside its message is under our own name, so that no field of it can be taken for another's.
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "message" => "message".to_owned(),
            name => format!("haidang.{name}"),
        };
        self.0.insert(name, value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::String(value.to_owned()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}
