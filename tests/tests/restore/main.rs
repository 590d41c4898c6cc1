//! Backup and restore, with the program itself: live punches while a backup is written, a dead box
//! and an older backup, people who were erased, damage at generated places, and a drill.

mod damage;
mod drill;
mod erased;
mod live;
mod m1;
mod resend;
mod sheets;
mod stage;
