//! How much stack the M1's image can need at most, from its machine code: the frame of every
//! function, who calls whom, and the longest way down.
//!
//! A function's frame is the sum of all that it pushes or takes off the stack pointer anywhere. A
//! call through a pointer may reach every function whose address lies in the image as a word.
//! Functions that may call each other in a circle (formatting does, through pointers) count as one
//! whose frame is all of theirs, `NESTED` times over: that deep is formatting nested in
//! formatting. Beside the way down from the reset there is one interrupt: all have one priority.

use anyhow::{Context as _, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Debian's, in `binutils-arm-none-eabi`; what the image is linked with there too.
const OBJDUMP: &str = "arm-none-eabi-objdump";
/// How deep functions of a circle are nested, at most.
const NESTED: u64 = 3;
/// What the processor puts on the stack for an interrupt, with its alignment.
const EXCEPTION: u64 = 36;
/// Where the processor begins, and what it may interrupt itself with.
const RESET: &str = "Reset";
const INTERRUPTS: [&str; 4] = ["SysTick", "UART0", "UART1", "UART2"];

/// What was found.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// The most stack that there can be in use, in bytes, an interrupt included.
    pub bytes: u64,
    /// Functions that count as one because they may call each other.
    pub circle: usize,
}

#[derive(Default)]
struct Function {
    name: String,
    frame: u64,
    calls: BTreeSet<u64>,
    /// Whether it calls through a pointer.
    by_pointer: bool,
}

/// Looks at an image, an ELF file.
pub fn bound(image: &Path) -> Result<Bound> {
    let (mut code, mut words) = (BTreeMap::new(), BTreeSet::new());
    read_code(&dump(image, &["-d", "--no-show-raw-insn"])?, &mut code, &mut words);
    read_data(&dump(image, &["-s", "-j", ".rodata"])?, &mut words);
    let reachable: BTreeSet<u64> =
        words.iter().map(|word| word & !1).filter(|at| code.contains_key(at)).collect();
    let starts: BTreeSet<u64> = code.keys().copied().collect();
    for function in code.values_mut() {
        function.calls.retain(|at| starts.contains(at));
        if function.by_pointer {
            function.calls.extend(&reachable);
        }
    }
    let graph = Graph::new(&code);
    let start = |name: &str| {
        let found = code.iter().find(|(_, function)| function.name == name);
        found.map(|(at, _)| *at).with_context(|| format!("no function {name} in the image"))
    };
    let main = graph.depth(start(RESET)?);
    let interrupts: Result<Vec<_>> = INTERRUPTS.iter().map(|name| start(name)).collect();
    let interrupt = interrupts?.into_iter().map(|at| graph.depth(at)).max().unwrap_or(0);
    Ok(Bound { bytes: main + EXCEPTION + interrupt, circle: graph.circle })
}

