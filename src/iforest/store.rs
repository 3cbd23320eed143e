//! Forests in model files, and the checks that make scoring safe whatever the file holds.

use std::path::Path;

use super::forest::{DEEPEST, Forest, LEAF, Nodes, OBLIQUE, Parts};
use super::layout::depths;
use crate::model::{self, Array, Element, Model, ModelError};

/// What a model file of a forest is of.
pub const KIND: &str = "isolation forest";
/// What the names of a forest's own arrays begin with.
const PREFIX: &str = "forest/";

impl Forest {
    /// Calls `f` with the arrays of a file; `extra` are the caller's own.
    fn with_arrays<R>(
        &self,
        extra: &[(&str, Array)],
        f: impl FnOnce(&[(&str, Array)]) -> R,
    ) -> Result<R, ModelError> {
        if let Some((name, _)) = extra.iter().find(|(name, _)| name.starts_with(PREFIX)) {
            let message = format!("cannot hold {name:?}: names in {PREFIX} are the forest's own");
            return Err(ModelError::Refused(message));
        }
        let shape = [self.n_features as u64, self.columns_per_split as u64];
        let (gain, nodes) = ([self.gain], &self.nodes);
        let mut arrays = vec![
            ("forest/shape", Array::of(&shape)),
            ("forest/gain", Array::of(&gain)),
            ("forest/categorical", Array::of(&self.categorical)),
            ("forest/tree_start", Array::of(&self.tree_start)),
            ("forest/tree_samples", Array::of(&self.tree_samples)),
            ("forest/feature", Array::of(&nodes.feature)),
            ("forest/threshold", Array::of(&nodes.threshold)),
            ("forest/left", Array::of(&nodes.left)),
            ("forest/n_samples", Array::of(&nodes.n_samples)),
            ("forest/flags", Array::of(&nodes.flags)),
            ("forest/term_start", Array::of(&nodes.term_start)),
            ("forest/term_column", Array::of(&nodes.term_column)),
            ("forest/term_coef", Array::of(&nodes.term_coef)),
            ("forest/term_mean", Array::of(&nodes.term_mean)),
            ("forest/term_spread", Array::of(&nodes.term_spread)),
            ("forest/set_start", Array::of(&nodes.set_start)),
            ("forest/set_code", Array::of(&nodes.set_code)),
        ];
        arrays.extend(extra.iter().cloned());
        Ok(f(&arrays))
    }

    /// Calls `f` with the name and values of each flat array.
    pub fn visit(&self, mut f: impl FnMut(&str, Array)) {
        let both = self.with_arrays(&[], |arrays| {
            for (name, array) in arrays {
                f(&name[PREFIX.len()..], array.clone());
            }
        });
        both.expect("no names that clash");
    }

    /// The forest as bytes, as [`Forest::save`] writes them.
    ///
    /// # Errors
    ///
    /// As [`Forest::save`], the system aside.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        self.with_arrays(&[], |arrays| model::to_bytes(KIND, "", arrays))?
    }

    /// Writes the forest to a model file, with the caller's text and arrays.
    ///
    /// # Errors
    ///
    /// As [`model::write`], and if a name of `extra` begins with `forest/`.
    pub fn save(
        &self,
        path: &Path,
        metadata: &str,
        extra: &[(&str, Array)],
    ) -> Result<(), ModelError> {
        self.with_arrays(extra, |arrays| model::write(path, KIND, metadata, arrays))?
    }

    /// The forest of the model file at `path`; [`Detector`](super::Detector) knows its names too.
    ///
    /// # Errors
    ///
    /// As [`Model::open`] and [`Forest::from_model`].
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        Self::from_model(&Model::open(path)?)
    }

    /// The forest of a model.
    ///
    /// # Errors
    ///
    /// [`ModelError::Refused`] if the model is of something else, or its arrays make no forest.
    pub fn from_model(model: &Model) -> Result<Self, ModelError> {
        if model.kind() != KIND {
            let message = format!("holds a model of kind {:?}, not {KIND:?}", model.kind());
            return Err(ModelError::Refused(message));
        }
        parts(model)
            .and_then(Forest::new)
            .map_err(|what| ModelError::Refused(format!("holds no sound forest: {what}")))
    }

    /// The arrays of a model that are not the forest's own.
    pub fn extra(model: &Model) -> impl Iterator<Item = (&str, Array<'_>)> {
        model.arrays().filter(|(name, _)| !name.starts_with(PREFIX))
    }
}

fn parts(model: &Model) -> Result<Parts, String> {
    fn read<T: Element>(model: &Model, name: &str) -> Result<Vec<T>, String> {
        let array = model.array(&format!("{PREFIX}{name}"));
        let values = array.and_then(|a| a.to_vec());
        values.ok_or_else(|| format!("{name} is missing or of another type"))
    }
    let (shape, gain) = (read(model, "shape")?, read(model, "gain")?);
    let (&[n_features, columns_per_split], &[gain]) = (shape.as_slice(), gain.as_slice()) else {
        return Err("its shape has another length".to_owned());
    };
    let count = |n: u64| usize::try_from(n).map_err(|_| format!("{n} columns"));
    Ok(Parts {
        n_features: count(n_features)?,
        columns_per_split: count(columns_per_split)?,
        gain,
        categorical: read(model, "categorical")?,
        tree_start: read(model, "tree_start")?,
        tree_samples: read(model, "tree_samples")?,
        nodes: Nodes {
            feature: read(model, "feature")?,
            threshold: read(model, "threshold")?,
            left: read(model, "left")?,
            n_samples: read(model, "n_samples")?,
            flags: read(model, "flags")?,
            term_start: read(model, "term_start")?,
            term_column: read(model, "term_column")?,
            term_coef: read(model, "term_coef")?,
            term_mean: read(model, "term_mean")?,
            term_spread: read(model, "term_spread")?,
            set_start: read(model, "set_start")?,
            set_code: read(model, "set_code")?,
        },
    })
}

