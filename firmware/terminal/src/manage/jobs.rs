//! The box's jobs, one at a time.

use super::{CHOOSE_MS, Job, Manager, Then, Work, reason};
use crate::sensor::{self, MAX_TEMPLATE, Outcome};
use crate::update::UpdateError;
use crate::users::User;
use embedded_storage::nor_flash::NorFlash;
use muster_proto::message::{
    Grounds, Happened, MAX_DATA, MAX_NUMBER, SALT, TaskReason, TaskResult, Verifier,
};

impl<U: NorFlash, L: NorFlash, W: NorFlash, const USERS: usize> Manager<U, L, W, USERS> {
    /// Begins a job, or does it at once; what there is to say is in `last` then.
    pub(super) fn begin(&mut self, now_ms: u64, id: u32, job: &Job<'_>) {
        let busy = match &self.work {
            Work::Nothing => false,
            // Parts of a template may follow each other; anything else gives it up.
            Work::Incoming { .. } => {
                if !matches!(job, Job::WriteTemplate { .. }) {
                    self.work = Work::Nothing;
                    self.wipe_template();
                }
                false
            }
            Work::Module { .. } | Work::Choosing { .. } => true,
        };
        if busy {
            return self.refuse(id, TaskReason::Busy);
        }
        let done = self.attempt(now_ms, id, job);
        if let Err(why) = done {
            self.refuse(id, why);
        }
    }

    fn attempt(&mut self, now_ms: u64, id: u32, job: &Job<'_>) -> Result<(), TaskReason> {
        match *job {
            Job::Configure(settings) => {
                self.users.configure(settings).map_err(reason)?;
                self.done(id, &[]);
            }
            Job::PutUser { number, page, duress, pin } => {
                self.put_user(number, page, duress, pin)?;
                self.done(id, &[]);
            }
            Job::SetPin { number, pin } => {
                let mut user = self.users.find(number).ok_or(TaskReason::UnknownUser)?;
                user.pin = pin;
                self.users.put(&user).map_err(reason)?;
                self.done(id, &[]);
            }
            Job::RemoveUser { number } => return self.erase(id, number, true),
            Job::EraseFingers { number } => return self.erase(id, number, false),
            Job::Enrol { number, page, grounds } => {
                let number = self.may_bind(now_ms, number, page, grounds)?;
                self.module(id, sensor::Job::Enrol { page }, Then::Bind { number, page });
            }
            Job::EnrolPin { number, salt } => return self.enrol_pin(now_ms, id, number, salt),
            Job::ReadTemplate { page, offset } => self.read_template(id, page, offset),
            Job::WriteTemplate { number, page, grounds, total, offset, part } => {
                let number = self.may_bind(now_ms, number, page, grounds)?;
                return self.incoming(id, number, page, total, offset, part);
            }
            Job::BeginUpdate { head } => {
                let begun = self.updater.as_mut().map(|u| u.begin(head));
                self.update_step(now_ms, id, begun)?;
            }
            Job::UpdatePart { offset, part } => {
                let taken = self.updater.as_mut().map(|u| u.part(offset, part));
                self.update_step(now_ms, id, taken)?;
            }
            Job::EndUpdate => {
                let ended = self.updater.as_mut().map(|u| u.end());
                if let Some(Ok(version)) = ended {
                    self.note(now_ms, Happened::UpdateTaken, version);
                    self.restart = true;
                }
                self.update_step(now_ms, id, ended.map(|e| e.map(|_| ())))?;
            }
        }
        Ok(())
    }

    fn put_user(
        &mut self,
        number: &str,
        page: Option<u16>,
        duress: Option<u16>,
        pin: Option<Verifier>,
    ) -> Result<(), TaskReason> {
        let mut user = User::new(number).map_err(reason)?;
        let had = self.users.find(number).and_then(|user| user.pin);
        (user.page, user.duress, user.pin) = (page, duress, pin.or(had));
        self.users.put(&user).map_err(reason)
    }

    /// Whether this user's finger may come to lie on that page.
    fn may_bind(
        &mut self,
        now_ms: u64,
        number: &str,
        page: u16,
        grounds: Grounds,
    ) -> Result<heapless::String<MAX_NUMBER>, TaskReason> {
        if !grounds.complete() {
            self.note(now_ms, Happened::EnrolRefused, 0);
            return Err(TaskReason::NoGrounds);
        }
        let user = self.users.find(number).ok_or(TaskReason::UnknownUser)?;
        let owner = self.users.by_page(page);
        if owner.is_some_and(|(owner, _)| owner.number != user.number) {
            return Err(TaskReason::PageTaken);
        }
        Ok(user.number.clone())
    }

    fn module(&mut self, id: u32, job: sensor::Job, then: Then) {
        self.wipe_template();
        self.wanted = Some(job);
        self.work = Work::Module { id, then };
        self.say_of(id, TaskResult::Working, TaskReason::None, &[]);
    }

    fn read_template(&mut self, id: u32, page: u16, offset: u16) {
        if self.template_page == Some(page) {
            return self.tell(id, offset);
        }
        self.module(id, sensor::Job::Read { page }, Then::Tell { page, offset });
    }

