//! In which region a node runs: that of the group that computes the last of what it needs, or a loop.

use super::fuser::Fuser;
use super::needs::{LastNeeds, Needs};
use super::{Group, GroupId, GroupKind, RegionBuilder, Separation, UnfusedReason};
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
        needs: &Needs,
        shape: &Shape,
    ) -> (GroupId, usize) {
        let over = (shape, self.table_of(value));
        let last = needs.last();
        let refusal = match last {
            Some(last) => match self.region_in(last, over) {
                Ok(region) => return (last.group, region),
                Err(refusal) => refusal,
            },
            None => UnfusedReason::NothingToJoin,
        };
        let (into, region) = self
            .last_loop(last, over)
            .unwrap_or_else(|| self.new_loop(shape, over.1));
        self.fusion.separations.push(Separation {
            value,
            from: last.map(|last| last.group),
            refusal,
            into,
        });
        (into, region)
    }

    /// The region of the group that meets the last needs which can run a node over a shape with them; or
    /// why none can.
    fn region_in(&self, last: LastNeeds, over: (&Shape, bool)) -> Result<usize, UnfusedReason> {
        if let Some(refusal) = last.whole {
            return Err(refusal);
        }
        let group = &self.fusion.groups[last.group.0 as usize];
        if last.two_regions {
            Err(UnfusedReason::TwoRegions)
        } else if matches!(group.kind, GroupKind::Concat { .. }) {
            Err(UnfusedReason::Copies)
        } else if !group.regions[last.region].goes_over(over) {
            Err(UnfusedReason::Shape)
        } else {
            Ok(last.region)
        }
    }

    /// The last group, if it is a loop over this shape that comes after all needs.
    fn last_loop(
        &self,
        needs: Option<LastNeeds>,
        over: (&Shape, bool),
    ) -> Option<(GroupId, usize)> {
        let last = GroupId(self.next_group().0.checked_sub(1)?);
        let group = &self.fusion.groups[last.0 as usize];
        let fits = group.kind == GroupKind::Loop && group.regions[0].goes_over(over);
        let ready = needs.is_none_or(|needs| needs.group < last || needs.whole.is_none());
        (fits && ready).then_some((last, 0))
    }
}
