//! Why values are kept in memory and why nodes run in steps of their own, noted by the fuser as it
//! decides.

use super::GroupId;
use crate::graph::ValueId;
use crate::graph::state::StateId;

/// Who reads a value that is kept in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reader {
    /// The kernel of a group, which takes the value whole.
    Kernel(GroupId),
    /// The program of a group, element by element.
    Program(GroupId),
    /// The program of a group, in another shape: repeated, or a part of it.
    Reshaped(GroupId),
    /// The caller, as the network's result.
    Prediction,
    /// The caller, as the loss of the batch.
    Loss,
    /// The caller, who records what a `watch` section asks for.
    Watch,
}

impl Reader {
    /// The group that reads, if it is not the caller.
    pub fn group(&self) -> Option<GroupId> {
        match self {
            Reader::Kernel(group) | Reader::Program(group) | Reader::Reshaped(group) => {
                Some(*group)
            }
            Reader::Prediction | Reader::Loss | Reader::Watch => None,
        }
    }
}

/// Why a node does not run in the group that computes the last of what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnfusedReason {
    /// It waits for nothing that a group computes.
    NothingToJoin,
    /// It needs this value, which is known only when that whole group has run.
    Whole(ValueId),
    /// It reads this value in another shape than it has: repeated, or a part of it.
    Reshaped(ValueId),
    /// It needs values of two regions of that group.
    TwoRegions,
    /// The group's programs go over another shape.
    Shape,
    /// The group only copies.
    Copies,
    /// It replaces a state whose old value is still read after that group's turn, by this group or
    /// in it.
    OldValueRead(StateId, GroupId),
}

/// A node that runs in another group than the one that computes the last of what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Separation {
    pub value: ValueId,
    /// The group that it does not join, if it needs any.
    pub from: Option<GroupId>,
    pub refusal: UnfusedReason,
    /// Where it runs instead.
    pub into: GroupId,
}
