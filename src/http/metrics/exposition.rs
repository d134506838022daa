//! Readings as text.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, GaugeValueEncoder, MetricEncoder,
    NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::format::Format;
use super::ledger::{Readings, Series};
use crate::broker::{Counter, Refused, Timing};
use crate::http::observe::Requests;
use crate::queue::{BOUNDS, Histogram, MILLIS_BOUNDS, NANOS_BOUNDS};

/// Bytes that a series takes, about: so that the text is not moved while it grows.
const A_SERIES: usize = 12 * 1024;

/// Writes them in one of the formats.
///
/// # Errors
/// Never, as text can always be written.
pub(super) fn write(readings: &Arc<Readings>, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Exposed(Arc::clone(readings))));
    let mut out = String::with_capacity((readings.series.len() + 1) * A_SERIES);
    match format {
        Format::OpenMetrics => text::encode(&mut out, &registry)?,
        Format::Prometheus => prometheus_text::encode(&mut out, &registry)?,
    }
    Ok(out)
}

#[derive(Debug)]
struct Exposed(Arc<Readings>);

impl Collector for Exposed {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut page = Page { encoder, readings: &self.0 };
        page.server()?;
        page.gauges()?;
        page.counters()?;
        page.refusals()?;
        page.timings()?;
        page.requests()?;
        page.process()
    }
}

/// A gauge of a queue: its name without its unit, what it means, and how it is read.
type Gauge = (&'static str, Option<Unit>, &'static str, fn(&Series) -> Value);

const GAUGES: [Gauge; 10] = [
    ("ringmq_queue_ready_messages", None, "Messages in line", |it| whole(it.figures.counts.ready)),
    ("ringmq_queue_in_flight_messages", None, "Messages with consumers", |it| {
        whole(it.figures.counts.in_flight)
    }),
    ("ringmq_queue_delayed_messages", None, "Messages that are not in line yet", |it| {
        whole(it.figures.counts.delayed)
    }),
    (
        "ringmq_queue_dying_messages",
        None,
        "Messages received too often that the dead-letter queue has no room for yet",
        |it| whole(it.figures.counts.dying),
    ),
    ("ringmq_queue_capacity_messages", None, "Messages there may be", |it| {
        whole(it.figures.capacity)
    }),
    ("ringmq_queue", Some(Unit::Bytes), "Bytes of all messages that are not gone", |it| {
        whole(it.figures.counts.bytes)
    }),
    (
        "ringmq_queue_oldest_ready_age",
        Some(Unit::Seconds),
        "Time since the first message in line was sent, 0 if there is none",
        |it| Value::Exact(it.figures.oldest_age.unwrap_or_default().as_secs_f64()),
    ),
    ("ringmq_queue_paused", None, "Queues whose receives are stopped", |it| whole(it.paused)),
    ("ringmq_queue_parked_receivers", None, "Receives that wait for a message", |it| {
        whole(it.figures.counts.waiting_receivers)
    }),
    ("ringmq_queue_parked_senders", None, "Sends that wait for room", |it| {
        whole(it.figures.counts.waiting_senders)
    }),
];

/// The value of a gauge.
#[derive(Clone, Copy, Debug)]
enum Value {
    Whole(u64),
    Exact(f64),
}

impl EncodeGaugeValue for Value {
    fn encode(&self, encoder: &mut GaugeValueEncoder<'_>) -> Result<(), fmt::Error> {
        match self {
            Self::Whole(value) => EncodeGaugeValue::encode(value, encoder),
            Self::Exact(value) => EncodeGaugeValue::encode(value, encoder),
        }
    }
}

fn whole(count: u64) -> Value {
    Value::Whole(count)
}

