//! What can be made bad in a plan: its steps, their operands and all places.

use nnc::plan::Plan;
use nnc::plan::step::{Columns, Instruction, Kernel, Matrix, Offset, Region, Source};

use super::corrupt_programs::{instruction, region};
use super::corruptions;

pub fn kernel(plan: &mut Plan, wanted: impl Fn(&Kernel) -> bool) -> &mut Kernel {
    let mut steps = plan.steps.iter_mut();
    let found = steps.find(|step| wanted(&step.kernel));
    &mut found.expect("the plan has such a step").kernel
}

fn position(plan: &Plan, wanted: impl Fn(&Kernel) -> bool) -> usize {
    let found = plan.steps.iter().position(|step| wanted(&step.kernel));
    found.expect("the plan has such a step")
}

fn is_forward(kernel: &Kernel) -> bool {
    matches!(kernel, Kernel::Forward { .. })
}

/// The weight, the input, the bias and the region of the last layer.
fn last_forward(plan: &mut Plan) -> (&mut Matrix, &mut Matrix, &mut Option<Offset>, &mut Region) {
    let mut kernels = plan.steps.iter_mut().rev().map(|step| &mut step.kernel);
    let found = kernels.find_map(|kernel| match kernel {
        Kernel::Forward {
            weight,
            input,
            bias,
            region,
        } => Some((weight, input, bias, region)),
        _ => None,
    });
    found.expect("there is a layer")
}

fn steps_in_another_order(plan: &mut Plan) {
    let first = position(plan, is_forward);
    plan.steps.swap(first, first + 1);
}

fn an_update_twice(plan: &mut Plan) {
    let last = plan.steps.last().unwrap().clone();
    plan.steps.push(last);
}

/// The step that updates the first weight runs before all that read it.
fn an_update_before_its_readers(plan: &mut Plan) {
    let at = plan.states.places[state(plan, "skip.fc.weight")].matrix.at;
    let stores =
        |step: &Instruction| matches!(step, Instruction::Store { at: to, .. } if *to == at);
    let regions = |kernel: &Kernel| {
        let mut regions = kernel.regions().into_iter().flatten();
        regions.any(|region| region.program.iter().any(stores))
    };
    let update = position(plan, regions);
    let gradient =
        |kernel: &Kernel| matches!(kernel, Kernel::DataGradient { weight, .. } if weight.at == at);
    let reader = position(plan, gradient);
    let step = plan.steps.remove(update);
    plan.steps.insert(reader.min(update), step);
}

fn state(plan: &Plan, name: &str) -> usize {
    let places = &plan.states.places;
    let found = places.iter().position(|place| place.state.name == name);
    found.unwrap_or_else(|| panic!("no state {name}"))
}

pub fn an_input_an_element_later(plan: &mut Plan) {
    last_forward(plan).1.at.0 += 1;
}

fn input_and_weight_swapped(plan: &mut Plan) {
    let (weight, input, ..) = last_forward(plan);
    std::mem::swap(&mut weight.at, &mut input.at);
}

fn a_stride_too_short(plan: &mut Plan) {
    last_forward(plan).1.stride -= 1;
}

fn a_stride_too_long(plan: &mut Plan) {
    last_forward(plan).1.stride += 1;
}

fn an_input_of_fewer_features(plan: &mut Plan) {
    last_forward(plan).1.features -= 1;
}

fn no_bias(plan: &mut Plan) {
    *last_forward(plan).2 = None;
}

fn the_bias_of_another_layer(plan: &mut Plan) {
    let other = plan.states.places[state(plan, "body.bias")].matrix.at;
    *last_forward(plan).2 = Some(other);
}

fn a_result_that_is_not_kept(plan: &mut Plan) {
    region(plan, |region| region.accumulator.is_some()).accumulator = None;
}

/// The first kept result goes where the second of its size is, which lives at the same time.
fn overlapping_lifetimes(plan: &mut Plan) {
    let mut regions = plan
        .steps
        .iter_mut()
        .flat_map(|step| step.kernel.regions_mut());
    let mut kept = regions
        .by_ref()
        .flatten()
        .filter_map(|region| region.accumulator.as_mut());
    let first = kept.next().unwrap();
    let second = kept.next().unwrap();
    *second = Offset(first.0 + 16);
}

fn put_first_result(plan: &mut Plan, at: Offset) {
    region(plan, |region| region.accumulator.is_some()).accumulator = Some(at);
}

fn a_result_over_the_inputs(plan: &mut Plan) {
    put_first_result(plan, plan.inputs.at);
}

fn a_result_over_a_parameter(plan: &mut Plan) {
    let weight = plan.states.places[state(plan, "head.weight")].matrix.at;
    put_first_result(plan, weight);
}

fn a_result_in_another_plans_part(plan: &mut Plan) {
    put_first_result(plan, Offset(plan.states.end));
}

fn an_arena_too_small(plan: &mut Plan) {
    plan.arena_end -= 64;
    plan.own_elements -= 64;
}

