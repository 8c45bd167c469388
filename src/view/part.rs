//! A shared piece of the picture. Two parts made at different moments compare by pointer first, so a
//! component whose part did not change costs one comparison and is not rendered again.

use std::ops::Deref;
use std::rc::Rc;

/// An immutable, shared piece of a [`super::Scene`].
#[derive(Debug, Default)]
pub struct Part<T>(Rc<T>);

impl<T> Part<T> {
    /// Shares `value`.
    pub fn new(value: T) -> Self {
        Self(Rc::new(value))
    }
}

impl<T: PartialEq> Part<T> {
    /// `value`, shared with `before` if nothing changed.
    pub fn renew(before: Option<&Self>, value: T) -> Self {
        match before {
            Some(part) if *part.0 == value => part.clone(),
            _ => Self::new(value),
        }
    }
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T: PartialEq> PartialEq for Part<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl<T> Deref for Part<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Part<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_part_keeps_its_pointer() {
        let before = Part::new(vec![1, 2]);
        let same = Part::renew(Some(&before), vec![1, 2]);
        let changed = Part::renew(Some(&before), vec![1, 3]);
        assert!(Rc::ptr_eq(&before.0, &same.0));
        assert!(!Rc::ptr_eq(&before.0, &changed.0));
        assert_ne!(before, changed);
    }
}
