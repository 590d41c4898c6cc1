//! What the box sends, opened.

use crate::message::wire::Reader;
use crate::message::{Command, Kind, MAX_TASK, Message, Noted, Receipt, Stamp, Task, Welcome};
use crate::seal::{Header, Keys, Sealed};
use zeroize::Zeroize;

/// A message from the box, opened.
pub(super) enum Down {
    Receipt(Receipt),
    Welcome(Welcome),
    Command(Command),
    /// Its body stays where it was opened.
    Task(Header),
    Noted(Noted),
}

impl Down {
    pub(super) fn open(sealed: &mut [u8], keys: &Keys) -> Option<Self> {
        fn opened<'a, M: Message<'a>>(sealed: &'a mut [u8], keys: &Keys) -> Option<M> {
            Sealed::<M>::parse(sealed).ok()?.open(keys).ok()
        }
        let header = Header::peek(sealed).ok()?;
        match header.kind {
            Kind::Receipt => opened(sealed, keys).map(Self::Receipt),
            Kind::Welcome => opened(sealed, keys).map(Self::Welcome),
            Kind::Command => opened(sealed, keys).map(Self::Command),
            Kind::Task => opened::<Task<'_>>(sealed, keys).map(|_| Self::Task(header)),
            Kind::Noted => opened(sealed, keys).map(Self::Noted),
            Kind::LivePunch | Kind::StoredPunch | Kind::Hello | Kind::Note | Kind::Report => None,
        }
    }

    pub(super) fn stamp(&self) -> Stamp {
        match self {
            Self::Receipt(m) => m.kind_and_stamp().1,
            Self::Welcome(m) => m.kind_and_stamp().1,
            Self::Command(m) => m.kind_and_stamp().1,
            Self::Task(header) => header.stamp,
            Self::Noted(m) => m.kind_and_stamp().1,
        }
    }
}

/// An opened task's body, wiped when dropped.
pub(super) struct TaskBody {
    header: Header,
    bytes: heapless::Vec<u8, MAX_TASK>,
}

impl TaskBody {
    /// None if it is longer than a task may be.
    pub(super) fn new(header: Header, body: &[u8]) -> Option<Self> {
        Some(Self { header, bytes: heapless::Vec::from_slice(body).ok()? })
    }

    pub(super) fn read(&self) -> Option<Task<'_>> {
        Task::read(self.header, &mut Reader::new(&self.bytes)).ok()
    }
}

impl Drop for TaskBody {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
