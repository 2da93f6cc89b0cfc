//! Which networks the campaigns draw.

use crate::support::networks::Kind;

/// How many networks of each kind.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Drawn {
    pub small: usize,
    pub crossing: usize,
    pub sharing: usize,
    pub bare: usize,
    pub in_f64: usize,
    /// Enough work for several threads.
    pub parallel: usize,
    /// Also run on several workers.
    pub on_workers: usize,
}

impl Drawn {
    /// In the sample.
    pub const IN_SAMPLE: Drawn = Drawn {
        small: 84,
        crossing: 17,
        sharing: 12,
        bare: 12,
        in_f64: 59,
        parallel: 15,
        on_workers: 19,
    };

    /// In all.
    pub const IN_ALL: Drawn = Drawn {
        small: 1455,
        crossing: 182,
        sharing: 182,
        bare: 181,
        in_f64: 964,
        parallel: 141,
        on_workers: 234,
    };

    pub fn of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Small => &mut self.small,
            Kind::Crossing => &mut self.crossing,
            Kind::Sharing => &mut self.sharing,
            Kind::Bare => &mut self.bare,
        }
    }

    pub fn networks(&self) -> usize {
        self.small + self.crossing + self.sharing + self.bare
    }

    pub fn add(&mut self, other: &Drawn) {
        self.small += other.small;
        self.crossing += other.crossing;
        self.sharing += other.sharing;
        self.bare += other.bare;
        self.in_f64 += other.in_f64;
        self.parallel += other.parallel;
        self.on_workers += other.on_workers;
    }
}
