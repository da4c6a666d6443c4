//! Multiplies the small matrices of attention, queries with keys and weights with values, in registers.

use crate::compute::simd::vector::{LANES, Simd};

/// Rows that one step of the innermost loop takes: with 32 columns that is 12 sums in registers.
pub(super) const ROW_TILE: usize = 6;

/// The left factor: rows of `width` numbers, `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct LeftMatrix {
    pub(super) numbers: *const f32,
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) rows: usize,
}

/// The right factor: at least as many rows as the left one is wide.
pub(super) trait RightMatrix: Copy {
    /// Numbers of a row, a multiple of sixteen.
    fn width(self) -> usize;

    /// Sixteen numbers of a row.
    ///
    /// # Safety
    ///
    /// The row has them, and the caller is a kernel.
    unsafe fn load<S: Simd>(self, simd: S, row: usize, column: usize) -> S::Floats;
}

/// Rows in full precision, one after the other.
#[derive(Clone, Copy)]
pub(super) struct F32Rows {
    pub(super) numbers: *const f32,
    pub(super) width: usize,
}

impl RightMatrix for F32Rows {
    #[inline(always)]
    fn width(self) -> usize {
        self.width
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, row: usize, column: usize) -> S::Floats {
        // SAFETY: the caller vouches that the row has the columns.
        unsafe { simd.load(self.numbers.add(row * self.width + column)) }
    }
}

/// A product to compute.
#[derive(Clone, Copy)]
pub(super) struct SmallMatmul<R> {
    pub(super) left: LeftMatrix,
    pub(super) right: R,
    pub(super) output: *mut f32,
    /// Whether the product is added to what the output holds, or replaces it.
    pub(super) accumulate: bool,
}

impl<R: RightMatrix> SmallMatmul<R> {
    /// Computes the product.
    ///
    /// # Safety
    ///
    /// The factors have the rows and columns they name, the output has room for the product, and the caller is a
    /// kernel.
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd>(self, simd: S) {
        let (rows, width) = (self.left.rows, self.right.width());
        // SAFETY: each tile has the rows and columns of the factors.
        unsafe {
            let mut column = 0;
            while column < width {
                let wide = width - column >= 2 * LANES;
                let mut row = 0;
                while row < rows {
                    match (wide, rows - row) {
                        (true, ROW_TILE..) => self.tile::<S, ROW_TILE, 2>(simd, row, column),
                        (true, 3..) => self.tile::<S, 3, 2>(simd, row, column),
                        (true, _) => self.tile::<S, 1, 2>(simd, row, column),
                        (false, ROW_TILE..) => self.tile::<S, ROW_TILE, 1>(simd, row, column),
                        (false, _) => self.tile::<S, 1, 1>(simd, row, column),
                    }
                    row += match (wide, rows - row) {
                        (_, ROW_TILE..) => ROW_TILE,
                        (true, 3..) => 3,
                        _ => 1,
                    };
                }
                column += if wide { 2 * LANES } else { LANES };
            }
        }
    }

    /// Computes `ROWS` rows and `VECTORS` times sixteen columns of the product.
    #[inline(always)]
    unsafe fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        self,
        simd: S,
        row: usize,
        column: usize,
    ) {
        let Self { left, right, output, accumulate } = self;
        // SAFETY: as for `run`.
        unsafe {
            let mut sums = [[simd.splat(0.0); VECTORS]; ROWS];
            for number in 0..left.width {
                let columns: [_; VECTORS] =
                    std::array::from_fn(|vector| right.load(simd, number, column + vector * LANES));
                for (at, sums) in sums.iter_mut().enumerate() {
                    let factor = simd.splat(*left.numbers.add((row + at) * left.stride + number));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = simd.multiply_add(factor, column, *sum);
                    }
                }
            }
            for (at, sums) in sums.into_iter().enumerate() {
                for (vector, sum) in sums.into_iter().enumerate() {
                    let to = output.add((row + at) * right.width() + column + vector * LANES);
                    simd.store(to, if accumulate { simd.add(simd.load(to), sum) } else { sum });
                }
            }
        }
    }
}