fn is_cross_entropy(kernel: &Kernel) -> bool {
    matches!(kernel, Kernel::CrossEntropy { .. })
}

fn other_target_weights(plan: &mut Plan) {
    if let Kernel::CrossEntropy { on, .. } = kernel(plan, is_cross_entropy) {
        *on = 0.5;
    }
}

fn classes_from_elsewhere(plan: &mut Plan) {
    if let Kernel::CrossEntropy { index, logits, .. } = kernel(plan, is_cross_entropy) {
        index.at = logits.at;
    }
}

fn rows_that_are_counted(plan: &mut Plan) {
    let rows = plan.batch.unwrap();
    last_forward(plan).3.columns = Columns::Fixed(rows);
}

fn tiles_without_columns(plan: &mut Plan) {
    last_forward(plan).3.tile_columns = 0;
}

fn is_concat(kernel: &Kernel) -> bool {
    matches!(kernel, Kernel::Concat { .. })
}

fn parts_in_another_order(plan: &mut Plan) {
    if let Kernel::Concat { parts, .. } = kernel(plan, is_concat) {
        parts.reverse();
    }
}

fn a_part_too_few(plan: &mut Plan) {
    if let Kernel::Concat { parts, .. } = kernel(plan, is_concat) {
        parts.pop();
    }
}

fn another_column_of_the_inputs(plan: &mut Plan) {
    let gathers = |kernel: &Kernel| matches!(kernel, Kernel::Gather { .. });
    if let Kernel::Gather { index, .. } = kernel(plan, gathers) {
        index.at.0 -= 1;
    }
}

fn an_update_of_another_state(plan: &mut Plan) {
    let [weight, other] =
        ["norm.weight", "norm.bias"].map(|name| plan.states.places[state(plan, name)].matrix.at);
    let stores =
        |step: &Instruction| matches!(step, Instruction::Store { at, .. } if *at == weight);
    if let Instruction::Store { at, .. } = instruction(plan, stores) {
        *at = other;
    }
}

fn states_at_each_others_place(plan: &mut Plan) {
    let [first, second] = ["norm.weight", "norm.bias"].map(|name| state(plan, name));
    let at = plan.states.places[first].matrix.at;
    plan.states.places[first].matrix.at = plan.states.places[second].matrix.at;
    plan.states.places[second].matrix.at = at;
}

fn states_upon_each_other(plan: &mut Plan) {
    let [first, second] = ["norm.weight", "norm.bias"].map(|name| state(plan, name));
    plan.states.places[first].matrix.at = plan.states.places[second].matrix.at;
}

fn scalars_at_each_others_place(plan: &mut Plan) {
    let first = plan.scalars[0].1;
    plan.scalars[0].1 = plan.scalars[1].1;
    plan.scalars[1].1 = first;
}

fn scalars_in_another_order(plan: &mut Plan) {
    plan.scalars.swap(0, 1);
}

pub fn the_loss_elsewhere(plan: &mut Plan) {
    plan.loss.as_mut().unwrap().0 += 16;
}

fn no_loss(plan: &mut Plan) {
    plan.loss = None;
}

fn a_watched_value_elsewhere(plan: &mut Plan) {
    plan.probes[0].matrix.at = plan.inputs.at;
}

fn inputs_of_another_width(plan: &mut Plan) {
    plan.inputs.features -= 1;
}

pub type Corruption = (&'static str, fn(&mut Plan));

/// What is made bad in a plan of training, besides its programs.
pub const OF_TRAINING: &[Corruption] = corruptions![
    steps_in_another_order,
    an_update_twice,
    an_update_before_its_readers,
    an_input_an_element_later,
    input_and_weight_swapped,
    a_stride_too_short,
    a_stride_too_long,
    an_input_of_fewer_features,
    no_bias,
    the_bias_of_another_layer,
    a_result_that_is_not_kept,
    overlapping_lifetimes,
    a_result_over_the_inputs,
    a_result_over_a_parameter,
    a_result_in_another_plans_part,
    an_arena_too_small,
    other_target_weights,
    classes_from_elsewhere,
    rows_that_are_counted,
    tiles_without_columns,
    parts_in_another_order,
    a_part_too_few,
    another_column_of_the_inputs,
    an_update_of_another_state,
    states_at_each_others_place,
    states_upon_each_other,
    scalars_at_each_others_place,
    scalars_in_another_order,
    the_loss_elsewhere,
    no_loss,
    a_watched_value_elsewhere,
    inputs_of_another_width,
];

fn another_prediction(plan: &mut Plan) {
    plan.prediction.as_mut().unwrap().at = plan.inputs.at;
}

fn a_parameter_moved(plan: &mut Plan) {
    let weight = plan.states.places[state(plan, "head.weight")].matrix;
    if let Kernel::Forward { region, .. } = kernel(plan, is_forward) {
        region.program.push(Instruction::Store {
            from: Source::Accumulator,
            at: weight.at,
            stride: region.features,
        });
    }
}

/// Of a plan that predicts.
pub const OF_PREDICTION: &[Corruption] = corruptions![another_prediction, a_parameter_moved,];
