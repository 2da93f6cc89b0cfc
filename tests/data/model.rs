//! A `data` section for tests, without the language's parser: one line a declaration, so that faults
//! have places to point to.

use nnc::data::spec::{
    Category, ColumnKind, ColumnPattern, ColumnSpec, DataSpec, Normalize, NumberPreparation, Role,
    Split,
};
use nnc::diagnostics::{FileId, Sources, Span};

/// Makes a spec of lines such as `input age: number`, `input "x*": number zscore`, `input v: vector
/// from "p*"`, `target y: category`, `target y: category no yes`, `ignore id`, `random 0.2 0.1`,
/// `random 0.2 0.1 by y`, `ordered 0.2 0.1`, `column fold`. The lines become the text `model.nn`.
pub fn model(lines: &[&str]) -> (DataSpec, Sources) {
    let text = lines.join("\n") + "\n";
    let mut sources = Sources::new();
    let file = sources.add("model.nn", text.clone());
    let mut spec = DataSpec {
        span: Span::new(file, 0..text.len()),
        ..DataSpec::default()
    };
    let mut start = 0;
    for line in lines {
        declare(&mut spec, file, start, line);
        start += line.len() + 1;
    }
    (spec, sources)
}

fn declare(spec: &mut DataSpec, file: FileId, start: usize, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let pattern = |word: &str| {
        let word = word.trim_end_matches(':');
        let at = start + line.find(word).expect("a word of the line");
        let text = word.trim_matches('"').to_owned();
        ColumnPattern {
            glob: word.starts_with('"') && text.contains(['*', '?']),
            text,
            span: Span::new(file, at..at + word.len()),
        }
    };
    let share = |at: usize| words[at].parse::<f64>().expect("a share");
    let span = Span::new(file, start..start + line.len());
    match words[0] {
        "input" | "target" => {
            let from = (words.get(3) == Some(&"from")).then(|| pattern(words[4]));
            let rest = match from {
                Some(_) => &words[5..],
                None => &words[3..],
            };
            let number = NumberPreparation {
                normalize: match rest.first() {
                    Some(&"zscore") => Normalize::ZScore,
                    Some(&"minmax") => Normalize::MinMax,
                    _ => Normalize::None,
                },
                ..NumberPreparation::default()
            };
            spec.columns.push(ColumnSpec {
                role: match words[0] {
                    "input" => Role::Input,
                    _ => Role::Target,
                },
                name: pattern(words[1]),
                from,
                kind: match words[2] {
                    "number" => ColumnKind::Number(number),
                    "vector" => ColumnKind::Vector(number),
                    "category" => ColumnKind::Category(Category {
                        values: (!rest.is_empty())
                            .then(|| rest.iter().map(|&value| value.to_owned()).collect()),
                        ..Category::default()
                    }),
                    other => panic!("no kind {other}"),
                },
                missing: None,
            });
        }
        "ignore" => spec.ignored.push(pattern(words[1])),
        "random" => {
            spec.split = Split::Random {
                validate: share(1),
                test: share(2),
                stratify: words.get(4).map(|word| pattern(word)),
                seed: 1,
                span,
            }
        }
        "ordered" => {
            spec.split = Split::Ordered {
                validate: share(1),
                test: share(2),
                span,
            }
        }
        "column" => {
            spec.split = Split::Column {
                name: pattern(words[1]),
                span,
            }
        }
        other => panic!("no declaration {other}"),
    }
}
