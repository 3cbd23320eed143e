//! A forest as a service takes it along: with the names of its columns, the categories it has
//! learned and the score below which a row is an anomaly.

use std::collections::HashMap;
use std::path::Path;

use ndarray::ArrayView2;

use super::forest::Forest;
use super::score::score_samples;
use super::store::KIND;
use crate::error::Error;
use crate::model::json::Value;
use crate::model::{Model, ModelError};
use crate::parallel::Monitor;

/// What a model file of a detector with a threshold of its own is of.
const THRESHOLDED: &str = "thresholded detector";
/// The threshold of a forest that nobody gave one.
const OFFSET: f64 = -0.5;
/// Texts that stand for a missing value in a table.
const MISSING: [&str; 10] = [
    "", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-", "#N/A",
];

/// A forest from a model file that Python's `IsolationForest.save` or `ThresholdedDetector.save`
/// wrote.
///
/// # Examples
///
/// The forest is grown and saved here; on a small box only the file is needed.
///
/// ```
/// use linewatch::iforest::{Detector, FitSettings, fit};
/// use linewatch::parallel::Monitor;
/// use ndarray::Array2;
///
/// let x = Array2::from_shape_fn((256, 2), |(i, j)| ((i * 37 + j * 11) % 100) as f64);
/// let settings = FitSettings {
///     n_estimators: 50,
///     max_samples: 256,
///     max_features: 2,
///     bootstrap: false,
///     columns_per_split: 1,
///     gain: 0.0,
///     categorical: Vec::new(),
///     sample_weight: None,
///     seed: 0,
///     first_tree: 0,
/// };
/// let forest = fit(x.view(), &settings, 1, &Monitor::default())?;
/// let path = std::env::temp_dir().join(format!("linewatch-doc-{}.lw", std::process::id()));
/// let text = r#"{"offset": -0.55, "feature_names_in": ["prb", "mbit_per_s"]}"#;
/// forest.save(&path, text, &[])?;
///
/// let detector = Detector::load(&path)?;
/// assert_eq!(detector.feature_names().unwrap(), ["prb", "mbit_per_s"]);
/// let scores = detector.score(&[50.0, 51.0, 900.0, f64::NAN])?; // two rows of two columns
/// assert!(!detector.is_anomaly(scores[0]) && detector.is_anomaly(scores[1]));
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Detector {
    forest: Forest,
    offset: f64,
    names: Option<Vec<String>>,
    /// What each column of categories knows, by column.
    categories: HashMap<usize, Categories>,
}

/// The categories of a column with their codes.
#[derive(Debug)]
struct Categories {
    /// Text to code; the only way if there is a text among them, or nothing at all.
    texts: HashMap<String, f64>,
    /// The bits of a number to its code; empty if there are texts.
    numbers: HashMap<u64, f64>,
    /// The code of what was never seen.
    unseen: f64,
}