fn ensure(sound: bool, what: &str) -> Result<(), String> {
    if sound { Ok(()) } else { Err(what.to_owned()) }
}

/// Whether `starts` rise from 0 to `end` in `n` steps.
fn starts(starts: &[u64], n: usize, end: usize) -> bool {
    starts.len() == n + 1 && starts[0] == 0 && starts[n] == end as u64 && starts.is_sorted()
}

/// Checks that every descent stays in its tree, reads columns that exist and ends; gives the depth
/// of each tree.
pub(crate) fn check(parts: &Parts) -> Result<Vec<u32>, String> {
    let (nodes, p) = (&parts.nodes, parts.n_features);
    ensure(p > 0 && p <= i32::MAX as usize, "its number of columns")?;
    let per_split = (1..=p).contains(&parts.columns_per_split);
    ensure(
        per_split && (0.0..=1.0).contains(&parts.gain),
        "its settings",
    )?;
    let codes = &parts.categorical;
    let ascending = codes.is_sorted_by(|a, b| a < b);
    ensure(
        ascending && codes.iter().all(|&c| (c as usize) < p),
        "its categorical columns",
    )?;
    let n = nodes.len();
    let lengths = [
        nodes.threshold.len(),
        nodes.left.len(),
        nodes.n_samples.len(),
        nodes.flags.len(),
    ];
    ensure(lengths == [n; 4], "arrays of different lengths")?;
    let trees = parts.tree_samples.len();
    ensure(
        trees > 0 && starts(&parts.tree_start, trees, n),
        "the starts of its trees",
    )?;
    let terms = nodes.term_column.len();
    let lengths = [
        nodes.term_coef.len(),
        nodes.term_mean.len(),
        nodes.term_spread.len(),
    ];
    ensure(lengths == [terms; 3], "terms of different lengths")?;
    let none = nodes.term_start.is_empty() && terms == 0;
    ensure(
        none || starts(&nodes.term_start, n, terms),
        "the starts of its terms",
    )?;
    let set = nodes.set_code.len();
    let none = nodes.set_start.is_empty() && set == 0;
    ensure(
        none || starts(&nodes.set_start, n, set),
        "the starts of its categories",
    )?;
    let finite = |values: &[f64]| values.iter().all(|v| v.is_finite());
    ensure(
        finite(&nodes.term_coef) && finite(&nodes.term_mean) && finite(&nodes.term_spread),
        "terms that are not finite",
    )?;
    ensure(
        nodes.term_column.iter().all(|&c| (c as usize) < p),
        "the columns of its terms",
    )?;
    (0..trees)
        .map(|t| {
            let tree = parts.tree_start[t] as usize..parts.tree_start[t + 1] as usize;
            check_tree(parts, tree, parts.tree_samples[t])
                .map_err(|what| format!("{what} of tree {t}"))
        })
        .collect()
}

fn check_tree(parts: &Parts, tree: std::ops::Range<usize>, samples: u32) -> Result<u32, String> {
    let nodes = &parts.nodes;
    ensure(
        !tree.is_empty() && tree.len() < u32::MAX as usize,
        "the length",
    )?;
    let root = nodes.n_samples[tree.start];
    ensure((1..=samples).contains(&root), "the rows")?;
    // Children come in the order of their parents, so each node but the root has one parent.
    let mut next = 1;
    for i in 0..tree.len() {
        let node = tree.start + i;
        let (feature, left) = (nodes.feature[node], nodes.left[node] as usize);
        if feature == LEAF {
            let itself = left == i && nodes.threshold[node] == f64::INFINITY;
            ensure(itself && nodes.terms(node).is_empty(), "a leaf")?;
            continue;
        }
        ensure(
            left == next && left + 1 < tree.len() && left > i,
            "the order",
        )?;
        next += 2;
        let child = |w: usize| u64::from(nodes.n_samples[tree.start + w]);
        let both = child(left) + child(left + 1);
        let rows = both == u64::from(nodes.n_samples[node]) && child(left).min(child(left + 1)) > 0;
        ensure(rows, "the rows")?;
        ensure(nodes.threshold[node].is_finite(), "a threshold")?;
        let is_oblique = feature == OBLIQUE && !nodes.terms(node).is_empty();
        let is_column =
            feature >= 0 && (feature as usize) < parts.n_features && nodes.terms(node).is_empty();
        ensure(is_oblique || is_column, "a column")?;
        ensure(nodes.set(node).is_sorted_by(|a, b| a < b), "a category")?;
    }
    ensure(next == tree.len(), "the order")?;
    let depth = depths(nodes, tree).into_iter().max().unwrap_or(0);
    ensure(depth <= DEEPEST, "the depth")?;
    Ok(depth)
}
