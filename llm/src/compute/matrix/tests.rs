//! Products held to a plain reference: numbers as candle reads the file's blocks, multiplied one by one.

use candle_core::Tensor;
use candle_core::quantized::QTensor;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::simd::InstructionSet;

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
fn matrix(format: GgmlDType, rows: usize, columns: usize) -> (Matrix, Vec<f32>) {
    let random = Tensor::from_vec(numbers(rows * columns, 1), (rows, columns), &Device::Cpu).unwrap();
    let file = QTensor::quantize(&random, format).unwrap();
    let read = file.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let mut arena = Arena::new([Matrix::packed_bytes(format, rows, columns)].into_iter()).unwrap();
    let bytes = file.data().unwrap();
    let read_rows = |first: usize, into: &mut [u8]| {
        into.copy_from_slice(&bytes[first * (bytes.len() / rows)..][..into.len()]);
        Ok(())
    };
    let packed = Matrix::pack(Processor::start(), &mut arena, format, (rows, columns), read_rows).unwrap();
    (packed, read)
}

fn activations(
    processor: Processor,
    rows: usize,
    columns: usize,
    rounding: Rounding,
) -> (Activations, Vec<f32>) {
    let numbers = numbers(rows * columns, 2);
    let mut activations = Activations::default();
    activations.fill(processor, rows, columns, rounding, |row, into| {
        into.copy_from_slice(&numbers[row * columns..(row + 1) * columns]);
    });
    (activations, numbers)
}

/// The numbers that the bytes of a row stand for.
fn rounded(activations: &Activations, row: usize) -> Vec<f64> {
    let blocks = 0..activations.columns().div_ceil(BLOCK);
    let number = |block| {
        let spans = activations.spans(block, row);
        let values = activations.values(block, row).iter().enumerate();
        values.map(move |(at, &value)| f64::from(value) * f64::from(spans[at / SPAN].scale))
    };
    blocks.flat_map(number).collect()
}

/// Products of some rows with a matrix, with the given instructions.
fn products(processor: Processor, matrix: &Matrix, activations: &Activations) -> Vec<f32> {
    let mut products = vec![f32::NAN; activations.rows() * matrix.rows];
    multiply(processor, activations, &mut [Target::set(matrix, &mut products)]);
    products
}

/// Columns that every format has whole blocks of, and that are no whole blocks of activations where they can be.
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
        // Activations that are rounded for another matrix, too, may be rounded in blocks.
        let rounding = if fine { Matrix::rounding(&[&matrix]) } else { Rounding::Blocks };
        // What is brought to Q8_0 is not the file's number to the last bit.
        let exact = !Matrix::recodes(FORMATS[at]);
        for instructions in InstructionSet::available() {
            let processor = Processor::start().with(instructions);
            let (activations, _) = activations(processor, count, columns, rounding);
            let products = products(processor, &matrix, &activations);
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
            matrix.row(Processor::start(), row, &mut unpacked);
            let expected = &numbers[row * columns..(row + 1) * columns];
            let largest = expected.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
            let tolerance = if Matrix::recodes(format) { largest * 6e-3 } else { largest * 1e-6 };
            for (number, expected) in unpacked.iter().zip(expected) {
                assert!((number - expected).abs() <= tolerance, "{format:?}: {number}, not {expected}");
            }
        }
    }
}

#[test]
fn activations_are_rounded_to_a_255th_of_what_they_share_a_scale_with() {
    for (rounding, together) in [(Rounding::Blocks, BLOCK), (Rounding::Spans, SPAN)] {
        let (activations, numbers) = activations(Processor::start(), 3, 544, rounding);
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

/// Conversations are computed together, and nobody's answer may depend on whom with.
#[test]
fn a_row_is_computed_alike_alone_and_among_others() {
    for instructions in InstructionSet::available() {
        let processor = Processor::start().with(instructions);
        let (matrix, _) = matrix(GgmlDType::Q4K, 70, 512);
        let (all, numbers) = activations(processor, 131, 512, Rounding::Blocks);
        let together = products(processor, &matrix, &all);
        for row in [0, 5, 64, 130] {
            let mut alone = Activations::default();
            alone.fill(processor, 1, 512, Rounding::Blocks, |_, into| {
                into.copy_from_slice(&numbers[row * 512..(row + 1) * 512]);
            });
            assert_eq!(products(processor, &matrix, &alone), &together[row * 70..(row + 1) * 70]);
        }
    }
}

#[test]
fn products_are_added_where_they_are_to_be_added() {
    let processor = Processor::start();
    let (matrix, _) = matrix(GgmlDType::Q8_0, 33, 64);
    let (activations, _) = activations(processor, 2, 64, Rounding::Spans);
    let products = products(processor, &matrix, &activations);
    let mut sums = vec![1.0; products.len()];
    multiply(processor, &activations, &mut [Target::add(&matrix, &mut sums)]);
    assert!(sums.iter().zip(&products).all(|(sum, product)| *sum == 1.0 + product));
}

#[test]
fn what_cannot_be_read_or_has_no_room_is_an_error() {
    let pack = |arena: &mut Arena, read: fn(usize, &mut [u8]) -> io::Result<()>| {
        Matrix::pack(Processor::start(), arena, GgmlDType::Q4K, (1, 256), read)
    };
    let room_for_one = || Arena::new([Matrix::packed_bytes(GgmlDType::Q4K, 1, 256)].into_iter()).unwrap();
    let gone = |_: usize, _: &mut [u8]| Err(io::ErrorKind::UnexpectedEof.into());
    assert!(matches!(pack(&mut room_for_one(), gone), Err(LoadError::Unreadable(_))));
    let mut arena = room_for_one();
    assert!(pack(&mut arena, |_, _| Ok(())).is_ok());
    assert!(pack(&mut arena, |_, _| Ok(())).is_err());
}
