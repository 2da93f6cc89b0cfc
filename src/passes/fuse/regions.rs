//! In which region a node runs: that of the group that computes the last of what it needs, or a loop.

use super::fuser::{Fuser, Need};
use super::{Group, GroupId, GroupKind, Refusal, RegionBuilder, Separation};
use crate::graph::ValueId;
use crate::graph::shape::Shape;

impl Fuser<'_> {
    pub(super) fn new_loop(&mut self, shape: &Shape, table: bool) -> (GroupId, usize) {
        let group = self.next_group();
        self.fusion.groups.push(Group {
            kind: GroupKind::Loop,
            regions: vec![RegionBuilder {
                shape: shape.clone(),
                row_major: table,
                accumulator: None,
                values: Vec::new(),
                assignments: Vec::new(),
            }],
        });
        (group, 0)
    }

    /// The region in which a node over `shape` with these needs runs: the one that computes the last
    /// of them, or a loop.
    pub(super) fn region_for(
        &mut self,
        value: ValueId,
        needs: &[Need],
        shape: &Shape,
    ) -> (GroupId, usize) {
        let table = self.table_of(value);
        let last = needs.iter().map(|need| need.place.group).max();
        let refusal = match last {
            Some(last) => match self.region_in(last, needs, (shape, table)) {
                Ok(region) => return (last, region),
                Err(refusal) => refusal,
            },
            None => Refusal::NothingToJoin,
        };
        let (into, region) = self
            .last_loop(needs, (shape, table))
            .unwrap_or_else(|| self.new_loop(shape, table));
        self.fusion.separations.push(Separation {
            value,
            from: last,
            refusal,
            into,
        });
        (into, region)
    }

    /// The region of a group, the last that computes any of these needs, that can run a node over
    /// `shape` with them; or why none can.
    fn region_in(
        &self,
        group: GroupId,
        needs: &[Need],
        over: (&Shape, bool),
    ) -> Result<usize, Refusal> {
        let here = needs.iter().filter(|need| need.place.group == group);
        if let Some(need) = here.clone().find(|need| !need.elementwise) {
            return Err(if need.place.reduced {
                Refusal::Whole(need.value)
            } else {
                Refusal::Reshaped(need.value)
            });
        }
        let mut regions = here.map(|need| need.place.region);
        let region = regions.next().expect("the group computes a need");
        let group = &self.fusion.groups[group.0 as usize];
        if regions.any(|other| other != region) {
            Err(Refusal::TwoRegions)
        } else if matches!(group.kind, GroupKind::Concat { .. }) {
            Err(Refusal::Copies)
        } else if !group.regions[region].goes_over(over) {
            Err(Refusal::Shape)
        } else {
            Ok(region)
        }
    }

    /// The last group, if it is a loop over this shape that comes after all needs.
    fn last_loop(&self, needs: &[Need], over: (&Shape, bool)) -> Option<(GroupId, usize)> {
        let last = GroupId(self.next_group().0.checked_sub(1)?);
        let group = &self.fusion.groups[last.0 as usize];
        let fits = group.kind == GroupKind::Loop && group.regions[0].goes_over(over);
        let ready = needs
            .iter()
            .all(|need| need.place.group < last || need.place.group == last && need.elementwise);
        (fits && ready).then_some((last, 0))
    }
}
