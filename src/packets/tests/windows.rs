//! Keys and the windows of their rows.

use crate::packets::keys;
use crate::packets::trailing::{Feature, Rows, features};
use crate::parallel::Monitor;
use crate::random::Stream;

#[test]
fn keys_are_numbered_in_order_of_appearance() {
    let (ids, n) = keys::number([Some(9u32), None, Some(7), Some(9)].into_iter());
    assert_eq!((ids, n), (vec![0, keys::NONE, 1, 0], 2));
    let many: Vec<u128> = (0..100_000).map(|i| u128::from(i as u64) << 64).collect();
    let (ids, n) = keys::number(many.iter().map(|&key| Some(key)));
    assert!(ids.iter().enumerate().all(|(i, &id)| i == id as usize));
    assert_eq!(n, many.len());
    let mut numbers = keys::TextNumbers::default();
    let texts = [
        "10.0.0.1",
        "2001:db8::1234:5678:9",
        "",
        "10.0.0.1",
        "2001:db8::1234:5678:9",
    ];
    let ids: Vec<_> = texts
        .iter()
        .map(|text| numbers.number(text.as_bytes()))
        .collect();
    assert_eq!(ids, [0, 1, 2, 0, 1]);
}

#[test]
fn ties_are_counted_in_the_order_of_rows() {
    let times = [0, 1, 1, 1, 6, 6].map(|s| s * 1_000_000_000);
    let rows = Rows {
        keys: &[0; 6],
        n_keys: 1,
        times: &times,
        ..Rows::default()
    };
    let window = 5_000_000_000;
    let counts = features(
        &rows,
        &[Feature::PacketCount],
        window,
        1,
        &Monitor::default(),
    )
    .unwrap();
    assert_eq!(counts[0], [1.0, 2.0, 3.0, 4.0, 1.0, 2.0]);
}

#[test]
fn threads_and_the_order_of_rows_change_nothing() {
    let mut stream = Stream::new(8, 8);
    let n = 200_000;
    let mut time = 0;
    let times: Vec<i64> = (0..n)
        .map(|_| {
            time += stream.below(200_000) as i64;
            time
        })
        .collect();
    let mut draw = |most: u64| -> Vec<u32> { (0..n).map(|_| stream.below(most) as u32).collect() };
    let (keys, lengths, flags) = (draw(50), draw(1_500), draw(64));
    let (to, ports, from) = (draw(30), draw(9), draw(70));
    let rows = Rows {
        keys: &keys,
        n_keys: 50,
        times: &times,
        lengths: &lengths,
        flags: &flags,
        destinations: &to,
        destination_ports: &ports,
        source_ports: &from,
    };
    let all: Vec<_> = Feature::ALL.iter().map(|(_, feature)| *feature).collect();
    let ask = |rows: &Rows, threads| {
        let answers = features(rows, &all, 500_000_000, threads, &Monitor::default()).unwrap();
        let bits = |column: Vec<f64>| column.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        answers.into_iter().map(bits).collect::<Vec<_>>()
    };
    let expected = ask(&rows, 1);
    assert!(expected == ask(&rows, 3));
    // Rows of one key after those of another.
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&row| keys[row]);
    let take = |column: &[u32]| order.iter().map(|&row| column[row]).collect::<Vec<_>>();
    let sorted_times: Vec<_> = order.iter().map(|&row| times[row]).collect();
    let columns = [&keys, &lengths, &flags, &to, &ports, &from].map(|column| take(column));
    let sorted = Rows {
        keys: &columns[0],
        times: &sorted_times,
        lengths: &columns[1],
        flags: &columns[2],
        destinations: &columns[3],
        destination_ports: &columns[4],
        source_ports: &columns[5],
        n_keys: 50,
    };
    for (expected, found) in expected.iter().zip(ask(&sorted, 2)) {
        assert!(
            order
                .iter()
                .zip(found)
                .all(|(&row, value)| expected[row] == value)
        );
    }
}
