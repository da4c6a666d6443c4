//! Compares products with a plain reference: numbers as candle reads them from the file's blocks, multiplied one by
//! one.

use std::io;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::compute::backend::CpuBackend;
use crate::compute::matrix::activations::{ActivationFormat, Activations};
use crate::compute::matrix::arena::Arena;
use crate::compute::matrix::geometry::{BLOCK, SUPER_BLOCK};
use crate::compute::matrix::matmul::{Product, matmul};
use crate::compute::matrix::packed_matrix::PackedMatrix;
use crate::compute::simd::instruction_set::InstructionSet;
use crate::error::LoadError;

const FORMATS: [GgmlDType; 12] = [
    GgmlDType::Q4K,
    GgmlDType::Q6K,
    GgmlDType::Q4_0,
    GgmlDType::Q4_1,
    GgmlDType::Q8_0,
    GgmlDType::Q5_0,
    GgmlDType::Q5_1,
    GgmlDType::Q2K,
    GgmlDType::Q3K,
    GgmlDType::Q5K,
    GgmlDType::F16,
    GgmlDType::F32,
];

/// Numbers around 0, some of them large.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut number = || random.next_u32() as f32 / u32::MAX as f32 - 0.5;
    (0..count).map(|at| number() * if at % 97 == 0 { 20.0 } else { 1.0 }).collect()
}

/// A random matrix in a file's format, packed, and its numbers as candle reads them.
fn matrix(format: GgmlDType, rows: usize, columns: usize) -> (PackedMatrix, Vec<f32>) {
    let random = Tensor::from_vec(numbers(rows * columns, 1), (rows, columns), &Device::Cpu).unwrap();
    let file = QTensor::quantize(&random, format).unwrap();
    let read = file.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let mut arena = Arena::new([PackedMatrix::packed_bytes(format, rows, columns)].into_iter()).unwrap();
    let bytes = file.data().unwrap();
    let read_rows = |first: usize, into: &mut [u8]| {
        into.copy_from_slice(&bytes[first * (bytes.len() / rows)..][..into.len()]);
        Ok(())
    };
    let packed =
        PackedMatrix::pack(CpuBackend::start(), &mut arena, format, (rows, columns), read_rows).unwrap();
    (packed, read)
}

fn activations(
    backend: CpuBackend,
    rows: usize,
    columns: usize,
    format: ActivationFormat,
) -> (Activations, Vec<f32>) {
    let numbers = numbers(rows * columns, 2);
    let mut activations = Activations::default();
    activations.quantize(backend, (rows, columns), format, |row, into| {
        into.copy_from_slice(&numbers[row * columns..(row + 1) * columns]);
    });
    (activations, numbers)
}

/// The numbers that the quantized values of a row stand for.
fn rounded(activations: &Activations, row: usize) -> Vec<f64> {
    let blocks = 0..activations.columns().div_ceil(SUPER_BLOCK);
    let number = |block| {
        let blocks = activations.blocks(block, row);
        let values = activations.values(block, row).iter().enumerate();
        values.map(move |(at, &value)| f64::from(value) * f64::from(blocks[at / BLOCK].scale))
    };
    blocks.flat_map(number).collect()
}

/// The products of some rows with a matrix.
fn products(backend: CpuBackend, matrix: &PackedMatrix, activations: &Activations) -> Vec<f32> {
    let mut products = vec![f32::NAN; activations.rows() * matrix.rows];
    matmul(backend, activations, &mut [Product::store(matrix, &mut products)]);
    products
}

