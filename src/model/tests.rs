use super::*;

fn example() -> Vec<u8> {
    let (weights, codes) = ([1.5, f64::NAN, -0.0], [7u16, 9]);
    let mut table = Array::of(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
    table.shape = vec![2, 3];
    let arrays = [
        ("weights", Array::of(&weights)),
        ("codes", Array::of(&codes)),
        ("table", table),
        ("none", Array::of::<i64>(&[])),
    ];
    to_bytes("example", "{\"unit\": \"Mbit/s\"}", &arrays).unwrap()
}

fn message(bytes: Vec<u8>) -> String {
    Model::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn what_was_written_is_read() {
    let model = Model::from_bytes(example()).unwrap();
    assert_eq!(model.kind(), "example");
    assert_eq!(model.metadata(), "{\"unit\": \"Mbit/s\"}");
    let weights: Vec<f64> = model.array("weights").unwrap().to_vec().unwrap();
    assert!(weights[0] == 1.5 && weights[1].is_nan() && weights[2].is_sign_negative());
    assert_eq!(
        model.array("codes").unwrap().to_vec::<u16>(),
        Some(vec![7, 9])
    );
    assert_eq!(model.array("codes").unwrap().to_vec::<f64>(), None);
    assert_eq!(model.array("table").unwrap().shape, [2, 3]);
    assert_eq!(model.array("none").unwrap().bytes.len(), 0);
    assert!(model.array("other").is_none());
}

#[test]
fn a_file_is_mapped_and_replaced_as_a_whole() {
    let folder = std::env::temp_dir().join(format!("linewatch-model-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("m.model");
    for value in [1.0, 2.0] {
        write(&path, "k", "", &[("x", Array::of(&[value]))]).unwrap();
        let model = Model::open(&path).unwrap();
        assert_eq!(model.array("x").unwrap().to_vec(), Some(vec![value]));
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::write(&path, "").unwrap();
    let error = Model::open(&path).unwrap_err().to_string();
    assert_eq!(error, "is not a linewatch model file");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_damaged_byte_is_noticed() {
    let sound = example();
    for at in 0..sound.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[at] ^= flip;
            let text = message(bytes);
            let expected = match at {
                0..8 => "is not a linewatch model file",
                8..12 => "of the format, but this linewatch reads version 1",
                16..24 if text.contains("cut short") => "bytes of",
                _ => "is damaged (its checksum is wrong)",
            };
            assert!(text.contains(expected), "byte {at}: {text}");
        }
    }
}

#[test]
fn a_file_cut_anywhere_or_too_long_is_refused() {
    let sound = example();
    for length in 0..sound.len() {
        let text = message(sound[..length].to_vec());
        let expected = if length < 8 {
            "is not a linewatch"
        } else {
            "is cut short"
        };
        assert!(text.contains(expected), "{length}: {text}");
    }
    let mut longer = sound;
    longer.push(0);
    assert!(message(longer).contains("is damaged"));
}

/// Gives bytes a right checksum, as whoever means harm would.
fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32fast::hash(&bytes[CHECKED..]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[test]
fn a_hostile_directory_is_refused_or_read_within_the_file() {
    let sound = example();
    let directory = u64::from_le_bytes(sound[24..32].try_into().unwrap()) as usize;
    for at in 24..HEADER + directory {
        for value in [0, 1, 2, 0x7f, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[at] = value;
            if let Ok(model) = Model::from_bytes(seal(bytes)) {
                for (_, array) in model.arrays() {
                    let count: usize = array.shape.iter().product();
                    assert_eq!(count * array.dtype.size(), array.bytes.len());
                }
            }
        }
        // A length or a place as large as there is.
        let mut bytes = sound.clone();
        let end = (at + 8).min(HEADER + directory);
        bytes[at..end].fill(0xff);
        let _ = Model::from_bytes(seal(bytes));
    }
}

#[test]
fn two_arrays_of_one_name_are_not_written() {
    let one = [1.0];
    let arrays = [("x", Array::of(&one)), ("x", Array::of(&one))];
    let error = to_bytes("k", "", &arrays).unwrap_err().to_string();
    assert_eq!(error, "would hold two arrays named \"x\"");
}
