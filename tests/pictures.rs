//! Networks as pictures: each model has one, whole and well-formed, and some are held as texts.

use std::fs;
use std::path::Path;

use nnc::diagnostics::Sources;
use nnc::picture::{Picture, ShownRole, dot, svg};
use nnc::plan::Target;
use nnc::{ModelSource, compile};

mod geometry;
use geometry::assert_clear;

fn picture(path: &Path) -> Picture {
    let text = fs::read_to_string(path).expect("a model");
    let mut sources = Sources::new();
    let file = sources.add(path.display().to_string(), text);
    let source = ModelSource::new(&sources, file);
    let compiled = compile(&source, None, Target::Reference)
        .unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
    let text = |span| sources.text(span).to_owned();
    Picture::new(&compiled.name, &compiled.network, &text)
}

fn models() -> Vec<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = fs::read_dir(root.join("models"))
        .expect("the models")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "nn"))
        .collect();
    paths.extend(drawn());
    for entry in fs::read_dir(root.join("tests/parity")).expect("the fixtures") {
        let path = entry.expect("a readable entry").path().join("model.nn");
        if path.exists() {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}

/// Models whose pictures were hard to draw.
fn drawn() -> Vec<std::path::PathBuf> {
    let names = [
        "experts", "long", "nested", "residual", "several", "siamese", "wide",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    names
        .map(|name| folder.join(name).with_extension("nn"))
        .to_vec()
}

/// The elements of a text of XML are closed in the order in which they were opened.
fn assert_well_formed(name: &str, xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{name}: {text}");
        let ampersands = text.split('&').skip(1);
        assert!(
            ampersands
                .clone()
                .all(|rest| ["amp;", "lt;", "gt;", "quot;"]
                    .iter()
                    .any(|known| rest.starts_with(known))),
            "{name}: {text}"
        );
        assert!(tag.matches('"').count() % 2 == 0, "{name}: {tag}");
        let word = tag.split([' ', '/']).next().unwrap_or("");
        match (tag.strip_prefix('/'), tag.ends_with('/')) {
            (Some(word), _) => assert_eq!(open.pop(), Some(word), "{name}"),
            (None, true) => {}
            (None, false) => open.push(word),
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
}

#[test]
fn every_model_has_a_whole_picture() {
    let paths = models();
    assert!(paths.len() > 60);
    for path in paths {
        let name = path.display().to_string();
        let picture = picture(&path);
        let ends = picture.shown.len();
        assert!(ends >= 2, "{name}");
        for place in 0..ends {
            let touched = |flow: &nnc::picture::Flow| flow.from == place || flow.to == place;
            assert!(
                picture.flows.iter().any(touched),
                "{name}: {:?} stands alone",
                picture.shown[place]
            );
        }
        assert!(
            picture.flows.iter().all(|flow| flow.from < flow.to),
            "{name}"
        );
        let drawn = svg(&picture);
        assert_well_formed(&name, &drawn);
        assert_clear(&name, &picture, &drawn);
        assert_eq!(
            drawn.matches("marker-end").count(),
            picture.flows.len(),
            "{name}"
        );
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{name}");
    }
}

#[test]
fn pictures_are_texts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, path) in [
        ("thermometer", "models/thermometer.nn"),
        ("neurons", "models/neurons.nn"),
        ("nested", "tests/parity/composed-nested-f64/model.nn"),
        ("targets", "tests/parity/targets-f64/model.nn"),
        ("shared", "tests/parity/composed-siamese-f64/model.nn"),
        ("weights", "tests/parity/row-weights-targets-f64/model.nn"),
        ("penalties", "tests/parity/penalties-f64/model.nn"),
        ("several", "tests/pictures/several.nn"),
        ("long", "tests/pictures/long.nn"),
        ("folded", "tests/pictures/folded.nn"),
    ] {
        insta::with_settings!({
            snapshot_path => "snapshots/pictures",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, dot(&picture(&root.join(path))));
        });
    }
}

#[test]
fn every_input_has_its_name() {
    let names = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
        let inputs = picture(&path.join(file)).shown.into_iter();
        let inputs = inputs.filter(|shown| shown.role == ShownRole::Input);
        inputs
            .map(|shown| (shown.text, shown.lines.join("|"), shown.note))
            .collect::<Vec<_>>()
    };
    let owned =
        |text: &str, lines: &str, note: &str| (text.to_owned(), lines.to_owned(), note.to_owned());
    assert_eq!(
        names("several.nn"),
        [
            owned("age, hours", "age, hours", "[2]"),
            owned("town", "town", "[3]"),
            owned(
                "curve, weight.start, the {end}, of weights",
                "curve, weight.start, … 3 inputs",
                "[columns of curve + 1 + 1]"
            ),
        ]
    );
    assert_eq!(
        names("long.nn")[0],
        owned(
            "a_first_measurement, a_second_measurement, a_third_measurement, a_fourth_measurement",
            "a_first_measurement, … 4 inputs",
            "[4]"
        )
    );
    let experts = names("experts.nn");
    assert_eq!(experts[0].0, "carat, depth, table, dims");
}

