//! The folder that a run leaves behind: written under another name beside its place, and given its own
//! when all of it is on the disk.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nnc::diagnostics::Faults;

use super::interrupts::{Interrupts, Unfinished};
use super::{unreadable, unwritable};

/// Where the runs of models go, in the current folder.
const RUNS: &str = "runs";

/// Refuses a folder that holds anything.
///
/// # Errors
/// The folder is not empty, or is something else.
pub fn check_free(out: Option<&Path>) -> Result<(), Faults> {
    let Some(path) = out else { return Ok(()) };
    let name = path.display().to_string();
    match fs::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(vec![
                unwritable(&name, &io::ErrorKind::DirectoryNotEmpty.into())
                    .help("a run is saved to a new folder; choose another `--out`"),
            ]),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(vec![unreadable(&name, &error)]),
    }
}

enum Place {
    Given(PathBuf),
    /// The next free number in this folder.
    Numbered(PathBuf),
}

/// A run's folder that is not whole yet. Dropped, it disappears, with the folders that were
/// made to hold it.
pub struct RunFolder {
    place: Place,
    unfinished: PathBuf,
    files: Vec<File>,
    /// Those within it.
    folders: BTreeSet<PathBuf>,
    interrupts: Interrupts,
}

impl RunFolder {
    /// Makes the folder beside its place.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn create(out: Option<&Path>, model: &str, interrupts: &Interrupts) -> io::Result<Self> {
        let place = match out {
            Some(out) => Place::Given(if out.exists() {
                // A path such as `.` or `../x/` gets a name and a parent.
                fs::canonicalize(out)?
            } else {
                out.to_owned()
            }),
            None => Place::Numbered(Path::new(RUNS).join(folder_for(model))),
        };
        let parent = match &place {
            Place::Given(path) => parent_of(path),
            Place::Numbered(parent) => parent.clone(),
        };
        let missing = parent.ancestors().take_while(|path| !exists(path));
        let mut made: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        made.reverse();
        let unfinished = unfinished_name(&parent);
        let path = unfinished.clone();
        interrupts.begin_writing(Unfinished { path, made }, |path| {
            fs::create_dir_all(&parent)?;
            fs::create_dir(path)
        })?;
        Ok(RunFolder {
            place,
            unfinished,
            files: Vec::new(),
            folders: BTreeSet::new(),
            interrupts: interrupts.clone(),
        })
    }

    /// A file in the folder, to be written bit by bit.
    pub fn open(&mut self, name: &str) -> io::Result<File> {
        let path = self.unfinished.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
            let nested = folder.ancestors();
            let nested = nested.take_while(|folder| *folder != self.unfinished);
            self.folders.extend(nested.map(Path::to_owned));
        }
        let file = File::create(path)?;
        self.files.push(file.try_clone()?);
        Ok(file)
    }

    pub fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.open(name)?.write_all(bytes)
    }

    /// Brings all files to the disk, then gives the folder its name, which is returned.
    ///
    /// # Errors
    /// The file system refuses; nothing is left behind.
    pub fn publish(mut self) -> io::Result<PathBuf> {
        for file in self.files.drain(..) {
            file.sync_all()?;
        }
        for folder in &self.folders {
            sync_folder(folder)?;
        }
        sync_folder(&self.unfinished)?;
        let path = match &self.place {
            Place::Given(path) => {
                self.interrupts
                    .finish_writing(|| fs::rename(&self.unfinished, path))?;
                path.clone()
            }
            Place::Numbered(parent) => self.publish_numbered(parent)?,
        };
        sync_folder(&parent_of(&path))?;
        Ok(path)
    }

    fn publish_numbered(&self, parent: &Path) -> io::Result<PathBuf> {
        let mut number = 1;
        for entry in fs::read_dir(parent)? {
            let taken: Option<u64> = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            number = number.max(taken.map_or(0, |taken| taken.saturating_add(1)));
        }
        loop {
            let path = parent.join(number.to_string());
            let renamed = self
                .interrupts
                .finish_writing(|| fs::rename(&self.unfinished, &path));
            match renamed {
                Ok(()) => return Ok(path),
                // Another run took the number in the meantime.
                Err(_) if path.exists() => number += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        self.interrupts.give_up_writing();
    }
}

/// The folder of a model's runs. A file named `...nn` must not lead out of the folder of all runs.
fn folder_for(model: &str) -> &str {
    match model {
        "." | ".." => "model",
        name => name,
    }
}

/// Writes a file as a whole: under another name beside its place, then renamed. It gets the
/// permissions given, or else those of a new file.
///
/// # Errors
/// The file system refuses; what stood at the place stays.
pub fn write_file(
    path: &Path,
    bytes: &[u8],
    interrupts: &Interrupts,
    permissions: Option<Permissions>,
) -> io::Result<()> {
    let unfinished = unfinished_name(&parent_of(path));
    let beginning = Unfinished {
        path: unfinished.clone(),
        made: Vec::new(),
    };
    let mut file = interrupts.begin_writing(beginning, |path| File::create_new(path))?;
    let written = file
        .write_all(bytes)
        .and_then(|()| permissions.map_or(Ok(()), |given| file.set_permissions(given)))
        .and_then(|()| file.sync_all())
        .and_then(|()| interrupts.finish_writing(|| fs::rename(&unfinished, path)));
    if written.is_err() {
        interrupts.give_up_writing();
    }
    written
}

/// A name that no other run has, also not one on another machine with the same disk, and that is no
/// longer than a name may be.
fn unfinished_name(parent: &Path) -> PathBuf {
    let unlike = RandomState::new().hash_one(std::process::id());
    parent.join(format!(".unfinished-{unlike:016x}"))
}

fn exists(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.exists()
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// Makes the names in a folder last, where the system has a way to.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}
