//! `nnc fmt`: what it writes, and what it leaves alone.

use std::io::Write;
use std::process::Stdio;

use crate::Folder;

const MESSY: &str = "net{\na=x->Tanh   # a comment\n}\n";
const CLEAN: &str = "net {\n    a = x -> Tanh  # a comment\n}\n";

#[test]
fn files_are_written_whole_and_those_in_form_are_not_touched() {
    let folder = Folder::new("fmt");
    folder.write("messy.nn", MESSY);
    folder.write("clean.nn", CLEAN);
    let path = folder.path.join("clean.nn");
    let changed = |path: &std::path::Path| {
        let about = std::fs::metadata(path).expect("a file");
        about.modified().expect("a time")
    };
    let before = changed(&path);
    let ran = folder.nnc(&["fmt", "messy.nn", "clean.nn"]).ends(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert_eq!(folder.read("messy.nn"), CLEAN);
    assert_eq!(changed(&path), before);
    assert_eq!(folder.names("."), ["clean.nn", "messy.nn"]);
}

#[test]
fn a_check_shows_the_difference_and_writes_nothing() {
    let folder = Folder::new("fmt-check");
    folder.write("messy.nn", MESSY);
    folder.write("clean.nn", CLEAN);
    folder.write("ends.nn", CLEAN.replacen('\n', "\r\n", 1));
    let ran = folder
        .nnc(&["fmt", "--check", "messy.nn", "clean.nn", "ends.nn"])
        .ends(1);
    assert_eq!(
        ran.out,
        "--- messy.nn\n+++ messy.nn, formatted\n@@ -1,3 +1,3 @@\n-net{\n-a=x->Tanh   # a comment\n\
         +net {\n+    a = x -> Tanh  # a comment\n }\nends.nn: line ends that are not all CRLF\n"
    );
    assert_eq!(
        ran.err,
        "2 files are not formatted; `nnc fmt` formats them\n"
    );
    assert_eq!(folder.read("messy.nn"), MESSY);
    let ran = folder.nnc(&["fmt", "--check", "messy.nn"]).ends(1);
    assert_eq!(ran.err, "1 file is not formatted; `nnc fmt` formats it\n");
    let ran = folder.nnc(&["fmt", "--check", "clean.nn"]).ends(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

#[test]
fn faults_are_those_of_check_and_other_files_are_still_written() {
    let folder = Folder::new("fmt-faults");
    folder.write("faulty.nn", "net {\n    a = = x\n    b = Linear(8\n}\n");
    folder.write("messy.nn", MESSY);
    let ran = folder.nnc(&["fmt", "faulty.nn", "messy.nn"]).ends(1);
    let told = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("error["));
        lines.map(str::to_owned).collect()
    };
    let checked = folder.nnc(&["check", "faulty.nn"]).ends(1);
    assert!(told(&ran.err).len() == 2, "{}", ran.err);
    for fault in told(&ran.err) {
        assert!(told(&checked.err).contains(&fault), "{fault}");
    }
    assert!(folder.read("faulty.nn").contains("= = x"));
    assert_eq!(folder.read("messy.nn"), CLEAN);
    folder.nnc(&["fmt", "absent.nn"]).ends(2);
    folder.nnc(&["fmt"]).ends(2);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = Folder::new("fmt-input");
    let mut command = folder.command(&["fmt", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("nnc starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(MESSY.as_bytes()).expect("nnc reads");
    drop(input);
    let output = child.wait_with_output().expect("nnc ends");
    assert!(output.status.success());
    assert_eq!(output.stdout, CLEAN.as_bytes());
    assert!(folder.names(".").is_empty());
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("fmt-permissions");
    folder.write("messy.nn", MESSY);
    let path = folder.path.join("messy.nn");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("the owner may");
    std::os::unix::fs::symlink("messy.nn", folder.path.join("link.nn")).expect("a link");
    folder.nnc(&["fmt", "link.nn"]).ends(0);
    let about = fs::symlink_metadata(&path).expect("a file");
    assert_eq!(about.permissions().mode() & 0o777, 0o640);
    assert!(folder.path.join("link.nn").is_symlink());
    assert_eq!(folder.read("messy.nn"), CLEAN);
}