fn counter_name(counter: Counter) -> (&'static str, &'static str) {
    match counter {
        Counter::Sent => ("ringmq_queue_sent_messages", "Messages that were sent"),
        Counter::Received => (
            "ringmq_queue_received_messages",
            "Deliveries, those that never reached their consumer included",
        ),
        Counter::Acked => (
            "ringmq_queue_acked_messages",
            "Messages that were acknowledged, or taken for good when they were received",
        ),
        Counter::Released => ("ringmq_queue_released_messages", "Messages that were given back"),
        Counter::LeaseEnds => ("ringmq_queue_lease_expirations", "Leases that ran out"),
        Counter::Expired => ("ringmq_queue_expired_messages", "Messages whose time was over"),
        Counter::Dropped => {
            ("ringmq_queue_dropped_messages", "Messages that made room for newer ones")
        }
        Counter::DeadLetters => {
            ("ringmq_queue_dead_lettered_messages", "Messages that were received too often")
        }
        Counter::Purged => ("ringmq_queue_purged_messages", "Messages that a purge removed"),
        Counter::Redriven => {
            ("ringmq_queue_redriven_messages", "Messages that a redrive moved to another queue")
        }
    }
}

/// Its name without its unit, what it means, and the bounds of its buckets in so many parts of a second.
fn timing_name(timing: Timing) -> (&'static str, &'static str, &'static [u64; BOUNDS], f64) {
    match timing {
        Timing::InQueue => (
            "ringmq_queue_time_in_queue",
            "Time from send to first delivery, the message's delay included; once more where that did not \
             reach its consumer",
            &MILLIS_BOUNDS,
            1e3,
        ),
        Timing::Lease => {
            ("ringmq_queue_lease", "Time from delivery to acknowledgement", &MILLIS_BOUNDS, 1e3)
        }
        Timing::Wake => (
            "ringmq_queue_wake_latency",
            "Time from the send that serves a parked receive until that goes on with its messages",
            &NANOS_BOUNDS,
            1e9,
        ),
    }
}

/// What is written, and where to.
struct Page<'out, 'page> {
    encoder: DescriptorEncoder<'out>,
    readings: &'page Readings,
}

impl Page<'_, '_> {
    fn gauge(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        value: &impl EncodeGaugeValue,
    ) -> fmt::Result {
        self.encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(value)
    }

    fn server(&mut self) -> fmt::Result {
        let Readings { queues, memory_used, memory_limit, .. } = *self.readings;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        self.encoder
            .encode_descriptor("ringmq_build", "This program", None, MetricType::Info)?
            .encode_info(&version)?;
        self.gauge("ringmq_queues", None, "Queues", &queues)?;
        let bytes = Some(&Unit::Bytes);
        self.gauge("ringmq_memory_used", bytes, "Bytes of all messages", &memory_used)?;
        self.gauge("ringmq_memory_limit", bytes, "Bytes there may be", &memory_limit)
    }

    fn gauges(&mut self) -> fmt::Result {
        let readings = self.readings;
        for (name, unit, help, read) in GAUGES {
            let mut family =
                self.encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            for series in &readings.series {
                family.encode_family(&label(series))?.encode_gauge(&read(series))?;
            }
        }
        Ok(())
    }

    fn counters(&mut self) -> fmt::Result {
        let readings = self.readings;
        for counter in Counter::ALL {
            let (name, help) = counter_name(counter);
            let mut family =
                self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for series in &readings.series {
                let label = label(series);
                let metric = family.encode_family(&label)?;
                count(metric, &series.figures.totals.counter(counter))?;
            }
        }
        Ok(())
    }

    fn refusals(&mut self) -> fmt::Result {
        let readings = self.readings;
        let (name, help) = ("ringmq_queue_refusals", "Sends that were refused");
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for series in &readings.series {
            for (reason, refused) in Refused::ALL.iter().zip(series.figures.totals.refusals) {
                let labels = [("queue", series.name.as_str()), ("reason", reason.as_str())];
                count(family.encode_family(&labels)?, &refused)?;
            }
        }
        Ok(())
    }

