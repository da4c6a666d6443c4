//! Reads and writes the protocol buffer messages of an ONNX model. Field numbers are those of `onnx.proto` (IR 13).
//!
//! Messages that are not inspected are kept as bytes, which have the same encoding.

use prost::Message;

/// A model file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(int64, optional, tag = "1")]
    ir_version: Option<i64>,
    #[prost(string, optional, tag = "2")]
    producer_name: Option<String>,
    #[prost(string, optional, tag = "3")]
    producer_version: Option<String>,
    #[prost(string, optional, tag = "4")]
    domain: Option<String>,
    #[prost(int64, optional, tag = "5")]
    model_version: Option<i64>,
    #[prost(string, optional, tag = "6")]
    doc_string: Option<String>,
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<Graph>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    opset_import: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "14")]
    metadata_props: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "25")]
    functions: Vec<Vec<u8>>,
}

/// The network.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Graph {
    /// In topological order.
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<Node>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    /// Weights.
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<Tensor>,
    #[prost(string, optional, tag = "10")]
    doc_string: Option<String>,
    #[prost(bytes = "vec", repeated, tag = "11")]
    input: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "12")]
    output: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "13")]
    value_info: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "14")]
    quantization_annotation: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "15")]
    sparse_initializer: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "16")]
    metadata_props: Vec<Vec<u8>>,
}

/// An operation.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    /// Names of tensors.
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    /// Names of tensors.
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, optional, tag = "3")]
    name: Option<String>,
    #[prost(string, optional, tag = "4")]
    op_type: Option<String>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    attribute: Vec<Vec<u8>>,
    #[prost(string, optional, tag = "6")]
    doc_string: Option<String>,
    #[prost(string, optional, tag = "7")]
    domain: Option<String>,
    #[prost(string, optional, tag = "8")]
    overload: Option<String>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    metadata_props: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "10")]
    device_configurations: Vec<Vec<u8>>,
}

/// An integer attribute of an operation. Only written: attributes that are read stay bytes.
#[derive(Clone, PartialEq, Message)]
struct IntAttribute {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(int64, optional, tag = "3")]
    i: Option<i64>,
    #[prost(int32, optional, tag = "20")]
    kind: Option<i32>,
}

/// Weights, or a constant.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    /// Its shape.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub(super) dims: Vec<i64>,
    /// See [`INT8`] and [`FLOAT`].
    #[prost(int32, optional, tag = "2")]
    pub(super) data_type: Option<i32>,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    int64_data: Vec<i64>,
    #[prost(string, optional, tag = "8")]
    pub(super) name: Option<String>,
    #[prost(bytes = "vec", optional, tag = "9")]
    raw_data: Option<Vec<u8>>,
    #[prost(string, optional, tag = "12")]
    doc_string: Option<String>,
    /// Location of weights in another file.
    #[prost(bytes = "vec", repeated, tag = "13")]
    external_data: Vec<Vec<u8>>,
    #[prost(int32, optional, tag = "14")]
    data_location: Option<i32>,
}

/// [`Tensor::data_type`] of 32-bit floats; also what [`Node::cast_to_float`] casts to.
pub(super) const FLOAT: i32 = 1;

/// [`Tensor::data_type`] of signed bytes.
pub(super) const INT8: i32 = 3;

/// `AttributeProto.AttributeType.INT`.
const ATTRIBUTE_INT: i32 = 2;

impl Node {
    /// An operation of the default operator set.
    pub(super) fn new(op_type: &str, input: &[&str], output: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            op_type: Some(op_type.to_owned()),
            input: owned(input),
            output: owned(output),
            ..Self::default()
        }
    }

    /// A cast to 32-bit floats.
    pub(super) fn cast_to_float(input: &str, output: &str) -> Self {
        let to =
            IntAttribute { name: Some("to".to_owned()), i: Some(FLOAT.into()), kind: Some(ATTRIBUTE_INT) };
        Self { attribute: vec![to.encode_to_vec()], ..Self::new("Cast", &[input], &[output]) }
    }

    /// Whether it is this operation of the default operator set.
    pub(super) fn is(&self, op_type: &str) -> bool {
        self.op_type() == op_type && self.domain().is_empty()
    }
}

impl Tensor {
    /// The same values with another name and shape.
    pub(super) fn reshaped(&self, name: String, dims: Vec<i64>) -> Self {
        Self { name: Some(name), dims, ..self.clone() }
    }
}
