"""An isolation forest as an ONNX model of one tree ensemble and the formula of the score."""

import numpy as np

from linewatch import __version__, _core, _features

OPSET, ML_OPSET, IR_VERSION = 18, 3, 9
MISSING_RIGHT = 1  # of the flags of a node


def model(forest):
    """The ONNX model of a fitted :class:`linewatch.IsolationForest`."""
    arrays = forest._forest.arrays()
    _refuse(forest)
    try:
        import onnx
    except ImportError:
        raise ImportError('to_onnx needs onnx: pip install "linewatch[onnx]"') from None
    from onnx import TensorProto, helper, numpy_helper

    def constant(name, value, dtype=np.float64):
        return numpy_helper.from_array(np.asarray(value, dtype=dtype), name)

    def node(kind, inputs, output, **attributes):
        return helper.make_node(kind, inputs, [output], **attributes)

    ensemble = {
        name: numpy_helper.from_array(value, name) if name.endswith("_as_tensor") else value
        for name, value in _ensemble(arrays).items()
    }
    trees = node(
        "TreeEnsembleRegressor", ["X"], "exponent_32", domain="ai.onnx.ml", n_targets=1, **ensemble
    )
    formula = [
        node("Cast", ["exponent_32"], "exponent_column", to=TensorProto.DOUBLE),
        node("Squeeze", ["exponent_column", "axis"], "exponent"),
        node("Neg", ["exponent"], "negative"),
        node("Pow", ["two", "negative"], "anomaly_score"),
        node("Neg", ["anomaly_score"], "score_samples"),
        node("Less", ["score_samples", "offset"], "is_anomaly"),
        node("Where", ["is_anomaly", "minus_one", "one"], "label"),
    ]
    graph = helper.make_graph(
        [trees, *formula],
        "isolation_forest",
        [helper.make_tensor_value_info("X", TensorProto.DOUBLE, [None, forest.n_features_in_])],
        [
            helper.make_tensor_value_info("score_samples", TensorProto.DOUBLE, [None]),
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        ],
        [
            constant("axis", [1], np.int64),
            constant("two", 2.0),
            constant("offset", forest.offset_),
            constant("one", 1, np.int64),
            constant("minus_one", -1, np.int64),
        ],
    )
    imports = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    out = helper.make_model(
        graph, opset_imports=imports, producer_name="linewatch", producer_version=__version__
    )
    out.ir_version = IR_VERSION
    if (names := getattr(forest, "feature_names_in_", None)) is not None:
        helper.set_model_props(out, {"feature_names": "\n".join(map(str, names))})
    onnx.checker.check_model(out)
    return out


def _refuse(forest):
    """Splits that ONNX trees have not."""
    if forest._forest.is_oblique:
        raise ValueError(
            "ONNX trees split on one feature at a time, but this forest has splits over several "
            f'(preset={forest.preset!r}); fit preset="classic" for to_onnx'
        )
    if forest.categories_:
        columns = ", ".join(
            _features.column_name(forest, column) for column in sorted(forest.categories_)
        )
        raise ValueError(
            "ONNX trees have no splits of categories, but this forest has categorical features "
            f"({columns}); encode them as numbers for to_onnx"
        )


def _ensemble(arrays):
    """The attributes of a TreeEnsembleRegressor whose sum is the exponent of the score."""
    starts = arrays["tree_start"].astype(np.int64)
    sizes = np.diff(starts)
    n_trees, n_nodes = len(sizes), int(starts[-1])
    tree = np.repeat(np.arange(n_trees), sizes)
    place = np.arange(n_nodes) - starts[tree]
    feature = arrays["feature"].astype(np.int64)
    is_leaf = feature < 0
    left = arrays["left"].astype(np.int64)
    # A search that ends in a leaf of m rows goes on for c(m) steps more, on average.
    length = _depths(starts, tree, left, is_leaf) + _average_path_length(arrays["n_samples"])
    normal = _average_path_length(arrays["tree_samples"]).mean()
    weights = length / (n_trees * normal) if normal > 0 else np.full(n_nodes, 1.0 / n_trees)
    leaves = np.flatnonzero(is_leaf)
    return {
        "nodes_treeids": tree.tolist(),
        "nodes_nodeids": place.tolist(),
        "nodes_featureids": np.where(is_leaf, 0, feature).tolist(),
        "nodes_modes": ["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
        "nodes_values_as_tensor": np.where(is_leaf, 0.0, arrays["threshold"]),
        "nodes_truenodeids": np.where(is_leaf, 0, left).tolist(),
        "nodes_falsenodeids": np.where(is_leaf, 0, left + 1).tolist(),
        "nodes_missing_value_tracks_true": (~is_leaf & (arrays["flags"] & MISSING_RIGHT == 0))
        .astype(int)
        .tolist(),
        "target_treeids": tree[leaves].tolist(),
        "target_nodeids": place[leaves].tolist(),
        "target_ids": [0] * len(leaves),
        "target_weights_as_tensor": weights[leaves],
    }


def _average_path_length(n_samples):
    """That of an unsuccessful search among so many rows, for each of an array."""
    numbers, place = np.unique(n_samples, return_inverse=True)
    return np.array([_core.average_path_length(int(n)) for n in numbers])[place]


def _depths(starts, tree, left, is_leaf):
    """Splits above each node, level by level over all trees at once."""
    depth = np.zeros(len(left))
    level = starts[:-1]
    while len(level):
        level = level[~is_leaf[level]]
        children = starts[tree[level]] + left[level]
        depth[children] = depth[children + 1] = depth[level] + 1
        level = np.concatenate([children, children + 1])
    return depth
