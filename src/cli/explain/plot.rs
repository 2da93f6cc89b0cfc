//! A function of one number drawn in braille: each character is a grid of two by four dots.

use nnc::graph::scalar::{Exact, ScalarFunction};

const COLUMNS: usize = 49;
const ROWS: usize = 13;
const DOTS_ACROSS: usize = 2;
const DOTS_DOWN: usize = 4;

/// The arguments drawn, from -REACH to REACH.
const REACH: f64 = 4.0;

/// The bits of a braille character's dots, by row and column.
const DOTS: [[u32; DOTS_ACROSS]; DOTS_DOWN] =
    [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// The function from -4 to 4, with its axes where they are in sight, and numbers beside them.
pub fn plot(function: ScalarFunction) -> String {
    let width = COLUMNS * DOTS_ACROSS;
    let height = ROWS * DOTS_DOWN;
    let argument = |dot: usize| REACH * (2.0 * dot as f64 / (width - 1) as f64 - 1.0);
    let values: Vec<f64> = (0..width)
        .map(|dot| function.value(Exact(argument(dot))).0)
        .collect();
    let least = values.iter().copied().fold(0.0, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    // Whole numbers at the ends, so that what stands beside the axis is short.
    let (low, high) = (least.floor(), most.ceil().max(least.floor() + 1.0));
    let row_of = |value: f64| {
        let share = (value - low) / (high - low);
        ((1.0 - share) * (height - 1) as f64).round() as usize
    };
    let mut grid = vec![[0_u32; COLUMNS]; ROWS];
    let mut set = |across: usize, down: usize| {
        let cell = &mut grid[down / DOTS_DOWN][across / DOTS_ACROSS];
        *cell |= DOTS[down % DOTS_DOWN][across % DOTS_ACROSS];
    };
    let zero = row_of(0.0);
    // The axes are dotted, the function is drawn through.
    for across in (0..width).step_by(4) {
        set(across, zero);
    }
    for down in (0..height).step_by(4) {
        set(width / 2, down);
    }
    let mut before = row_of(values[0]);
    for (across, value) in values.iter().enumerate() {
        let down = row_of(*value);
        for between in before.min(down)..=before.max(down) {
            set(across, between);
        }
        before = down;
    }
    let labels = [(0, high), (ROWS - 1, low), (zero / DOTS_DOWN, 0.0)];
    let mut text = String::new();
    for (index, cells) in grid.iter().enumerate() {
        let label = labels.iter().find(|(row, _)| *row == index);
        let label = label.map_or(String::new(), |(_, value)| format!("{value}"));
        let cells = cells
            .iter()
            .map(|dots| char::from_u32(0x2800 + dots).unwrap_or(' '));
        text.push_str(&format!("{label:>3} {}\n", cells.collect::<String>()));
    }
    let middle = COLUMNS / 2;
    text.push_str(&format!("   {:<middle$} 0{:>middle$}\n", -REACH, REACH));
    text
}
