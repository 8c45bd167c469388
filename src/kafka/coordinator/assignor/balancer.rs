//! `MemberAssignmentBalancer`: in turn the members with the fewest and with the most partitions.

/// Two ranges over members sorted by how many partitions they have. The lower one holds those with the fewest: when
/// each of them has got one more, its level rises, and members of the new level come in. The upper one holds those
/// with the most, and its level falls in the same way.
pub(super) struct Balancer<'a> {
    /// Partitions of each member, when the ranges were made or changed by the caller since.
    sorted: Vec<usize>,
    sizes: &'a mut [usize],
    least_end: usize,
    least_level: Option<usize>,
    next_least: usize,
    most_start: usize,
    most_end: usize,
    most_level: usize,
    /// One more than the place of the next member to take from; 0 is Kafka's -1.
    next_most: usize,
}

impl<'a> Balancer<'a> {
    /// Ranges over `members`, at least one; `sizes` tells how many partitions each member of the group has.
    pub(super) fn new(members: &[usize], sizes: &'a mut [usize]) -> Self {
        let mut sorted = members.to_vec();
        sorted.sort_by_key(|member| (sizes[*member], *member));
        let least = sorted.first().map_or(0, |member| sizes[*member]);
        let most = sorted.last().map_or(0, |member| sizes[*member]);
        Self {
            least_end: 0,
            least_level: least.checked_sub(1),
            next_least: 0,
            most_start: sorted.len(),
            most_end: sorted.len(),
            most_level: most + 1,
            next_most: sorted.len(),
            sorted,
            sizes,
        }
    }

    /// How many more the first has than the last.
    pub(super) fn imbalance(&self) -> usize {
        let size = |member: Option<&usize>| member.map_or(0, |member| self.sizes[*member]);
        size(self.sorted.last()).saturating_sub(size(self.sorted.first()))
    }

    /// The member to give the next partition to.
    pub(super) fn next_least_loaded(&mut self) -> usize {
        if self.next_least >= self.least_end {
            let level = self.least_level.map_or(0, |level| level + 1);
            self.least_level = Some(level);
            while self.least_end < self.sorted.len()
                && self.sizes[self.sorted[self.least_end]] == level
            {
                self.least_end += 1;
            }
            self.next_least = 0;
        }
        self.next_least += 1;
        self.sorted[self.next_least - 1]
    }

    /// The member to take the next partition from; none if nobody has one to give.
    pub(super) fn next_most_loaded(&mut self) -> Option<usize> {
        if self.next_most <= self.most_start {
            if self.most_end <= self.most_start && self.most_start > 0 {
                // Nobody of the range had anything to give: begin again below it.
                self.most_level = self.sizes[self.sorted[self.most_start - 1]];
            } else {
                self.most_level = self.most_level.saturating_sub(1);
            }
            while self.most_start > 0
                && self.sizes[self.sorted[self.most_start - 1]] == self.most_level
            {
                self.most_start -= 1;
            }
            self.next_most = self.most_end;
        }
        let at = self.next_most.checked_sub(1)?;
        self.next_most = at;
        Some(self.sorted[at])
    }

    /// The member named last by [`Self::next_most_loaded`] has nothing to give: it leaves the upper range.
    pub(super) fn exclude_most_loaded(&mut self) {
        self.most_end -= 1;
        self.sorted.swap(self.next_most, self.most_end);
    }

    /// Whether moving a partition from the upper to the lower range would improve nothing.
    pub(super) fn is_balanced(&self) -> bool {
        let least = self.least_level.map_or(0, |level| level + 1);
        self.most_level <= least
    }

    /// A partition of `from`, if anybody's, is `to`'s now.
    pub(super) fn moved(&mut self, from: Option<usize>, to: usize) {
        if let Some(from) = from {
            self.sizes[from] -= 1;
        }
        self.sizes[to] += 1;
    }
}