/// Columns that are whole blocks of the format, and no whole super-blocks where that is possible.
fn columns(format: GgmlDType, blocks: usize) -> usize {
    if format.block_size() == 256 { 256 * blocks } else { 224 * blocks }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn products_are_those_of_the_files_numbers(
        at in 0..FORMATS.len(), rows in 1usize..80, blocks in 1usize..4, count in 1usize..14,
        fine: bool,
    ) {
        let columns = columns(FORMATS[at], blocks);
        let (matrix, numbers) = matrix(FORMATS[at], rows, columns);
        // Activations that another matrix needs, too, may be quantized by super-block.
        let format = if fine { PackedMatrix::activation_format(&[&matrix]) } else { ActivationFormat::Q8K };
        // Requantized weights are not the file's numbers to the last bit.
        let exact = !PackedMatrix::requantizes(FORMATS[at]);
        for instructions in InstructionSet::available() {
            let backend = CpuBackend::start().with(instructions);
            let (activations, _) = activations(backend, count, columns, format);
            let products = products(backend, &matrix, &activations);
            for (row, products) in products.chunks_exact(rows).enumerate() {
                let factors = rounded(&activations, row);
                for (product, weights) in products.iter().zip(numbers.chunks_exact(columns)) {
                    let terms = || weights.iter().zip(&factors).map(|(w, a)| f64::from(*w) * a);
                    let (sum, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
                    let largest = weights.iter().fold(0.0_f64, |largest, w| largest.max(f64::from(w.abs())));
                    let step = if exact { 0.0 } else { largest / 127.0 };
                    let tolerance = size * 1e-5 + factors.iter().map(|a| a.abs() * step * 0.51).sum::<f64>();
                    prop_assert!(
                        (f64::from(*product) - sum).abs() <= tolerance,
                        "{:?} with {instructions:?}: {product}, not {sum}", FORMATS[at]
                    );
                }
            }
        }
    }
}

#[test]
fn rows_come_out_as_the_file_has_them() {
    for format in FORMATS {
        let columns = columns(format, 2);
        let (matrix, numbers) = matrix(format, 40, columns);
        for row in [0, 17, 39] {
            let mut unpacked = vec![0.0; columns];
            matrix.dequantize_row(CpuBackend::start(), row, &mut unpacked);
            let expected = &numbers[row * columns..(row + 1) * columns];
            let largest = expected.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
            let tolerance = if PackedMatrix::requantizes(format) { largest * 6e-3 } else { largest * 1e-6 };
            for (number, expected) in unpacked.iter().zip(expected) {
                assert!((number - expected).abs() <= tolerance, "{format:?}: {number}, not {expected}");
            }
        }
    }
}

#[test]
fn activations_are_rounded_to_a_255th_of_what_they_share_a_scale_with() {
    for (format, together) in [(ActivationFormat::Q8K, SUPER_BLOCK), (ActivationFormat::Q8_0, BLOCK)] {
        let (activations, numbers) = activations(CpuBackend::start(), 3, 544, format);
        for (row, numbers) in numbers.chunks_exact(544).enumerate() {
            for (values, numbers) in rounded(&activations, row).chunks(together).zip(numbers.chunks(together))
            {
                let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
                for (value, number) in values.iter().zip(numbers) {
                    assert!((value - f64::from(*number)).abs() <= f64::from(largest / 127.0) * 0.501);
                }
            }
        }
    }
}

/// Sequences are computed in batches, and no answer may depend on what else is in the batch.
#[test]
fn a_row_is_computed_alike_alone_and_among_others() {
    for instructions in InstructionSet::available() {
        let backend = CpuBackend::start().with(instructions);
        let (matrix, _) = matrix(GgmlDType::Q4K, 70, 512);
        let (all, numbers) = activations(backend, 131, 512, ActivationFormat::Q8K);
        let together = products(backend, &matrix, &all);
        for row in [0, 5, 64, 130] {
            let mut alone = Activations::default();
            alone.quantize(backend, (1, 512), ActivationFormat::Q8K, |_, into| {
                into.copy_from_slice(&numbers[row * 512..(row + 1) * 512]);
            });
            assert_eq!(products(backend, &matrix, &alone), &together[row * 70..(row + 1) * 70]);
        }
    }
}

#[test]
fn products_are_added_where_they_are_to_be_added() {
    let backend = CpuBackend::start();
    let (matrix, _) = matrix(GgmlDType::Q8_0, 33, 64);
    let (activations, _) = activations(backend, 2, 64, ActivationFormat::Q8_0);
    let products = products(backend, &matrix, &activations);
    let mut sums = vec![1.0; products.len()];
    matmul(backend, &activations, &mut [Product::accumulate(&matrix, &mut sums)]);
    assert!(sums.iter().zip(&products).all(|(sum, product)| *sum == 1.0 + product));
}

#[test]
fn what_cannot_be_read_or_has_no_room_is_an_error() {
    let pack = |arena: &mut Arena, read: fn(usize, &mut [u8]) -> io::Result<()>| {
        PackedMatrix::pack(CpuBackend::start(), arena, GgmlDType::Q4K, (1, 256), read)
    };
    let room_for_one =
        || Arena::new([PackedMatrix::packed_bytes(GgmlDType::Q4K, 1, 256)].into_iter()).unwrap();
    let gone = |_: usize, _: &mut [u8]| Err(io::ErrorKind::UnexpectedEof.into());
    assert!(matches!(pack(&mut room_for_one(), gone), Err(LoadError::Unreadable(_))));
    let mut arena = room_for_one();
    assert!(pack(&mut arena, |_, _| Ok(())).is_ok());
    assert!(pack(&mut arena, |_, _| Ok(())).is_err());
}
