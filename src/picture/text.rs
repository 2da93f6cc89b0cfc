//! The texts of a picture: on one line or two, and cut where they are long.

/// Longer lines of boxes are cut.
const LONGEST_LINE: usize = 36;
/// Longer names of bodies are cut.
pub const LONGEST_NAME: usize = 24;

/// A text of the model on one line. Of a stage with a body the body is shown beside it.
pub fn in_one_line(text: &str) -> String {
    let text = text.split('{').next().unwrap_or("");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a box: the layer stands below its names where both are too long for one.
pub fn lines(text: &str) -> Vec<String> {
    let layer = layer(text);
    let names = text[..text.len() - layer.len()].trim_end();
    if text.chars().count() > LONGEST_LINE && !names.is_empty() {
        vec![cut(names, LONGEST_LINE), cut(layer, LONGEST_LINE)]
    } else {
        vec![cut(text, LONGEST_LINE)]
    }
}

/// What follows the names `label:` and `value =`.
fn layer(text: &str) -> &str {
    let is_name = |word: &str| {
        word.chars()
            .all(|c| c.is_alphanumeric() || "_.".contains(c))
    };
    let mut rest = text;
    loop {
        let found = [": ", " = "].map(|mark| rest.split_once(mark));
        let next = found.into_iter().flatten().find(|(name, _)| is_name(name));
        match next {
            Some((_, layer)) => rest = layer,
            None => return rest,
        }
    }
}

/// The names of inputs that stand together, given one a line: the first few and how many they are.
pub fn names(all: &str) -> String {
    let names: Vec<&str> = all.lines().collect();
    let all = names.join(", ");
    if all.chars().count() <= LONGEST_LINE {
        return all;
    }
    let rest = format!("… {} inputs", names.len());
    let mut first = String::new();
    for name in &names {
        let length = first.chars().count() + name.chars().count() + 2 + rest.chars().count();
        if length > LONGEST_LINE {
            break;
        }
        first.push_str(name);
        first.push_str(", ");
    }
    first + &rest
}

/// A text without its middle, if it is longer than so many letters: its end tells as much as its beginning.
pub fn cut(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let end = most / 3;
    let beginning: String = letters[..most - end - 1].iter().collect();
    let end: String = letters[letters.len() - end..].iter().collect();
    format!("{}…{}", beginning.trim_end(), end.trim_start())
}

#[cfg(test)]
mod tests {
    use super::{in_one_line, lines, names};

    #[test]
    fn texts_are_of_one_line() {
        assert_eq!(
            in_one_line("Linear(8,\n    bias = false)"),
            "Linear(8, bias = false)"
        );
        assert_eq!(
            in_one_line("skip: residual { Linear(8) }"),
            "skip: residual"
        );
    }

    #[test]
    fn a_long_label_leaves_the_layer_its_line() {
        assert_eq!(lines("h = fc: Linear(8)"), ["h = fc: Linear(8)"]);
        assert_eq!(
            lines("value = a_long_label_for_the_first_layer: Linear(8, bias = false)"),
            [
                "value = a_long_label_fo…first_layer:",
                "Linear(8, bias = false)"
            ]
        );
        assert_eq!(
            lines("Linear(8, weight = a_very_long_name.of_a.layer)"),
            ["Linear(8, weight = a_ve….of_a.layer)"]
        );
    }

    #[test]
    fn of_many_inputs_the_first_are_named() {
        assert_eq!(names("age\nhours"), "age, hours");
        assert_eq!(
            names("sepal_length\nsepal_width\npetal_length\npetal_width"),
            "sepal_length, … 4 inputs"
        );
        assert_eq!(names(&format!("{}\nb", "a".repeat(40))), "… 2 inputs");
    }
}
