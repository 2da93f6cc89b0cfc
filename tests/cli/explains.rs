//! `nnc explain`: pages on standard output, suggestions for what is not known.

use nnc::diagnostics::Code;

use crate::Folder;

#[test]
fn every_code_has_a_page_with_what_nnc_says() {
    let folder = Folder::new("explain-codes");
    for code in Code::ALL {
        let page = folder.nnc(&["explain", &code.id().to_lowercase()]).ends(0);
        let heading = format!("{}: {}\n\n", code.id(), code.title());
        assert!(page.out.starts_with(&heading), "{}", page.out);
        let shows_fault = page.out.contains(&format!("error[{}]: ", code.id()));
        assert_eq!(
            shows_fault,
            page.out.contains("\nfaulty.nn\n"),
            "{}",
            page.out
        );
        assert!(!page.out.contains("\n\n\n"), "{}", page.out);
    }
    let page = folder.nnc(&["explain", "E0504"]).ends(0);
    insta::with_settings!({
        snapshot_path => "../snapshots/explain",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("E0504", page.out);
    });
}

#[test]
fn all_codes_are_listed() {
    let page = Folder::new("explain-list").nnc(&["explain"]).ends(0);
    for code in Code::ALL {
        let row = |line: &str| line.contains(code.id()) && line.ends_with(code.title());
        assert!(page.out.lines().any(row), "{}", code.id());
    }
}

#[test]
fn what_is_not_known_ends_with_1() {
    let folder = Folder::new("explain-unknown");
    let ran = folder.nnc(&["explain", "E03O1"]).ends(1);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("nothing is called `E03O1`"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `E0301`?"), "{}", ran.err);
}
