use super::arrival::Arrival;
use super::kernel::Table;
use super::rules::{Count, FlatRun, Length, Rolling, RollingOutput};
use super::snapshot::Snapshot;
use super::stream::{KeyColumn, Stream};
use super::{Key, Status};
use crate::parallel::Monitor;

fn stream(lateness: i64, restart_after: u32) -> Stream {
    let arrival = Arrival {
        lateness,
        keep_duplicates: false,
        restart_after,
    };
    let rolling = Rolling {
        length: Length::Rows(2),
        statistics: vec![RollingOutput::Mean, RollingOutput::Max],
        min_periods: 1,
        ddof: 1,
        include_current: true,
    };
    let flat = FlatRun {
        tolerance: 0.0,
        unit_s: 1.0,
    };
    Stream::new(
        arrival,
        vec![
            Box::new(Table::new(rolling)),
            Box::new(Table::new(Count { span: 10 })),
            Box::new(Table::new(flat)),
        ],
    )
    .unwrap()
}

fn feed(stream: &mut Stream, keys: &[&str], times: &[i64], values: &[f64]) -> super::Answers {
    let monitor = Monitor::default();
    stream
        .update(KeyColumn::Texts(keys), times, values, &monitor)
        .unwrap()
}

#[test]
fn every_key_has_a_state_of_its_own() {
    let mut stream = stream(0, 0);
    let answers = feed(
        &mut stream,
        &["a", "b", "a", "a", "b"],
        &[0, 0, 5, 11, 10],
        &[1.0, 7.0, 3.0, 3.0, 7.0],
    );
    let rows: Vec<&[f64]> = answers.outputs.chunks(5).collect();
    assert_eq!(rows[0], [1.0, 1.0, 1.0, 1.0, 0.0]);
    assert_eq!(rows[2], [2.0, 3.0, 2.0, 1.0, 0.0]);
    assert_eq!(rows[3], [3.0, 3.0, 2.0, 2.0, 6.0]);
    assert_eq!(rows[4], [7.0, 7.0, 1.0, 2.0, 10.0]);
}

#[test]
fn late_and_doubled_events_have_no_answer_and_leave_no_trace() {
    let mut stream = stream(0, 2);
    let times = [10, 9, 10, 20, 1, 2, 3];
    let answers = feed(&mut stream, &["a"; 7], &times, &[1.0; 7]);
    use Status::{Duplicate, Late, Restarted, Taken};
    let expected = [Taken, Late, Duplicate, Taken, Late, Restarted, Taken];
    assert_eq!(answers.status, expected.map(|s| s as u8));
    assert!(answers.outputs[5..15].iter().all(|x| x.is_nan()));
    // The run of equal values begins anew with the clock.
    assert_eq!(answers.outputs[25..30], [1.0, 1.0, 1.0, 1.0, 0.0]);
    assert_eq!(stream.counts(), [3, 2, 1, 1]);
}

#[test]
fn a_snapshot_goes_on_where_it_was_taken() {
    let mut one = stream(3, 0);
    let keys = ["a", "b", "b", "a", "b", "a"];
    let (times, values) = ([5, 1, 3, 9, 2, 8], [1.0, 2.0, f64::NAN, 4.0, 5.0, 6.0]);
    let head = feed(&mut one, &keys[..3], &times[..3], &values[..3]);
    assert!(head.rows.is_empty() && one.waiting() == 3);
    let bytes = one.snapshot("text").unwrap();
    let snapshot = Snapshot::open(bytes).unwrap();
    assert_eq!(snapshot.metadata(), "text");
    let mut other = stream(3, 0);
    other.restore(&snapshot).unwrap();
    for stream in [&mut one, &mut other] {
        feed(stream, &keys[3..], &times[3..], &values[3..]);
    }
    let (a, b) = (one.flush(), other.flush());
    assert_eq!(a.rows, b.rows);
    let bits = |x: &[f64]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&a.outputs), bits(&b.outputs));
}

#[test]
fn a_damaged_or_foreign_snapshot_is_refused() {
    let mut one = stream(0, 0);
    feed(&mut one, &["a"], &[5], &[1.0]);
    let bytes = one.snapshot("").unwrap();
    let error = |bytes: Vec<u8>| Snapshot::open(bytes).err().unwrap().to_string();
    assert_eq!(error(b"nothing".to_vec()), "is not a linewatch snapshot");
    assert!(error(bytes[..bytes.len() - 1].to_vec()).starts_with("is cut short"));
    let mut flipped = bytes.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    assert!(error(flipped).starts_with("is damaged"));
    // Sound bytes, but of a stream with other rules.
    let flat = FlatRun {
        tolerance: 0.0,
        unit_s: 1.0,
    };
    let arrival = one.arrival;
    let mut other = Stream::new(arrival, vec![Box::new(Table::new(flat))]).unwrap();
    let snapshot = Snapshot::open(bytes).unwrap();
    let refused = other.restore(&snapshot).unwrap_err().to_string();
    assert!(refused.starts_with("is not sound"), "{refused}");
}

#[test]
fn a_forgotten_key_starts_afresh_in_its_slot() {
    let mut stream = stream(0, 0);
    feed(&mut stream, &["a", "b"], &[5, 50], &[1.0, 2.0]);
    assert_eq!(stream.forget_before(10), 1);
    assert!(!stream.forget(&Key::Text("a".into())));
    let answers = feed(&mut stream, &["c"], &[1], &[8.0]);
    assert_eq!(answers.outputs[..2], [8.0, 8.0]);
    assert_eq!(stream.keys().slots(), 2);
}