impl Detector {
    /// Reads the model file at `path`.
    ///
    /// # Errors
    ///
    /// As [`Model::open`], and [`ModelError::Refused`] if the file holds another kind of model
    /// (its name is in the message) or a forest that is not sound.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        Self::from_model(&Model::open(path)?)
    }

    /// The detector of a model.
    ///
    /// # Errors
    ///
    /// As [`Detector::load`], the system aside.
    pub fn from_model(model: &Model) -> Result<Self, ModelError> {
        let text = model.metadata();
        let settings = if text.is_empty() {
            Value::Object(Vec::new())
        } else {
            Value::parse(text).ok_or_else(|| unsound("its settings are not JSON"))?
        };
        match model.kind() {
            KIND => Self::new(Forest::from_model(model)?, &settings, None),
            THRESHOLDED => Self::thresholded(model, &settings),
            kind => Err(other_kind(kind)),
        }
    }

    /// The forest inside one detector with a threshold or more, whose outermost threshold counts.
    fn thresholded(model: &Model, settings: &Value) -> Result<Self, ModelError> {
        let point = settings.get("operating_point");
        let threshold = point.and_then(|p| p.get("threshold")?.as_number());
        let threshold = threshold.ok_or_else(|| unsound("its threshold is missing"))?;
        let (mut name, mut settings) = (String::new(), settings);
        loop {
            let inner = settings.get("detector");
            let inner = inner.ok_or_else(|| unsound("its detector is missing"))?;
            let kind = inner.get("kind").and_then(Value::as_text).unwrap_or("");
            name.push_str("detector/");
            settings = inner.get("settings").unwrap_or(&Value::Null);
            match kind {
                THRESHOLDED => {}
                KIND => break,
                kind => return Err(other_kind(&format!("{THRESHOLDED} of {kind}"))),
            }
        }
        name.push_str("forest");
        let bytes = model.array(&name).and_then(|array| array.to_vec());
        let bytes = bytes.ok_or_else(|| unsound("its trees are missing"))?;
        let forest = Forest::from_model(&Model::from_bytes(bytes)?)?;
        Self::new(forest, settings, Some(threshold))
    }

    fn new(forest: Forest, settings: &Value, offset: Option<f64>) -> Result<Self, ModelError> {
        let offset = match (offset, settings.get("offset")) {
            (Some(offset), _) => offset,
            (None, None) => OFFSET,
            (None, Some(offset)) => offset
                .as_number()
                .ok_or_else(|| unsound("its offset is no number"))?,
        };
        let names = match settings.get("feature_names_in") {
            None | Some(Value::Null) => None,
            Some(names) => {
                let texts = names.as_list().into_iter().flatten();
                let names: Vec<String> = texts
                    .filter_map(|n| n.as_text().map(str::to_owned))
                    .collect();
                if names.len() != forest.n_features() {
                    return Err(unsound("its names are not those of its columns"));
                }
                Some(names)
            }
        };
        let mut categories = HashMap::new();
        let known = settings.get("categories").and_then(Value::as_list);
        for pair in known.into_iter().flatten() {
            let (column, known) = match pair.as_list() {
                Some([column, known]) => (column.as_number(), known.as_list()),
                _ => (None, None),
            };
            let is_column = |c: &usize| forest.categorical().contains(&(*c as u32));
            let column = column.map(|c| c as usize).filter(is_column);
            let (Some(column), Some(known)) = (column, known) else {
                return Err(unsound("its categories are not those of its columns"));
            };
            categories.insert(column, Categories::new(known)?);
        }
        Ok(Detector {
            forest,
            offset,
            names,
            categories,
        })
    }

    /// The trees.
    pub fn forest(&self) -> &Forest {
        &self.forest
    }

    /// Rows that score below it are anomalies.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// The columns by name, in their order; `None` if the forest was fitted on an array.
    pub fn feature_names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// A field of a table as the number that [`Detector::score`] takes: NaN for a missing value,
    /// the code of a category (one more than the last if it was never seen).
    ///
    /// Fields are read as `linewatch score` reads them. Missing are an empty field, `NA`, `N/A`,
    /// `NaN`, `nan`, `null`, `NULL`, `None`, `-` and `#N/A`; a category of text is compared as it
    /// is written.
    ///
    /// # Errors
    ///
    /// [`Error::Message`] if it is no number, or an infinite one.
    pub fn value(&self, column: usize, field: &str) -> Result<f64, Error> {
        if MISSING.contains(&field) {
            return Ok(f64::NAN);
        }
        let categories = self.categories.get(&column);
        if let Some(known) = categories.filter(|known| known.numbers.is_empty()) {
            return Ok(known.texts.get(field).copied().unwrap_or(known.unseen));
        }
        let refuse = |expected: &str| {
            let name = self.column_name(column);
            Error::Message(format!(
                "column {name} holds {field:?}; expected {expected}"
            ))
        };
        let number: f64 = field.trim().parse().map_err(|_| refuse("a number"))?;
        if number.is_infinite() {
            return Err(refuse("a finite number"));
        }
        Ok(categories.map_or(number, |known| known.number(number)))
    }

    /// The score of each row of `rows`, which lie one after the other: from -1 to 0, higher for
    /// the more normal one, the same bits as Python's `score_samples`.
    ///
    /// # Errors
    ///
    /// [`Error::Message`] if `rows` is no whole number of rows; [`Error::Argument`] if a value is
    /// infinite, or no code in a column of categories.
    pub fn score(&self, rows: &[f64]) -> Result<Vec<f64>, Error> {
        let (n, columns) = (rows.len(), self.forest.n_features());
        let x = ArrayView2::from_shape((n / columns, columns), rows);
        let x = x
            .ok()
            .filter(|_| n.is_multiple_of(columns))
            .ok_or_else(|| {
                Error::Message(format!(
                    "rows has {n} values, no multiple of its {columns} columns"
                ))
            })?;
        score_samples(&self.forest, x, 1, &Monitor::default())
    }

    /// Whether a row of that score is an anomaly.
    pub fn is_anomaly(&self, score: f64) -> bool {
        score < self.offset
    }

    /// 1 for a normal row, -1 for an anomaly, as Python's `predict`.
    pub fn label(&self, score: f64) -> i8 {
        if self.is_anomaly(score) { -1 } else { 1 }
    }

    /// The name of a column in quotes, or its number.
    fn column_name(&self, column: usize) -> String {
        match &self.names {
            Some(names) => format!("{:?}", names[column]),
            None => column.to_string(),
        }
    }
}

