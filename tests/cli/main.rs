//! The real program in folders of its own: what it prints, what it leaves behind, how it ends.

mod codes;
mod endings;
mod explains;
mod formats;
mod holes;
mod inputs;
mod models;
mod predictions;
mod reports;
mod terminal;
mod tutorial;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder for one test, empty at its beginning.
struct Folder {
    path: PathBuf,
}

/// What a command came to.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Folder {
    fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("cli")
            .join(test);
        if path.exists() {
            std::fs::remove_dir_all(&path).expect("the last run's folder goes");
        }
        std::fs::create_dir_all(&path).expect("a folder");
        Folder { path }
    }

    /// A folder with some of the files of `models/`.
    fn with_models(test: &str, files: &[&str]) -> Self {
        let folder = Folder::new(test);
        for file in files {
            let from = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("models")
                .join(file);
            std::fs::copy(from, folder.path.join(file)).expect("a model's file");
        }
        folder
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.path.join(file);
        let folder = path.parent().expect("a file is in a folder");
        std::fs::create_dir_all(folder).expect("a folder in the test's own");
        std::fs::write(self.path.join(file), text).expect("a file is written");
    }

    fn read(&self, file: &str) -> String {
        String::from_utf8(self.bytes(file)).expect("a text")
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&self.read(file)).expect("JSON")
    }

    /// All names in a folder, hidden ones too.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path.join(folder)).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        names.sort();
        names
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nnc"));
        command.args(arguments).current_dir(&self.path);
        command
    }

    fn nnc(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("nnc starts"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// The events of a kind.
    fn events(&self, kind: &str) -> Vec<Value> {
        let lines = self.out.lines();
        let events = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        events.filter(|event| event["event"] == kind).collect()
    }
}

/// A line of a straight line's table, and a model for it that trains `epochs` epochs.
fn line_model(train: &str) -> String {
    format!(
        "data {{ input x: number; target y: number }}\n\
         net {{ linear: Linear(1) }}\n\
         train {{ loss = MSE; batch = all; seed = 7; {train} }}\n"
    )
}

const LINE: &str = "x,y\n0,1\n1,3\n2,5\n3,7\n";