#[test]
fn bodies_have_frames_with_their_names() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    let frames = |file: &str| {
        let picture = svg(&picture(&path.join(file)));
        let bodies = geometry::bodies(&picture).into_iter();
        bodies
            .map(|body| (body.path, body.name))
            .collect::<Vec<_>>()
    };
    let owned = |(path, name): (&str, &str)| (path.to_owned(), name.to_owned());
    assert_eq!(
        frames("siamese.nn"),
        [("tower", "tower"), ("tower", "tower"), ("tower", "tower")].map(owned)
    );
    assert_eq!(
        frames("../parity/composed-siamese-f64/model.nn"),
        [("tower", "tower"), ("tower", "tower")].map(owned)
    );
    assert_eq!(
        frames("experts.nn")[..6],
        [
            ("dict", "dict"),
            ("dict.small", "small"),
            ("dict.big", "big"),
            ("dict.odd", "odd"),
            ("dict.odd.0", "0"),
            ("dict.odd.1", "1"),
        ]
        .map(owned)
    );
    assert_eq!(
        frames("nested.nn")[..9],
        [
            ("tower", "tower"),
            ("tower", "tower"),
            ("trunk", "trunk"),
            ("trunk.layers", "layers"),
            ("trunk.layers.0.0", "0.0"),
            ("trunk.layers.0.0.body", "body"),
            ("trunk.layers.0.0.body.0", "0"),
            ("trunk.layers.0.0.body.0.up", "up"),
            ("trunk.layers.0.0.body.1", "1"),
        ]
        .map(owned)
    );
}

#[test]
fn layers_stand_below_the_single_input_that_they_take() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/wide.nn");
    let picture = picture(&path);
    let boxes = geometry::boxes(&svg(&picture));
    for (place, shown) in picture.shown.iter().enumerate() {
        let mut flows = picture.flows.iter().filter(|flow| flow.to == place);
        let (Some(only), None) = (flows.next(), flows.next()) else {
            continue;
        };
        let apart = boxes[only.from].middle() - boxes[place].middle();
        assert!(apart.abs() < 1.0, "{}: {apart} apart", shown.text);
    }
}

#[test]
fn graphviz_is_given_the_bodies_as_clusters() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/nested.nn");
    let picture = picture(&path);
    let text = dot(&picture);
    let frames = geometry::bodies(&svg(&picture)).len();
    assert!(frames > 20);
    assert_eq!(text.matches("subgraph cluster_").count(), frames);
    assert_eq!(text.matches('{').count(), text.matches('}').count());
    for place in 0..picture.shown.len() {
        assert_eq!(text.matches(&format!(" n{place} [label=")).count(), 1);
    }
}

#[test]
fn long_repeats_are_drawn_once_with_their_number() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/folded.nn");
    let picture = picture(&path);
    let count = |text: &str| {
        let shown = picture.shown.iter();
        shown.filter(|shown| shown.text == text).count()
    };
    assert_eq!(count("Linear(8)\nline × 7"), 1);
    // Once in `trunk`, six times in the first iteration of `outer` and once in its residual: the first of the
    // six learns fewer numbers, and five are drawn whole.
    assert_eq!(count("Linear(8)"), 8);
    let bodies = geometry::bodies(&svg(&picture)).into_iter();
    let names: Vec<String> = bodies.map(|body| body.name).collect();
    assert_eq!(names[..2], ["trunk × 200", "0"]);
    assert!(names.contains(&"outer × 9".to_owned()));
    // What flows from the last iteration flows from the one that is drawn.
    let after = |text: &str| {
        let place = picture.shown.iter().position(|shown| shown.text == text);
        let flows = picture
            .flows
            .iter()
            .filter(move |flow| Some(flow.to) == place);
        let texts = flows.map(|flow| picture.shown[flow.from].text.as_str());
        texts.collect::<Vec<_>>()
    };
    assert_eq!(after("Linear(8)\nline × 7"), ["residual"]);
    assert_eq!(after("Linear(1)"), ["residual"]);
}
