//! What watches the loss of epochs: it reduces the learning rate, ends the training, and remembers
//! which epoch was the best.

use crate::graph::schedule::Plateau;
use crate::resolve::train_spec::Early;

/// Counts epochs without a better loss, as torch.optim.lr_scheduler.ReduceLROnPlateau does.
#[derive(Clone, Debug)]
pub struct PlateauMonitor {
    plateau: Plateau,
    best: f64,
    without_better: u64,
    cooling: u64,
    reductions: u32,
}

impl PlateauMonitor {
    pub fn new(plateau: Plateau) -> Self {
        PlateauMonitor {
            plateau,
            best: f64::INFINITY,
            without_better: 0,
            cooling: 0,
            reductions: 0,
        }
    }

    /// Takes the loss of an epoch; gives how often the learning rate has been reduced by now.
    pub fn after(&mut self, loss: f64) -> u32 {
        let plateau = self.plateau;
        let limit = if plateau.relative {
            self.best * (1.0 - plateau.threshold)
        } else {
            self.best - plateau.threshold
        };
        if loss < limit {
            self.best = loss;
            self.without_better = 0;
        } else {
            self.without_better += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.without_better = 0;
        }
        if self.without_better > plateau.patience {
            self.reductions = self.reductions.saturating_add(1);
            self.cooling = plateau.cooldown;
            self.without_better = 0;
        }
        self.reductions
    }
}

/// The best epoch so far.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Best {
    pub epoch: usize,
    pub loss: f64,
}

/// Follows the losses of epochs.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    pub best: Option<Best>,
}

/// What an epoch's loss means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Better,
    NotBetter,
    /// Not better for as many epochs as are borne.
    Enough,
}

impl Monitor {
    /// Takes the loss of an epoch (from 1).
    pub fn after(&mut self, epoch: usize, loss: f64, early: Option<Early>) -> Verdict {
        let min_delta = early.map_or(0.0, |early| early.min_delta);
        match self.best {
            Some(best) if loss >= best.loss - min_delta => {
                let waited = epoch - best.epoch;
                match early {
                    Some(early) if waited >= early.patience => Verdict::Enough,
                    Some(_) | None => Verdict::NotBetter,
                }
            }
            Some(_) | None => {
                self.best = Some(Best { epoch, loss });
                Verdict::Better
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plateau_is_answered_after_patience_and_cooldown() {
        let mut monitor = PlateauMonitor::new(Plateau {
            factor: 0.5,
            patience: 1,
            threshold: 0.1,
            relative: true,
            cooldown: 2,
            min_lr: 0.0,
        });
        // torch.optim.lr_scheduler.ReduceLROnPlateau gives these numbers of reductions.
        let losses = [
            1.0, 0.95, 0.85, 0.84, 0.83, 0.82, 0.81, 0.80, 0.79, 0.70, 0.70,
        ];
        let reductions: Vec<u32> = losses.iter().map(|loss| monitor.after(*loss)).collect();
        assert_eq!(reductions, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn training_ends_when_the_loss_has_not_fallen_for_long_enough() {
        let early = Some(Early {
            patience: 2,
            min_delta: 0.1,
        });
        let mut progress = Monitor::default();
        let losses = [1.0, 0.95, 0.8, 0.75, 0.71];
        let verdicts: Vec<Verdict> = (1..)
            .zip(losses)
            .map(|(epoch, loss)| progress.after(epoch, loss, early))
            .collect();
        use Verdict::{Better, Enough, NotBetter};
        assert_eq!(verdicts, [Better, NotBetter, Better, NotBetter, Enough]);
        let best = progress.best.unwrap();
        assert_eq!((best.epoch, best.loss), (3, 0.8));
    }
}
