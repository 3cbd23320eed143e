use ndarray::{Array2, ArrayView2, ShapeBuilder, array, s};

use super::*;
use crate::parallel::Monitor;
use crate::random::Stream;

fn settings(p: usize) -> FitSettings<'static> {
    FitSettings {
        n_estimators: 20,
        max_samples: 64,
        max_features: p,
        bootstrap: false,
        columns_per_split: 1,
        gain: 0.0,
        categorical: Vec::new(),
        sample_weight: None,
        seed: 3,
        first_tree: 0,
    }
}

fn normal(rows: usize, columns: usize) -> Array2<f64> {
    let mut random = Stream::new(11, 0);
    Array2::from_shape_simple_fn((rows, columns), || random.normal())
}

fn grow(x: ArrayView2<f64>, settings: &FitSettings) -> Forest {
    fit(x, settings, 1, &Monitor::default()).unwrap()
}

fn scores<T: Packed>(forest: &Forest, x: ArrayView2<T>) -> Vec<f64> {
    score_samples(forest, x, 1, &Monitor::default()).unwrap()
}

/// The forests of every kind of split, on data with missing values and, in column 3, categories.
fn kinds() -> (Array2<f64>, Vec<(&'static str, Forest)>) {
    let mut x = normal(300, 4);
    x.column_mut(3).mapv_inplace(|v| (3.0 * v).abs().floor());
    for i in (0..300).step_by(7) {
        x[[i, i % 4]] = f64::NAN;
    }
    let forest = |columns_per_split, gain, categorical: &[usize]| {
        let settings = FitSettings {
            columns_per_split,
            gain,
            categorical: categorical.to_vec(),
            ..settings(4)
        };
        grow(x.view(), &settings)
    };
    let kinds = vec![
        ("classic", forest(1, 0.0, &[])),
        ("gain", forest(1, 0.5, &[])),
        ("pooled", forest(2, 0.5, &[])),
        ("extended", forest(4, 0.0, &[])),
        ("categories", forest(1, 0.0, &[3])),
        ("extended with categories", forest(3, 0.3, &[3])),
    ];
    let both = kinds[0].1.extended_by(&kinds[2].1).unwrap();
    (x, kinds.into_iter().chain([("merged", both)]).collect())
}

/// The mean path length of a row, walked node by node.
fn slow_depth(forest: &Forest, row: &[f64]) -> f64 {
    let categorical = forest.is_categorical();
    let length = |t: usize| {
        let tree = forest.tree(t);
        let (mut at, mut depth) = (tree.start, 0.0);
        while forest.nodes.feature[at] != forest::LEAF {
            let right = forest.nodes.goes_right(at, &categorical, |c| row[c]);
            at = tree.start + forest.nodes.left[at] as usize + usize::from(right);
            depth += 1.0;
        }
        depth + average_path_length(forest.nodes.n_samples[at])
    };
    (0..forest.n_trees()).map(length).sum::<f64>() / forest.n_trees() as f64
}

#[test]
fn three_rows_in_a_line_are_parted_as_by_hand() {
    // One split parts 0 from 10 and 11 or 0 and 10 from 11; the limit is ceil(log2 3) = 2.
    let x = array![[0.0], [10.0], [11.0]];
    let settings = FitSettings {
        n_estimators: 400,
        max_samples: 3,
        ..settings(1)
    };
    let depths = depths(&grow(x.view(), &settings), x.view(), 1, &Monitor::default()).unwrap();
    // The first cut lies below 10 with chance 10/11: then 0 has depth 1, the others 2.
    let expected = [1.0 + 1.0 / 11.0, 2.0, 1.0 + 10.0 / 11.0];
    for (depth, expected) in depths.iter().zip(expected) {
        assert!((depth - expected).abs() < 0.05, "{depths:?}");
    }
}

#[test]
fn fast_paths_give_what_a_walk_gives() {
    let (x, kinds) = kinds();
    for (name, forest) in &kinds {
        let fast = depths(forest, x.view(), 1, &Monitor::default()).unwrap();
        for (row, fast) in x.rows().into_iter().zip(&fast) {
            let slow = slow_depth(forest, row.as_slice().unwrap());
            assert!((fast - slow).abs() < 1e-12, "{name}: {fast} {slow}");
        }
    }
}

#[test]
fn scores_do_not_depend_on_threads_batches_strides_or_type() {
    let (x, kinds) = kinds();
    let rounded = x.mapv(|v| v as f32);
    for (name, forest) in &kinds {
        let whole = scores(forest, x.view());
        let two = score_samples(forest, x.view(), 2, &Monitor::default()).unwrap();
        assert_eq!(whole, two, "{name}");
        for step in [1, 5, 16, 17, 100] {
            let parts = (0..300)
                .step_by(step)
                .flat_map(|i| scores(forest, x.slice(s![i..300.min(i + step), ..])));
            assert_eq!(whole, parts.collect::<Vec<_>>(), "{name} by {step}");
        }
        let mut by_column = Array2::zeros(x.raw_dim().f());
        by_column.assign(&x);
        assert_eq!(whole, scores(forest, by_column.view()), "{name}");
        let reversed = scores(forest, x.slice(s![..;-1, ..]));
        assert!(whole.iter().rev().eq(&reversed), "{name}");
        let single = scores(forest, rounded.view());
        let double = scores(forest, rounded.mapv(f64::from).view());
        assert_eq!(single, double, "{name}");
    }
}

#[test]
fn contributions_add_up_to_the_exponent() {
    let (x, kinds) = kinds();
    for (name, forest) in &kinds {
        let (parts, base) = explain(forest, x.view(), 1, &Monitor::default()).unwrap();
        let (two, _) = explain(forest, x.view(), 2, &Monitor::default()).unwrap();
        assert_eq!(parts, two, "{name}");
        assert!((base - 1.0).abs() < 1e-12, "{name}: {base}");
        for (row, score) in parts.chunks(4).zip(scores(forest, x.view())) {
            let exponent = base + row.iter().sum::<f64>();
            assert!((exponent + (-score).log2()).abs() < 1e-9, "{name}");
        }
    }
}

#[test]
fn contributions_of_any_number_of_columns_are_those_of_a_walk() {
    for p in [1, 3, 8, 12, 15, 19, 23, 27, 32, 35, 39, 44, 48, 49, 70] {
        let mut x = normal(200, p);
        x[[7, p / 2]] = f64::NAN;
        let mut forest = grow(x.view(), &settings(p));
        let (parts, base) = explain(&forest, x.view(), 1, &Monitor::default()).unwrap();
        assert!(matches!(forest.leaf_tables.get(), Some(Some(_))));
        forest.leaf_tables = None.into();
        let (walked, _) = explain(&forest, x.view(), 1, &Monitor::default()).unwrap();
        for (part, walked) in parts.iter().zip(walked) {
            assert!((part - walked).abs() < 1e-8, "{p}: {part}, not {walked}");
        }
        for (row, score) in parts.chunks(p).zip(scores(&forest, x.view())) {
            let exponent = base + row.iter().sum::<f64>();
            assert!((exponent + (-score).log2()).abs() < 1e-9, "{p}");
        }
    }
}

#[test]
fn the_column_that_sets_a_row_apart_is_named() {
    let mut x = normal(500, 5);
    x[[0, 3]] = 12.0;
    let forest = grow(x.view(), &settings(5));
    let row = x.slice(s![0..1, ..]);
    let (parts, _) = explain(&forest, row, 1, &Monitor::default()).unwrap();
    let least = (0..5).min_by(|&a, &b| parts[a].total_cmp(&parts[b]));
    assert_eq!(least, Some(3), "{parts:?}");
}

#[test]
fn trees_are_the_same_on_any_threads_and_in_any_portions() {
    let x = normal(400, 3);
    for columns_per_split in [1, 2] {
        let settings = FitSettings {
            columns_per_split,
            ..settings(3)
        };
        let whole = grow(x.view(), &settings);
        assert_eq!(
            whole,
            fit(x.view(), &settings, 3, &Monitor::default()).unwrap()
        );
        let first = FitSettings {
            n_estimators: 13,
            ..settings.clone()
        };
        let rest = FitSettings {
            n_estimators: 7,
            first_tree: 13,
            ..settings.clone()
        };
        let first = grow(x.view(), &first);
        assert_eq!(whole, first.extended_by(&grow(x.view(), &rest)).unwrap());
        assert_eq!(whole.subset(0..13).unwrap(), first);
        assert_ne!(whole.subset(7..20).unwrap(), first);
    }
}

#[test]
fn in_place_and_gathered_rows_grow_the_same_tree() {
    // 70,000 rows of 4 columns are too many to copy.
    let x = normal(70_000, 4);
    let settings = FitSettings {
        n_estimators: 2,
        max_samples: 70_000,
        ..settings(4)
    };
    let forest = grow(x.view(), &settings);
    assert_eq!(forest.depth.iter().max(), Some(&17));
    let fast = scores(&forest, x.slice(s![..200, ..]));
    let slow = x.rows().into_iter().take(200).map(|row| {
        let depth = slow_depth(&forest, row.as_slice().unwrap());
        -(-depth / average_path_length(70_000)).exp2()
    });
    for (fast, slow) in fast.iter().zip(slow) {
        assert!((fast - slow).abs() < 1e-12);
    }
}

#[test]
fn seconds_since_1970_keep_their_resolution() {
    let x = Array2::from_shape_fn((500, 1), |(i, _)| 1.7e9 + i as f64);
    let settings = FitSettings {
        n_estimators: 100,
        max_samples: 256,
        ..settings(1)
    };
    let mut scores = scores(&grow(x.view(), &settings), x.view());
    scores.sort_unstable_by(f64::total_cmp);
    scores.dedup();
    assert!(scores.len() > 400, "{}", scores.len());
}

#[test]
fn missing_values_never_seen_go_with_the_majority() {
    // Every cut of these parts 0 from the eight others, or leaves them together.
    let mut x = Array2::from_elem((9, 1), 1.0);
    x[[0, 0]] = 0.0;
    let settings = FitSettings {
        max_samples: 9,
        ..settings(1)
    };
    let forest = grow(x.view(), &settings);
    let answer = scores(&forest, array![[0.0], [1.0], [f64::NAN]].view());
    assert_eq!(answer[1], answer[2]);
    assert!(answer[0] < answer[1]);
}

#[test]
fn missing_values_seen_go_to_either_side() {
    let x = array![[0.0], [1.0], [f64::NAN], [f64::NAN]];
    let settings = FitSettings {
        n_estimators: 400,
        max_samples: 4,
        ..settings(1)
    };
    let forest = grow(x.view(), &settings);
    let right = (0..400).filter(|&t| forest.nodes.flags[forest.tree(t).start] == 1);
    let right = right.count();
    assert!((150..250).contains(&right), "{right}");
}

#[test]
fn columns_without_two_values_are_never_split() {
    let mut x = normal(100, 4);
    x.column_mut(0).fill(f64::NAN);
    x.column_mut(1).fill(7.0);
    for columns_per_split in [1, 4] {
        let settings = FitSettings {
            columns_per_split,
            ..settings(4)
        };
        let forest = grow(x.view(), &settings);
        assert!(!forest.nodes.feature.iter().any(|&f| f == 0 || f == 1));
        assert!(!forest.nodes.term_column.iter().any(|&c| c < 2));
        assert_eq!(forest.importances()[..2], [0.0; 2]);
        let mut elsewhere = x.clone();
        elsewhere.column_mut(0).fill(5.0);
        assert_eq!(scores(&forest, x.view()), scores(&forest, elsewhere.view()));
    }
    let nothing = Array2::from_elem((5, 2), f64::NAN);
    let settings = FitSettings {
        max_samples: 5,
        ..settings(2)
    };
    let forest = grow(nothing.view(), &settings);
    assert_eq!(scores(&forest, nothing.view()), [-0.5; 5]);
}

#[test]
fn a_category_never_seen_is_rarer_than_any_seen() {
    let x = Array2::from_shape_fn((600, 1), |(i, _)| f64::from(i as u32 % 10));
    let settings = FitSettings {
        n_estimators: 100,
        categorical: vec![0],
        ..settings(1)
    };
    let forest = grow(x.view(), &settings);
    let seen = scores(&forest, x.slice(s![..10, ..]));
    let unseen = scores(&forest, array![[65_535.0], [77.0]].view());
    assert_eq!(unseen[0], unseen[1]);
    assert!(seen.iter().all(|&s| s > unseen[0]), "{seen:?} {unseen:?}");
}

#[test]
fn one_row_and_one_tree_are_enough() {
    let x = array![[1.0, 2.0]];
    let settings = FitSettings {
        n_estimators: 1,
        max_samples: 1,
        ..settings(2)
    };
    let forest = grow(x.view(), &settings);
    assert_eq!(scores(&forest, x.view()), [-0.5]);
    let (parts, base) = explain(&forest, x.view(), 1, &Monitor::default()).unwrap();
    assert_eq!((parts, base), (vec![0.0, 0.0], 1.0));
    assert!(scores::<f64>(&forest, Array2::zeros((0, 2)).view()).is_empty());
}

#[test]
fn rows_drawn_twice_count_once() {
    let x = normal(30, 2);
    let settings = FitSettings {
        max_samples: 30,
        bootstrap: true,
        ..settings(2)
    };
    let forest = grow(x.view(), &settings);
    let roots = (0..20).map(|t| forest.nodes.n_samples[forest.tree(t).start]);
    assert!(
        roots.clone().all(|n| (10..30).contains(&n)),
        "{:?}",
        roots.collect::<Vec<_>>()
    );
    let (parts, base) = explain(&forest, x.view(), 1, &Monitor::default()).unwrap();
    for (row, score) in parts.chunks(2).zip(scores(&forest, x.view())) {
        assert!((base + row.iter().sum::<f64>() + (-score).log2()).abs() < 1e-9);
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let mut x = normal(100, 2);
    let forest = grow(x.view(), &settings(2));
    let monitor = Monitor::default();
    let message = |x: ArrayView2<f64>| {
        score_samples(&forest, x, 1, &monitor)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(normal(3, 3).view()),
        "X has 3 features, but this forest was fitted on 2"
    );
    x[[3, 1]] = f64::INFINITY;
    x[[40, 0]] = f64::NEG_INFINITY;
    let refusal = "X must be finite or missing (NaN), got inf in row 3, column 1";
    assert_eq!(message(x.view()), refusal);
    let mut by_column = Array2::zeros(x.raw_dim().f());
    by_column.assign(&x);
    assert_eq!(message(by_column.view()), refusal);
    assert_eq!(
        message(x.slice(s![3..4, ..])),
        refusal.replace("row 3", "row 0")
    );
    assert_eq!(find_infinite(x.view(), 2, &monitor), Ok(Some((3, 1))));
    let all = FitSettings {
        max_samples: 100,
        ..settings(2)
    };
    assert!(fit(x.view(), &all, 1, &monitor).is_err());
    let bad = |change: fn(&mut FitSettings)| {
        let mut settings = settings(2);
        change(&mut settings);
        fit(normal(100, 2).view(), &settings, 1, &monitor)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        bad(|s| s.max_samples = 101),
        "max_samples must be from 1 to 100, the number of rows, got 101"
    );
    assert_eq!(
        bad(|s| s.columns_per_split = 3),
        "columns_per_split must be from 1 to 2, the number of columns, got 3"
    );
    assert_eq!(
        bad(|s| s.gain = f64::NAN),
        "gain must be from 0 to 1, got NaN"
    );
    assert_eq!(
        bad(|s| s.categorical = vec![0]).split(", got").next(),
        Some("X must be whole category codes from 0 to 65535 in a categorical column")
    );
    assert!(
        forest
            .extended_by(&grow(normal(100, 3).view(), &settings(3)))
            .is_err()
    );
}

#[test]
fn a_file_brings_back_the_same_forest() {
    let (_, kinds) = kinds();
    for (name, forest) in &kinds {
        let bytes = forest.to_bytes().unwrap();
        let model = crate::model::Model::from_bytes(bytes).unwrap();
        assert_eq!(*forest, Forest::from_model(&model).unwrap(), "{name}");
    }
}

/// Files with right checksums whose arrays were changed byte by byte are refused, or score.
#[test]
fn a_hostile_file_is_refused_or_scores() {
    let (x, kinds) = kinds();
    let x = x.slice(s![..20, ..]);
    for (name, forest) in &kinds {
        let small = forest.subset(0..2).unwrap();
        let sound = small.to_bytes().unwrap();
        let mut read = 0;
        for at in 24..sound.len() {
            for value in [0, 0xff] {
                let mut bytes = sound.clone();
                bytes[at] = value;
                let crc = crc32fast::hash(&bytes[16..]);
                bytes[12..16].copy_from_slice(&crc.to_le_bytes());
                let model = crate::model::Model::from_bytes(bytes);
                if let Ok(forest) = model.and_then(|m| Forest::from_model(&m)) {
                    read += 1;
                    // Most changes leave a sound forest; a few of them are scored.
                    if read % 16 == 0 && forest.n_features() == 4 {
                        scores(&forest, x);
                        let _ = explain(&forest, x, 1, &Monitor::default());
                        forest.importances();
                    }
                }
            }
        }
        assert!(read > 0, "{name}");
    }
}
