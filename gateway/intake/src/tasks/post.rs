//! What waits to be said to one terminal, and by which way it is reached.
//!
//! A terminal is where a message of its own came from last; until one came, every way that may
//! lead to it gets what waits, once: only the terminal itself can open it.

use std::collections::VecDeque;

/// Sealed messages of one terminal that wait for a way; the oldest gives way.
const MAX_WAITING: usize = 4;
/// Ways that are tried at once for a terminal that nobody has heard.
const MAX_TRIED: usize = 64;

/// One way to terminals: a serial line, a connection, a broker. Never the same twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Route(pub(super) u64);

#[derive(Default)]
pub(super) struct Post {
    waiting: VecDeque<Letter>,
    via: Option<Route>,
}

struct Letter {
    sealed: Vec<u8>,
    /// Part of a task that somebody waits for.
    task: bool,
    tried: Vec<Route>,
}

impl Post {
    pub(super) fn send(&mut self, sealed: Vec<u8>, task: bool) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Letter { sealed, task, tried: Vec::new() });
    }

    /// Drops what belongs to tasks.
    pub(super) fn drop_tasks(&mut self) {
        self.waiting.retain(|letter| !letter.task);
    }

    /// The terminal spoke by this way; whether that is news to what waits.
    pub(super) fn spoke(&mut self, route: Route) -> bool {
        self.via.replace(route) != Some(route) && !self.waiting.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next message for a way that may lead to the terminal; none where another is known to.
    pub(super) fn take(&mut self, route: Route) -> Option<Vec<u8>> {
        match self.via {
            Some(via) if via == route => loop {
                let letter = self.waiting.pop_front()?;
                // What went this way before it was known to be right is not said twice.
                if !letter.tried.contains(&route) {
                    return Some(letter.sealed);
                }
            },
            Some(_) => None,
            None => {
                let fresh = |letter: &&mut Letter| {
                    !letter.tried.contains(&route) && letter.tried.len() < MAX_TRIED
                };
                let letter = self.waiting.iter_mut().find(fresh)?;
                letter.tried.push(route);
                Some(letter.sealed.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Route = Route(1);
    const B: Route = Route(2);

    #[test]
    fn a_terminal_not_heard_yet_is_tried_everywhere_once() {
        let mut post = Post::default();
        post.send(vec![1], true);
        assert_eq!([post.take(A), post.take(B)], [Some(vec![1]), Some(vec![1])]);
        assert_eq!([post.take(A), post.take(B)], [None, None]);
        // It answers by A: what went there is not said again, and B gets nothing more.
        assert!(post.spoke(A) && !post.spoke(A));
        assert_eq!(post.take(A), None);
        post.send(vec![2], true);
        assert_eq!([post.take(B), post.take(A), post.take(A)], [None, Some(vec![2]), None]);
    }

    #[test]
    fn what_waits_is_bounded_and_tasks_end_alone() {
        let mut post = Post::default();
        post.spoke(A);
        post.send(vec![0], false);
        (1..=3).for_each(|n| post.send(vec![n], true));
        post.drop_tasks();
        assert_eq!([post.take(A), post.take(A)], [Some(vec![0]), None]);
        (0..9).for_each(|n| post.send(vec![n], true));
        let rest: Vec<_> = std::iter::from_fn(|| post.take(A)).collect();
        assert_eq!(rest, [[5], [6], [7], [8]]);
    }
}
