//! The best `k` so far, for each query of a group.

/// A neighbour of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Its distance. While the search runs, the reduced one.
    pub distance: f64,
    /// Its row.
    pub row: u32,
}

impl Neighbor {
    /// Nearer; of two at the same distance the one with the lower row.
    #[inline(always)]
    fn before(self, other: Self) -> bool {
        self.distance < other.distance || (self.distance == other.distance && self.row < other.row)
    }
}

/// Heaps with the worst on top, one for each query.
#[derive(Debug)]
pub(super) struct Nearest {
    k: usize,
    items: Vec<Neighbor>,
    len: Vec<usize>,
}

impl Nearest {
    pub(super) fn new(queries: usize, k: usize) -> Self {
        let none = Neighbor {
            distance: f64::INFINITY,
            row: u32::MAX,
        };
        Nearest {
            k,
            items: vec![none; queries * k],
            len: vec![0; queries],
        }
    }

    pub(super) fn clear(&mut self) {
        self.len.fill(0);
    }

    /// The distance that a new neighbour must not exceed; infinite while there are fewer than `k`.
    #[inline(always)]
    pub(super) fn worst(&self, query: usize) -> f64 {
        if self.len[query] < self.k {
            f64::INFINITY
        } else {
            self.items[query * self.k].distance
        }
    }

    /// Takes `new` if it is among the best; whether it was.
    #[inline(always)]
    pub(super) fn offer(&mut self, query: usize, new: Neighbor) -> bool {
        let heap = &mut self.items[query * self.k..][..self.k];
        let len = self.len[query];
        if len < heap.len() {
            self.len[query] += 1;
            sift_up(heap, len, new);
            true
        } else if new.before(heap[0]) {
            sift_down(heap, new);
            true
        } else {
            false
        }
    }

    /// The neighbours of a query, nearest first.
    pub(super) fn sorted(&mut self, query: usize) -> &mut [Neighbor] {
        let found = &mut self.items[query * self.k..][..self.len[query]];
        found.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
        found
    }
}

#[inline(always)]
fn sift_up(heap: &mut [Neighbor], mut hole: usize, new: Neighbor) {
    while hole > 0 {
        let parent = (hole - 1) / 2;
        if !heap[parent].before(new) {
            break;
        }
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = new;
}

/// Puts `new` in the place of the worst.
#[inline(always)]
fn sift_down(heap: &mut [Neighbor], new: Neighbor) {
    let mut hole = 0;
    loop {
        let mut child = 2 * hole + 1;
        if child >= heap.len() {
            break;
        }
        if child + 1 < heap.len() && heap[child].before(heap[child + 1]) {
            child += 1;
        }
        if !new.before(heap[child]) {
            break;
        }
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = new;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_and_ties_go_to_the_lower_row() {
        for k in 1..12 {
            let mut nearest = Nearest::new(2, k);
            let all: Vec<Neighbor> = (0..100u32)
                .map(|row| Neighbor {
                    distance: f64::from(row * 37 % 23),
                    row,
                })
                .collect();
            assert_eq!(nearest.worst(1), f64::INFINITY);
            for &one in all.iter().rev() {
                nearest.offer(1, one);
            }
            let mut expected = all;
            expected.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
            assert_eq!(nearest.worst(1), expected[k - 1].distance);
            assert_eq!(nearest.sorted(1), &expected[..k]);
            assert!(nearest.sorted(0).is_empty());
        }
    }
}
