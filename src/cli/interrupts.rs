//! Ctrl-C: the first one ends a training after its last whole epoch, which is then saved; without a
//! training to save, and at the second one, the program exits at once and leaves nothing half-written.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Exit;

/// A file or folder that is not whole yet.
pub struct Unfinished {
    pub path: PathBuf,
    /// Folders that were made to hold it, the outermost first.
    pub made: Vec<PathBuf>,
}

#[derive(Default)]
struct State {
    requested: AtomicBool,
    /// There is a trained state, which the first interruption must not lose.
    worth_saving: AtomicBool,
    unfinished: Mutex<Option<Unfinished>>,
    saved: AtomicBool,
    /// The terminal's last line is a bar.
    bar: AtomicBool,
}

impl State {
    /// What is said when the program exits at once, in the place of a bar if one is shown.
    fn last_words(&self) -> String {
        /// Back to the beginning of the line, and all of it erased.
        const ERASE_LINE: &str = "\r\u{1b}[2K";
        let erase = if self.bar.load(Ordering::Relaxed) {
            ERASE_LINE
        } else {
            ""
        };
        let saved = if self.saved.load(Ordering::Relaxed) {
            "interrupted after all was saved"
        } else {
            "interrupted; nothing was saved"
        };
        format!("{erase}{saved}")
    }
}

/// What the signal's handler and the program share.
#[derive(Clone, Default)]
pub struct Interrupts {
    state: Arc<State>,
}

impl Interrupts {
    /// Takes over the signals of interruption and termination.
    ///
    /// # Errors
    /// The system refuses.
    pub fn install() -> io::Result<Self> {
        let interrupts = Interrupts::default();
        let state = Arc::clone(&interrupts.state);
        let handler = move || {
            let again = state.requested.swap(true, Ordering::Relaxed);
            if again || !state.worth_saving.load(Ordering::Relaxed) {
                let unfinished = lock(&state.unfinished);
                if let Some(unfinished) = unfinished.as_ref() {
                    unfinished.remove();
                }
                // Without a standard error there is nowhere to say so.
                let _ = writeln!(io::stderr(), "{}", state.last_words());
                // The lock is held until the end, so nothing half-written can get its final name.
                std::process::exit(Exit::Interrupted.code().into());
            }
        };
        ctrlc::set_handler(handler).map_err(io::Error::other)?;
        Ok(interrupts)
    }

    pub fn requested(&self) -> bool {
        self.state.requested.load(Ordering::Relaxed)
    }

    /// From now on the terminal's last line is a bar, which nothing that is said may follow.
    pub fn bar_is_shown(&self) {
        self.state.bar.store(true, Ordering::Relaxed);
    }

    pub fn bar_is_cleared(&self) {
        self.state.bar.store(false, Ordering::Relaxed);
    }

    /// From now on the first interruption only asks.
    pub fn begin_training(&self) {
        self.state.worth_saving.store(true, Ordering::Relaxed);
    }

    /// Makes an unfinished file or folder, which is removed if the program is interrupted.
    ///
    /// # Errors
    /// That of `make`; folders that were made to hold it are removed.
    pub fn begin_writing<T>(
        &self,
        beginning: Unfinished,
        make: impl FnOnce(&Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut unfinished = lock(&self.state.unfinished);
        match make(&beginning.path) {
            Ok(made) => {
                *unfinished = Some(beginning);
                Ok(made)
            }
            Err(error) => {
                beginning.remove_made();
                Err(error)
            }
        }
    }

    /// Gives what is finished its final name.
    pub fn finish_writing(&self, rename: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut unfinished = lock(&self.state.unfinished);
        rename()?;
        *unfinished = None;
        self.state.saved.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Removes what could not be finished.
    pub fn give_up_writing(&self) {
        let mut unfinished = lock(&self.state.unfinished);
        if let Some(unfinished) = unfinished.take() {
            unfinished.remove();
        }
    }
}

fn lock(unfinished: &Mutex<Option<Unfinished>>) -> MutexGuard<'_, Option<Unfinished>> {
    unfinished.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Unfinished {
    /// The program may be about to write one more file into a folder while it is removed.
    fn remove(&self) {
        for _ in 0..10 {
            let removed = if self.path.is_dir() {
                std::fs::remove_dir_all(&self.path)
            } else {
                std::fs::remove_file(&self.path)
            };
            if removed.is_ok() || !self.path.exists() {
                break;
            }
        }
        self.remove_made();
    }

    fn remove_made(&self) {
        for folder in self.made.iter().rev() {
            // Another run may have put something there, which stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_take_the_place_of_a_bar() {
        let interrupts = Interrupts::default();
        let said = || interrupts.state.last_words();
        assert_eq!(said(), "interrupted; nothing was saved");
        interrupts.bar_is_shown();
        assert_eq!(said(), "\r\u{1b}[2Kinterrupted; nothing was saved");
        interrupts.bar_is_cleared();
        interrupts
            .finish_writing(|| Ok(()))
            .expect("nothing was refused");
        assert_eq!(said(), "interrupted after all was saved");
    }
}