impl Categories {
    fn new(known: &[Value]) -> Result<Self, ModelError> {
        let is_text = known.iter().any(|value| value.as_text().is_some());
        let (mut texts, mut numbers) = (HashMap::new(), HashMap::new());
        for (code, value) in known.iter().enumerate() {
            let code = code as f64;
            match value {
                Value::Text(text) => drop(texts.insert(text.clone(), code)),
                // A table of texts never holds a number, as in Python.
                Value::Number(_) | Value::Bool(_) if is_text => {}
                Value::Number(number) => drop(numbers.insert(bits(*number), code)),
                Value::Bool(truth) => drop(numbers.insert(bits(f64::from(u8::from(*truth))), code)),
                _ => return Err(unsound("a category is neither text nor a number")),
            }
        }
        Ok(Categories {
            texts,
            numbers,
            unseen: known.len() as f64,
        })
    }

    fn number(&self, number: f64) -> f64 {
        if number.is_nan() {
            return number;
        }
        self.numbers
            .get(&bits(number))
            .copied()
            .unwrap_or(self.unseen)
    }
}

/// The same for 0 and -0.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

fn unsound(what: &str) -> ModelError {
    ModelError::Refused(format!("holds no sound detector: {what}"))
}

fn other_kind(kind: &str) -> ModelError {
    ModelError::Refused(format!(
        "holds a model of kind {kind:?}, which needs Python; without it an isolation forest is \
         read, alone or in a thresholded detector"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/models")
            .join(name)
    }

    /// Rows, scores and labels that `tests/models/make.py` wrote with the models.
    fn check(name: &str) -> Detector {
        let detector = Detector::load(&file(&format!("{name}.lw"))).unwrap();
        let table = std::fs::read_to_string(file(&format!("{name}.csv"))).unwrap();
        let columns = detector.forest().n_features();
        let (mut rows, mut expected) = (Vec::new(), Vec::new());
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let values = fields[..columns].iter().enumerate();
            rows.extend(values.map(|(j, field)| detector.value(j, field).unwrap()));
            let score: f64 = fields[columns].parse().unwrap();
            expected.push((score, fields[columns + 1].parse::<i8>().unwrap()));
        }
        let scores = detector.score(&rows).unwrap();
        assert_eq!(scores.len(), expected.len());
        for (found, (score, label)) in scores.iter().zip(expected) {
            // Powers and logarithms of another processor may differ in their last bit.
            assert!(
                (found - score).abs() <= 4.0 * f64::EPSILON,
                "{found}, not {score}"
            );
            assert_eq!(detector.label(*found), label);
        }
        detector
    }

    #[test]
    fn a_forest_that_python_saved_gives_pythons_scores() {
        let detector = check("forest");
        assert_eq!(
            detector.feature_names().unwrap(),
            ["prb", "mbit_per_s", "vendor", "bands"]
        );
        assert!(detector.forest().is_oblique());
        assert_eq!(detector.forest().categorical(), [2, 3]);
        for (column, field, value) in [
            (0, " 1e2 ", 100.0),
            (2, "alpha", 0.0),
            (2, "Alpha", 3.0),
            (3, "1", 0.0),
            (3, "3.0", 1.0),
            (3, "4", 3.0),
        ] {
            assert_eq!(detector.value(column, field), Ok(value), "{field}");
        }
        for (column, field) in [(0, ""), (0, " nan"), (2, ""), (2, "NA"), (3, "-")] {
            assert!(detector.value(column, field).unwrap().is_nan(), "{field}");
        }
        for (column, field, message) in [
            (
                0,
                "12,5",
                "column \"prb\" holds \"12,5\"; expected a number",
            ),
            (
                1,
                "-inf",
                "column \"mbit_per_s\" holds \"-inf\"; expected a finite number",
            ),
            (
                3,
                "many",
                "column \"bands\" holds \"many\"; expected a number",
            ),
        ] {
            let error = detector.value(column, field).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn the_outermost_threshold_of_a_calibrated_forest_counts() {
        let detector = check("thresholded");
        assert!(detector.feature_names().is_none());
        let inner = Detector::load(&file("forest.lw")).unwrap();
        assert_ne!(detector.offset(), inner.offset());
        let error = detector.score(&[1.0; 4]).unwrap_err().to_string();
        assert_eq!(error, "rows has 4 values, no multiple of its 3 columns");
        let error = detector.value(1, "x").unwrap_err().to_string();
        assert_eq!(error, "column 1 holds \"x\"; expected a number");
    }

    fn refusal(kind: &str, metadata: &str, arrays: &[(&str, crate::model::Array)]) -> String {
        let bytes = crate::model::to_bytes(kind, metadata, arrays).unwrap();
        let model = Model::from_bytes(bytes).unwrap();
        Detector::from_model(&model).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_forest_is_refused_by_name() {
        let way_out = "which needs Python; without it an isolation forest is read, alone or in a \
                       thresholded detector";
        assert_eq!(
            refusal("local outlier factor", "{}", &[]),
            format!("holds a model of kind \"local outlier factor\", {way_out}")
        );
        let point = r#"{"operating_point": {"threshold": -0.6}, "detector": "#;
        assert_eq!(
            refusal(
                THRESHOLDED,
                &format!("{point}{{\"kind\": \"autoencoder\"}}}}"),
                &[]
            ),
            format!("holds a model of kind \"thresholded detector of autoencoder\", {way_out}")
        );
        let unsound = |what: &str| format!("holds no sound detector: {what}");
        assert_eq!(
            refusal(THRESHOLDED, "{}", &[]),
            unsound("its threshold is missing")
        );
        let none = format!("{point}{{\"kind\": \"{KIND}\"}}}}");
        assert_eq!(
            refusal(THRESHOLDED, &none, &[]),
            unsound("its trees are missing")
        );
        assert_eq!(
            refusal(KIND, "{", &[]),
            unsound("its settings are not JSON")
        );
    }

    #[test]
    fn settings_that_do_not_fit_the_trees_are_refused() {
        let model = Model::open(&file("forest.lw")).unwrap();
        let arrays: Vec<_> = model.arrays().collect();
        for (settings, what) in [
            ("{\"offset\": \"low\"}", "its offset is no number"),
            (
                "{\"feature_names_in\": [\"a\"]}",
                "its names are not those of its columns",
            ),
            (
                "{\"categories\": [[0, []]]}",
                "its categories are not those of its columns",
            ),
            (
                "{\"categories\": [[2]]}",
                "its categories are not those of its columns",
            ),
            (
                "{\"categories\": [[2, [null]]]}",
                "a category is neither text nor a number",
            ),
        ] {
            let expected = format!("holds no sound detector: {what}");
            assert_eq!(refusal(KIND, settings, &arrays), expected, "{settings}");
        }
        let bytes = crate::model::to_bytes(KIND, "", &arrays).unwrap();
        let bare = Detector::from_model(&Model::from_bytes(bytes).unwrap()).unwrap();
        assert_eq!((bare.offset(), bare.feature_names()), (OFFSET, None));
    }
}
