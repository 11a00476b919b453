//! The order of last changes: a doubly linked list through dense ids.

use super::SignalId;

const NOBODY: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Links {
    older: u32,
    newer: u32,
}

/// All signals from the one that has not changed for longest to the one that changed last.
///
/// A change moves its signal to the end in constant time. What changed since a generation is the walk back from the end, so
/// nothing is queued, nothing grows and nothing that changed can be forgotten.
#[derive(Debug)]
pub(super) struct Recency {
    links: Vec<Links>,
    oldest: u32,
    newest: u32,
}

impl Recency {
    pub(super) fn new() -> Recency {
        Recency {
            links: Vec::new(),
            oldest: NOBODY,
            newest: NOBODY,
        }
    }

    /// Adds the next dense id at the end.
    pub(super) fn push(&mut self) {
        let id = self.links.len() as u32;
        self.links.push(Links {
            older: NOBODY,
            newer: NOBODY,
        });
        self.append(id);
    }

    /// Moves a signal to the end.
    pub(super) fn touch(&mut self, id: SignalId) {
        if id.0 == self.newest {
            return;
        }
        let Links { older, newer } = self.links[id.0 as usize];
        match older {
            NOBODY => self.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
        // It is not the newest, so somebody is newer.
        self.links[newer as usize].older = older;
        self.append(id.0);
    }

    /// From the newest to the oldest.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = SignalId> + '_ {
        let mut next = self.newest;
        std::iter::from_fn(move || {
            let id = next;
            if id == NOBODY {
                return None;
            }
            next = self.links[id as usize].older;
            Some(SignalId(id))
        })
    }

    fn append(&mut self, id: u32) {
        self.links[id as usize] = Links {
            older: self.newest,
            newer: NOBODY,
        };
        match self.newest {
            NOBODY => self.oldest = id,
            newest => self.links[newest as usize].newer = id,
        }
        self.newest = id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(list: &Recency) -> Vec<u32> {
        list.newest_first().map(|id| id.0).collect()
    }

    #[test]
    fn a_touched_signal_is_the_newest() {
        let mut list = Recency::new();
        for _ in 0..4 {
            list.push();
        }
        assert_eq!(order(&list), [3, 2, 1, 0]);
        list.touch(SignalId(0));
        assert_eq!(order(&list), [0, 3, 2, 1]);
        list.touch(SignalId(3));
        assert_eq!(order(&list), [3, 0, 2, 1]);
        list.touch(SignalId(3));
        assert_eq!(order(&list), [3, 0, 2, 1]);
    }

    proptest! {
        #[test]
        fn it_orders_like_a_plain_list(touches in prop::collection::vec(0_u32..8, 0..64)) {
            let mut list = Recency::new();
            let mut plain: Vec<u32> = Vec::new();
            for id in 0..8 {
                list.push();
                plain.insert(0, id);
            }
            for id in touches {
                list.touch(SignalId(id));
                plain.retain(|other| *other != id);
                plain.insert(0, id);
            }
            prop_assert_eq!(order(&list), plain);
        }
    }
}