fn dump(image: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(OBJDUMP).args(arguments).arg(image).output();
    let output = output.with_context(|| format!("{OBJDUMP}: is binutils-arm-none-eabi there?"))?;
    ensure!(output.status.success(), "{OBJDUMP}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Functions by address, and the words that lie among them.
fn read_code(text: &str, code: &mut BTreeMap<u64, Function>, words: &mut BTreeSet<u64>) {
    let mut current = 0;
    for line in text.lines() {
        if let Some((at, name)) = line.strip_suffix(">:").and_then(|line| line.split_once(" <")) {
            current = u64::from_str_radix(at, 16).unwrap_or(0);
            code.insert(current, Function { name: name.to_owned(), ..Function::default() });
            continue;
        }
        let mut parts = line.split('\t').skip(1);
        let (Some(what), Some(function)) = (parts.next(), code.get_mut(&current)) else { continue };
        let with = parts.next().unwrap_or_default();
        let what = what.trim_end_matches(".w").trim_end_matches(".n");
        match what {
            ".word" => words.extend(hex(with)),
            "push" | "stmdb" => function.frame += 4 * registers(with),
            "sub" | "subw" if with.starts_with("sp, ") => function.frame += immediate(with),
            "str" if with.ends_with("]!") && with.contains("[sp, #-") => function.frame += 8,
            "blx" | "bx" if with != "lr" => function.by_pointer = true,
            branch if branch.starts_with('b') && with.contains('<') => {
                function.calls.extend(with.split(' ').next().and_then(hex));
            }
            _ => {}
        }
    }
}

/// Whole words of a dump in hex, which has four to a line behind their address.
fn read_data(text: &str, words: &mut BTreeSet<u64>) {
    for line in text.lines().filter_map(|line| line.strip_prefix(' ')) {
        let groups = line.split(' ').skip(1).take(4).filter(|group| group.len() == 8);
        let turned = groups.filter_map(|g| u32::from_str_radix(g, 16).ok());
        words.extend(turned.map(|word| u64::from(word.swap_bytes())));
    }
}

fn hex(text: &str) -> Option<u64> {
    let digits = text.trim_start_matches("0x");
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    u64::from_str_radix(digits.get(..end)?, 16).ok()
}

/// How many registers a list such as `{r4, r5, r6, lr}` or `sp!, {r4-r7, lr}` has.
fn registers(list: &str) -> u64 {
    let Some((_, list)) = list.split_once('{') else { return 0 };
    let count = |part: &str| match part.trim_matches([' ', '}', '\t']).split_once('-') {
        Some((from, to)) => {
            let number = |name: &str| name.trim_start_matches('r').parse::<u64>().unwrap_or(0);
            number(to).saturating_sub(number(from)) + 1
        }
        None => 1,
    };
    list.split(',').map(count).sum()
}

fn immediate(with: &str) -> u64 {
    let number = with.rsplit('#').next().unwrap_or_default();
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Circles of functions, each as one, with what they call.
struct Graph {
    /// Which of `groups` a function is of.
    group: BTreeMap<u64, usize>,
    /// Frame, and groups called, each group behind those that it calls.
    groups: Vec<(u64, BTreeSet<usize>)>,
    circle: usize,
}

impl Graph {
    /// By Tarjan: a circle is complete when nothing in it leads further up.
    fn new(code: &BTreeMap<u64, Function>) -> Self {
        let mut search = Search::new(code);
        code.keys().for_each(|at| search.visit(*at));
        let Search { group, members, .. } = search;
        let calls = |all: &[u64]| -> BTreeSet<usize> {
            let called = all.iter().flat_map(|at| &code[at].calls);
            called.map(|at| group[at]).collect()
        };
        let mut groups = Vec::new();
        for (number, all) in members.iter().enumerate() {
            let sum: u64 = all.iter().map(|at| code[at].frame).sum();
            let mut calls = calls(all);
            let again = calls.remove(&number);
            groups.push((if again { sum * NESTED } else { sum }, calls));
        }
        let circle = members.iter().map(Vec::len).max().unwrap_or(0);
        Self { group, groups, circle }
    }

    /// The longest way down from a function.
    fn depth(&self, at: u64) -> u64 {
        let mut depths: Vec<u64> = Vec::with_capacity(self.groups.len());
        for (frame, calls) in &self.groups {
            let below = calls.iter().map(|called| depths.get(*called).copied().unwrap_or(0));
            depths.push(frame + below.max().unwrap_or(0));
        }
        self.group.get(&at).and_then(|group| depths.get(*group)).copied().unwrap_or(0)
    }
}

struct Search<'a> {
    code: &'a BTreeMap<u64, Function>,
    /// When each was first seen, and the earliest that it leads to.
    seen: BTreeMap<u64, (usize, usize)>,
    open: Vec<u64>,
    group: BTreeMap<u64, usize>,
    members: Vec<Vec<u64>>,
}

impl<'a> Search<'a> {
    fn new(code: &'a BTreeMap<u64, Function>) -> Self {
        let (seen, group) = (BTreeMap::new(), BTreeMap::new());
        Self { code, seen, open: Vec::new(), group, members: Vec::new() }
    }

    fn visit(&mut self, at: u64) {
        if self.seen.contains_key(&at) {
            return;
        }
        let order = self.seen.len();
        self.seen.insert(at, (order, order));
        self.open.push(at);
        let mut lowest = order;
        for called in self.code.get(&at).into_iter().flat_map(|function| &function.calls) {
            self.visit(*called);
            if !self.group.contains_key(called) {
                lowest = lowest.min(self.seen.get(called).map_or(order, |(_, low)| *low));
            }
        }
        self.seen.insert(at, (order, lowest));
        if lowest == order {
            let from = self.open.iter().position(|open| *open == at).unwrap_or(0);
            let all = self.open.split_off(from);
            all.iter().for_each(|member| {
                self.group.insert(*member, self.members.len());
            });
            self.members.push(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_calls_and_circles_are_read_off_the_code() {
        let text = "00000100 <Reset>:\n 100:\tpush\t{r4, r5, lr}\n 102:\tbl\t200 <a>\n\
                    00000200 <a>:\n 200:\tstmdb\tsp!, {r4, r5, r6, r7, lr}\n \
                    204:\tsub.w\tsp, sp, #1520\t@ 0x5f0\n 208:\tblx\tr3\n 20c:\t.word\t0x00000301\n\
                    00000300 <b>:\n 300:\tsub\tsp, #16\n 302:\tb.w\t200 <a>\n";
        let (mut code, mut words) = (BTreeMap::new(), BTreeSet::new());
        read_code(text, &mut code, &mut words);
        assert_eq!((code[&0x100].frame, code[&0x200].frame, code[&0x300].frame), (12, 1540, 16));
        assert!(words.contains(&0x301) && code[&0x200].by_pointer);
        code.get_mut(&0x200).unwrap().calls.insert(0x300);
        let graph = Graph::new(&code);
        assert_eq!((graph.circle, graph.depth(0x100)), (2, 12 + NESTED * 1556));
        read_data(" 1c570 01030000 ffffffff  ....\n", &mut words);
        assert!(words.contains(&0x301));
    }
}