    fn timings(&mut self) -> fmt::Result {
        let (readings, seconds) = (self.readings, Some(&Unit::Seconds));
        for timing in Timing::ALL {
            let (name, help, bounds, parts) = timing_name(timing);
            let mut family =
                self.encoder.encode_descriptor(name, help, seconds, MetricType::Histogram)?;
            for series in &readings.series {
                let label = label(series);
                let metric = family.encode_family(&label)?;
                let Histogram { buckets, sum } = series.figures.totals.histogram(timing);
                let bounds = bounds.iter().map(|bound| *bound as f64 / parts);
                histogram(metric, bounds, buckets, *sum as f64 / parts)?;
            }
        }
        Ok(())
    }

    fn requests(&mut self) -> fmt::Result {
        let requests = &self.readings.requests;
        let (name, help) = ("ringmq_http_requests", "Requests that were answered");
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for of_face in requests {
            for (status, answered) in &of_face.statuses {
                let labels = [("face", of_face.face.name()), ("status", status.as_str())];
                count(family.encode_family(&labels)?, answered)?;
            }
        }
        let help = "Time from a request to its answer, but for those that waited for a message or for room";
        let (name, unit) = ("ringmq_http_request_duration", Some(&Unit::Seconds));
        let mut family = self.encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        for of_face in requests {
            let label = [("face", of_face.face.name())];
            let bounds = Requests::duration_bounds();
            let bounds = bounds.iter().map(Duration::as_secs_f64);
            let (buckets, sum) = (&of_face.durations, of_face.duration_sum.as_secs_f64());
            histogram(family.encode_family(&label)?, bounds, buckets, sum)?;
        }
        let help = "Requests that waited for a message or for room";
        let name = "ringmq_http_waited_requests";
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for of_face in requests {
            let label = [("face", of_face.face.name())];
            count(family.encode_family(&label)?, &of_face.waited)?;
        }
        Ok(())
    }

    fn process(&mut self) -> fmt::Result {
        let process = self.readings.process;
        let (bytes, seconds) = (Some(&Unit::Bytes), Some(&Unit::Seconds));
        if let Some(used) = process.cpu_seconds {
            let help = "Processor time of the user and of the system";
            let counter = MetricType::Counter;
            let metric = self.encoder.encode_descriptor("process_cpu", help, seconds, counter)?;
            count(metric, &used)?;
        }
        if let Some(resident) = process.resident_bytes {
            self.gauge("process_resident_memory", bytes, "Memory that is resident", &resident)?;
        }
        if let Some(open) = process.open_fds {
            self.gauge("process_open_fds", None, "Open files", &open)?;
        }
        if let Some(most) = process.max_fds {
            self.gauge("process_max_fds", None, "Open files there may be", &most)?;
        }
        if let Some(started_at) = process.started_at {
            let help = "When the process was started, since 1970";
            self.gauge("process_start_time", seconds, help, &started_at)?;
        }
        if let Some(threads) = process.threads {
            self.gauge("process_threads", None, "Threads", &threads)?;
        }
        Ok(())
    }
}

fn label(series: &Series) -> [(&'static str, &str); 1] {
    [("queue", series.name.as_str())]
}

fn count(mut metric: MetricEncoder<'_>, value: &impl EncodeCounterValue) -> fmt::Result {
    metric.encode_counter::<NoLabelSet, _, u64>(value, None)
}

/// Writes a histogram of values that were put into the bucket of the first bound they do not exceed, and
/// those beyond the last bound into one more.
fn histogram(
    mut metric: MetricEncoder<'_>,
    bounds: impl Iterator<Item = f64>,
    buckets: &[u64],
    sum: f64,
) -> fmt::Result {
    let bounds = bounds.chain([f64::INFINITY]);
    let bounded: Vec<_> = bounds.zip(buckets.iter().copied()).collect();
    metric.encode_histogram::<NoLabelSet>(sum, buckets.iter().sum(), &bounded, None)
}