    /// Reports part of the template; an empty one at its end, where it is wiped.
    fn tell(&mut self, id: u32, offset: u16) {
        let rest = self.template.as_bytes().get(usize::from(offset)..).unwrap_or_default();
        let mut part = heapless::Vec::<u8, MAX_DATA>::new();
        let _ = part.extend_from_slice(rest.get(..MAX_DATA).unwrap_or(rest));
        self.done(id, &part);
        zeroize::Zeroize::zeroize(part.as_mut_slice());
        if part.is_empty() {
            self.wipe_template();
        }
    }

    fn incoming(
        &mut self,
        id: u32,
        number: heapless::String<MAX_NUMBER>,
        page: u16,
        total: u16,
        offset: u16,
        part: &[u8],
    ) -> Result<(), TaskReason> {
        if usize::from(total) > MAX_TEMPLATE {
            return Err(TaskReason::Full);
        }
        if offset == 0 {
            self.wipe_template();
            self.work = Work::Incoming { number: number.clone(), page, total };
        }
        let same = matches!(&self.work, Work::Incoming { number: n, page: p, total: t }
            if *n == number && *p == page && *t == total);
        let end = usize::from(offset) + part.len();
        let follows = usize::from(offset) == self.template.as_bytes().len();
        if !same || !follows || end > usize::from(total) || !self.template.extend(part) {
            self.work = Work::Nothing;
            self.wipe_template();
            return Err(TaskReason::OutOfOrder);
        }
        if end < usize::from(total) {
            self.done(id, &[]);
            return Ok(());
        }
        self.wanted = Some(sensor::Job::Write { page });
        self.work = Work::Module { id, then: Then::Bind { number, page } };
        self.say_of(id, TaskResult::Working, TaskReason::None, &[]);
        Ok(())
    }

    fn erase(&mut self, id: u32, number: &str, and_user: bool) -> Result<(), TaskReason> {
        let user = self.users.find(number).ok_or(TaskReason::UnknownUser)?;
        let mut pages = heapless::Deque::new();
        for page in user.pages() {
            let _ = pages.push_back(page);
        }
        self.erase_next(id, user, pages, 0, and_user)
    }

    fn erase_next(
        &mut self,
        id: u32,
        mut user: User,
        mut pages: heapless::Deque<u16, 2>,
        erased: u16,
        and_user: bool,
    ) -> Result<(), TaskReason> {
        if let Some(page) = pages.pop_front() {
            let then = Then::Erase { user, pages, erased: erased + 1, and_user };
            self.module(id, sensor::Job::Delete { page }, then);
            return Ok(());
        }
        if and_user {
            self.users.remove(&user.number).map_err(reason)?;
        } else {
            (user.page, user.duress) = (None, None);
            self.users.put(&user).map_err(reason)?;
        }
        self.note(u64::MAX, Happened::Erased, erased.into());
        self.done(id, &erased.to_le_bytes());
        Ok(())
    }

    fn enrol_pin(
        &mut self,
        now_ms: u64,
        id: u32,
        number: &str,
        salt: [u8; SALT],
    ) -> Result<(), TaskReason> {
        let user = self.users.find(number).ok_or(TaskReason::UnknownUser)?;
        let (number, until_ms) = (user.number.clone(), now_ms + CHOOSE_MS);
        self.work = Work::Choosing { id, number, salt, until_ms };
        self.say_of(id, TaskResult::Working, TaskReason::None, &[]);
        Ok(())
    }

    fn update_step(
        &mut self,
        now_ms: u64,
        id: u32,
        done: Option<Result<(), UpdateError>>,
    ) -> Result<(), TaskReason> {
        match done {
            None => Err(TaskReason::NotSupported),
            Some(Ok(())) => {
                self.done(id, &[]);
                Ok(())
            }
            Some(Err(error)) => {
                let why = error.reason();
                self.note(now_ms, Happened::UpdateRefused, why as u32);
                Err(why)
            }
        }
    }

    /// The module has ended its job.
    pub(super) fn module_done(&mut self, now_ms: u64, outcome: Outcome) {
        let work = core::mem::replace(&mut self.work, Work::Nothing);
        let Work::Module { id, then } = work else {
            self.work = work;
            return;
        };
        let done = match outcome {
            Outcome::Done => self.follow(now_ms, id, then),
            Outcome::Nobody => Err(TaskReason::Nobody),
            Outcome::Failed => Err(TaskReason::Sensor),
        };
        if let Err(why) = done {
            self.wipe_template();
            self.refuse(id, why);
        }
    }

    fn follow(&mut self, _now_ms: u64, id: u32, then: Then) -> Result<(), TaskReason> {
        match then {
            Then::Bind { number, page } => {
                let length = self.template.as_bytes().len() as u16;
                let mut user = self.users.find(&number).ok_or(TaskReason::UnknownUser)?;
                // The box reads the template of an enrolment next; one that came from it is done.
                self.template_page = Some(page);
                user.page = Some(page);
                self.users.put(&user).map_err(reason)?;
                self.done(id, &length.to_le_bytes());
            }
            Then::Tell { page, offset } => {
                self.template_page = Some(page);
                self.tell(id, offset);
            }
            Then::Erase { user, pages, erased, and_user } => {
                return self.erase_next(id, user, pages, erased, and_user);
            }
        }
        Ok(())
    }

    /// Ends what takes too long.
    pub(super) fn give_up(&mut self, now_ms: u64) {
        if let Work::Choosing { id, until_ms, .. } = self.work
            && now_ms >= until_ms
        {
            self.work = Work::Nothing;
            self.refuse(id, TaskReason::Nobody);
        }
        self.entry.forget_if_idle(now_ms);
    }
}
