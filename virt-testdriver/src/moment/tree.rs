//! Moments, each with the one that it follows.

use crate::flags::{either, matches};

/// A moment and what it follows.
#[derive(Debug, Clone)]
pub(crate) struct Moment<T> {
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) data: T,
}

/// The moments of a domain, and the one that it is at.
#[derive(Debug, Clone)]
pub(crate) struct Tree<T> {
    moments: Vec<Moment<T>>,
    current: Option<String>,
}

/// `…_LIST_ROOTS`; of a listing of children `…_LIST_DESCENDANTS`.
const DEPTH: u32 = 1 << 0;
/// `…_LIST_TOPOLOGICAL`: of checkpoints bit 1, of snapshots bit 10.
const LEAVES: u32 = 1 << 2;
const NO_LEAVES: u32 = 1 << 3;

impl<T> Tree<T> {
    pub(crate) const fn new() -> Self {
        Self { moments: Vec::new(), current: None }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    pub(crate) const fn len(&self) -> usize {
        self.moments.len()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Moment<T>> {
        self.moments.iter().find(|moment| moment.name == name)
    }

    pub(crate) fn find_mut(&mut self, name: &str) -> Option<&mut Moment<T>> {
        self.moments.iter_mut().find(|moment| moment.name == name)
    }

    pub(crate) fn current(&self) -> Option<&Moment<T>> {
        self.find(self.current.as_deref()?)
    }

    pub(crate) fn is_current(&self, name: &str) -> bool {
        self.current.as_deref() == Some(name)
    }

    pub(crate) fn set_current(&mut self, name: Option<String>) {
        self.current = name;
    }

    /// Takes a moment in, in place of one of its name.
    pub(crate) fn put(&mut self, moment: Moment<T>) {
        match self.find_mut(&moment.name) {
            Some(known) => *known = moment,
            None => self.moments.push(moment),
        }
    }

    /// The moment that one follows, if it is there.
    fn parent(&self, moment: &Moment<T>) -> Option<&Moment<T>> {
        self.find(moment.parent.as_deref()?)
    }

    /// Whether one moment follows another, at whatever distance.
    pub(crate) fn is_below(&self, moment: &Moment<T>, ancestor: &str) -> bool {
        // No further than there are moments, should they follow each other in a circle.
        let above = std::iter::successors(self.parent(moment), |moment| self.parent(moment));
        above.take(self.moments.len()).any(|above| above.name == ancestor)
    }

    /// Whether each moment that follows one follows one that is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.moments.iter().all(|moment| moment.parent.is_none() || self.parent(moment).is_some())
    }

    fn has_children(&self, name: &str) -> bool {
        self.moments.iter().any(|moment| moment.parent.as_deref() == Some(name))
    }

    /// The names of the moments that match, of all of them or of those below one, in an order in which each comes after the
    /// one that it follows. `groups` are further groups of flags, with what a moment has of each.
    pub(crate) fn list(
        &self,
        below: Option<&str>,
        flags: u32,
        groups: impl Fn(&Moment<T>) -> Vec<(u32, u32)>,
    ) -> Vec<String> {
        let deep = flags & DEPTH != 0;
        let mut names = Vec::new();
        let mut open: Vec<&Moment<T>> = self.children_of(below).collect();
        open.reverse();
        while let Some(moment) = open.pop() {
            let leaf = either(LEAVES, NO_LEAVES, !self.has_children(&moment.name));
            let mut wanted = groups(moment);
            wanted.push(leaf);
            if matches(flags, &wanted) {
                names.push(moment.name.clone());
            }
            // Of all moments, the flag asks for the first ones only; below a moment, for more than the first ones.
            if deep == below.is_some() {
                let children: Vec<_> = self.children_of(Some(&moment.name)).collect();
                open.extend(children.into_iter().rev());
            }
        }
        names
    }

    fn children_of<'a>(&'a self, name: Option<&'a str>) -> impl Iterator<Item = &'a Moment<T>> {
        self.moments.iter().filter(move |moment| match name {
            Some(name) => moment.parent.as_deref() == Some(name),
            None => self.parent(moment).is_none(),
        })
    }

    /// Removes a moment; those that followed it follow what it followed.
    pub(crate) fn remove(&mut self, name: &str) {
        let Some(position) = self.moments.iter().position(|moment| moment.name == name) else { return };
        let gone = self.moments.remove(position);
        let heir = gone.parent.filter(|parent| self.find(parent).is_some());
        for moment in self.moments.iter_mut().filter(|moment| moment.parent.as_deref() == Some(name)) {
            moment.parent.clone_from(&heir);
        }
        if self.is_current(name) {
            self.current = heir;
        }
    }

    /// Removes the moments below one, which becomes the current one if it was one of them.
    pub(crate) fn remove_below(&mut self, name: &str) {
        let below: Vec<String> = {
            let below = self.moments.iter().filter(|moment| self.is_below(moment, name));
            below.map(|moment| moment.name.clone()).collect()
        };
        if self.current.as_ref().is_some_and(|current| below.contains(current)) {
            self.current = Some(name.to_owned());
        }
        self.moments.retain(|moment| !below.contains(&moment.name));
    }

    /// Removes a moment in the way that the flags of snapshots and checkpoints say: bit 0 with those below it, bit 2
    /// those below it only.
    pub(crate) fn delete(&mut self, name: &str, flags: u32) {
        if flags & 0x5 != 0 {
            self.remove_below(name);
        }
        if flags & 0x4 == 0 {
            self.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a ← b ← c, b ← d, and e.
    fn tree() -> Tree<()> {
        let mut tree = Tree::new();
        for (name, parent) in [("a", None), ("b", Some("a")), ("e", None), ("c", Some("b")), ("d", Some("b"))]
        {
            tree.put(Moment { name: name.into(), parent: parent.map(str::to_owned), data: () });
        }
        tree.set_current(Some("d".into()));
        tree
    }

    #[test]
    fn listings_hold_what_the_flags_say() {
        for (below, flags, expected) in [
            (None, 0, "abcde"),
            (None, DEPTH, "ae"),
            (None, LEAVES, "cde"),
            (None, NO_LEAVES, "ab"),
            (None, DEPTH | LEAVES, "e"),
            (Some("a"), 0, "b"),
            (Some("a"), DEPTH, "bcd"),
            (Some("a"), DEPTH | LEAVES, "cd"),
            (Some("c"), DEPTH, ""),
        ] {
            assert_eq!(tree().list(below, flags, |_| Vec::new()).concat(), expected, "{below:?} {flags}");
        }
    }

    #[test]
    fn what_is_removed_leaves_no_gap() {
        for (name, flags, left, current) in [
            ("b", 0, "acde", Some("d")),
            ("d", 0, "abce", Some("b")),
            ("b", 1, "ae", Some("a")),
            ("b", 4, "abe", Some("b")),
            ("e", 0, "abcd", Some("d")),
        ] {
            let mut tree = tree();
            tree.delete(name, flags);
            assert_eq!(tree.list(None, 0, |_| Vec::new()).concat(), left, "{name} {flags}");
            assert_eq!(tree.current().map(|moment| moment.name.as_str()), current, "{name} {flags}");
        }
    }
}
