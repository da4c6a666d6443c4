//! Models stored in bytes, computed in bytes.
//!
//! Some int8 models keep their weights as bytes but turn them into floats before they multiply, so that they are
//! small without being fast. The weights are columns of bytes with one scale each, which is exactly what the processor's
//! byte instructions multiply: only the other side, the activations, must be rounded to bytes too.
//!
//! ```text
//! before   MatMul(x, Mul(Cast(bytes), scales))
//! after    x8, xs, xz = DynamicQuantizeLinear(x)
//!          Mul(Cast(MatMulInteger(x8, bytes, xz)), Mul(xs, scales))
//! ```
//!
//! Products that narrow stay as they are: what goes into them comes out of the network's nonlinearity, where a few values
//! are far larger than all others and leave the others few steps.
//!
//! Measured with the starter embedder, floats / bytes for all / bytes but where it narrows: texts a second 40 / 80 / 64,
//! cosine to the vectors by floats 1 / .996 / .998, dense recall@1 on XQuAD-en .884 / .882 / .885.

use std::collections::{HashMap, HashSet};

use prost::Message;

use super::onnx::{FLOAT, Graph, INT8, Model, Node, Tensor};

/// The model with its products in bytes where that is known to be the same product and the processor is made for
/// it; else, and when there is anything in the file that is not understood, the file as it is.
pub(super) fn with_byte_products(file: Vec<u8>) -> Vec<u8> {
    if !multiplies_bytes() {
        return file;
    }
    match Model::decode(file.as_slice()) {
        // What is not understood is lost in decoding, and would be missing.
        Ok(mut model) if model.encoded_len() == file.len() => {
            let replaced = model.graph.as_mut().map_or(0, replace_products);
            if replaced == 0 { file } else { model.encode_to_vec() }
        }
        _ => file,
    }
}

/// Whether bytes are multiplied and summed without loss and faster than floats. Older x86 processors have an
/// instruction that overflows.
fn multiplies_bytes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("dotprod");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// Weights as they are stored: names of the bytes and of the scales, one for each column.
struct ByteWeights {
    bytes: String,
    scales: String,
}

/// Replaces what can be; returns how many products that were.
fn replace_products(graph: &mut Graph) -> usize {
    let weights = byte_weights(graph);
    let mut rounded = HashSet::<String>::new();
    let mut rows = Vec::new();
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node) {
        let found = node.input.get(1).filter(|_| node.is("MatMul")).and_then(|name| weights.get(name));
        let ([x, _], [product], Some(found)) = (&node.input[..], &node.output[..], found) else {
            nodes.push(node);
            continue;
        };
        let [x8, x_scale, x_zero] = ["bytes", "scale", "zero"].map(|part| format!("{x}:{part}"));
        // Queries, keys and values are products of one and the same text.
        if rounded.insert(x.clone()) {
            nodes.push(Node::new("DynamicQuantizeLinear", &[x], &[&x8, &x_scale, &x_zero]));
        }
        let [sums, floats, scales, row] =
            ["sums", "floats", "scales", "row"].map(|part| format!("{product}:{part}"));
        nodes.extend([
            Node::new("MatMulInteger", &[&x8, &found.bytes, &x_zero], &[&sums]),
            Node::cast_to_float(&sums, &floats),
            Node::new("Mul", &[&x_scale, &row], &[&scales]),
            Node::new("Mul", &[&floats, &scales], &[product]),
        ]);
        if let Some(scales) = graph.initializer.iter().find(|tensor| tensor.name() == found.scales) {
            // As a vector: the runtime fuses the whole product into one step only then.
            rows.push(scales.reshaped(row, scales.dims[1..].to_vec()));
        }
    }
    graph.node = nodes;
    let replaced = rows.len();
    graph.initializer.extend(rows);
    replaced
}

/// Tensors that are `Mul(Cast(bytes), scales)` with a matrix of bytes that does not narrow and one scale for each of its
/// columns.
fn byte_weights(graph: &Graph) -> HashMap<String, ByteWeights> {
    let stored: HashMap<&str, &Tensor> =
        graph.initializer.iter().map(|tensor| (tensor.name(), tensor)).collect();
    let casts: HashMap<&str, &str> = graph
        .node
        .iter()
        .filter(|node| node.is("Cast"))
        .filter_map(|node| Some((node.output.first()?.as_str(), node.input.first()?.as_str())))
        .collect();
    let scaled = graph.node.iter().filter(|node| node.is("Mul")).filter_map(|node| {
        let ([left, right], [output]) = (&node.input[..], &node.output[..]) else { return None };
        let bytes = casts.get(left.as_str())?;
        let is_matrix_with_scales = match (stored.get(bytes), stored.get(right.as_str())) {
            (Some(bytes), Some(scales)) => {
                let [rows, columns] = bytes.dims[..] else { return None };
                let types = (bytes.data_type(), scales.data_type());
                types == (INT8, FLOAT) && scales.dims == [1, columns] && rows <= columns
            }
            _ => false,
        };
        let weights = ByteWeights { bytes: (*bytes).to_owned(), scales: right.clone() };
        is_matrix_with_scales.then(|| (output.clone(), weights))
    });
    scaled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_stays_as_it_is() {
        for file in [&b"not a model"[..], b"", &[0xff; 64]] {
            assert_eq!(with_byte_products(file.to_vec()), file);
        }
    }

    fn tensor(name: &str, data_type: i32, dims: &[i64]) -> Tensor {
        let mut tensor = Tensor::default().reshaped(name.to_owned(), dims.to_vec());
        tensor.data_type = Some(data_type);
        tensor
    }

    /// `x` times a matrix of that shape, stored in bytes with scales of the other.
    fn graph(bytes: &[i64], scales: &[i64]) -> Graph {
        let mut graph = Graph::default();
        graph.node = vec![
            Node::cast_to_float("w8", "w"),
            Node::new("Mul", &["w", "s"], &["weights"]),
            Node::new("MatMul", &["x", "weights"], &["q"]),
            Node::new("MatMul", &["x", "weights"], &["k"]),
            Node::new("MatMul", &["q", "k"], &["scores"]),
        ];
        graph.initializer = vec![tensor("w8", INT8, bytes), tensor("s", FLOAT, scales)];
        graph
    }

    #[test]
    fn products_with_byte_weights_are_replaced_and_others_are_not() {
        let mut graph = graph(&[2, 3], &[1, 3]);
        assert_eq!(replace_products(&mut graph), 2);
        let count = |op: &str| graph.node.iter().filter(|node| node.is(op)).count();
        assert_eq!((count("MatMulInteger"), count("DynamicQuantizeLinear"), count("MatMul")), (2, 1, 1));
        assert_eq!(graph.initializer.last().unwrap().dims, [3]);
    }

    #[test]
    fn scales_of_rows_and_products_that_narrow_are_left() {
        assert_eq!(replace_products(&mut graph(&[2, 3], &[2, 1])), 0);
        assert_eq!(replace_products(&mut graph(&[2, 3], &[3])), 0);
        assert_eq!(replace_products(&mut graph(&[3, 2], &[1, 2])), 0);
    }
}
