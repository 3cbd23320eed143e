//! Lines of a CSV into columns, one column after another.
//!
//! The commas of a stretch of lines are found first. Lines with the right number of fields are rows;
//! each wanted column is then read for all of them by one loop, and columns that are not wanted are
//! never looked at. Rows with a fault are rare: the stretch is read again without them.

use super::field::{self, Clock, Fault};
use super::index::Index;
use super::layout::{Kind, Layout};
use super::table::{Field, Table, Values};

/// Bytes of lines that are read at a time; they and the places of their commas stay in the
/// first-level cache.
const STRETCH: usize = 1 << 15;

/// What is read of a file.
#[derive(Debug, Default)]
pub struct Plan {
    /// Columns of the file.
    pub layout: Layout,
    /// Those that are wanted: where they are in the file.
    pub wanted: Vec<usize>,
    /// The line that names the columns; empty if there is none.
    pub header: Vec<u8>,
}

/// A line that is not a row.
#[derive(Debug, PartialEq, Eq)]
pub struct Odd {
    /// Its number in the text, from 0.
    pub line: u64,
    /// What it is.
    pub what: What,
}

/// What a line is that is not a row.
#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// The trailer begins.
    Summary,
    /// The trailer's names.
    TotalNames,
    /// What may be the trailer's values, or a row with this fault.
    Totals(String),
    /// A row with this fault.
    Bad(String),
}

/// Reads texts of lines. Keeps its memory from one to the next.
#[derive(Default)]
pub struct Parser {
    index: Index,
    /// The entry of `index.places` before each row.
    rows: Vec<u32>,
    /// Rows with a fault: row, column, fault.
    faults: Vec<(u32, u32, Fault)>,
    /// The last time of each wanted column.
    clocks: Vec<Clock>,
}

/// The fault of a flow that ends before it begins has no column.
const BACKWARDS: u32 = u32::MAX;

impl Parser {
    /// Adds the rows of `text`, which ends with a line end, to `table`. Gives the number of lines.
    pub fn read(&mut self, plan: &Plan, text: &[u8], table: &mut Table, odd: &mut Vec<Odd>) -> u64 {
        self.clocks.resize_with(plan.wanted.len(), Clock::default);
        let (mut rest, mut lines) = (text, 0);
        while !rest.is_empty() {
            let (stretch, after) = rest.split_at(cut(rest));
            self.stretch(plan, stretch, table, odd, lines);
            lines += self.index.lines.len() as u64;
            rest = after;
        }
        lines
    }

    fn stretch(
        &mut self,
        plan: &Plan,
        text: &[u8],
        table: &mut Table,
        odd: &mut Vec<Odd>,
        first_line: u64,
    ) {
        self.index.fill(text);
        let columns = plan.layout.columns.len() as u32;
        let known = odd.len();
        self.rows.clear();
        let mut before = 0;
        for (line, &end) in self.index.lines.iter().enumerate() {
            if end - before == columns {
                self.rows.push(before);
            } else {
                let text = self.line(text, before, end);
                if let Some(what) = strange(text, end - before, columns) {
                    let line = first_line + line as u64;
                    odd.push(Odd { line, what });
                }
            }
            before = end;
        }
        if self.index.has_quotes {
            self.drop_quoted(text, columns, first_line, odd);
        }
        loop {
            self.faults.clear();
            self.columns(plan, text, table);
            if self.faults.is_empty() {
                break;
            }
            table.truncate(table.rows);
            self.drop_faulty(plan, text, first_line, odd);
        }
        table.rows += self.rows.len();
        if odd.len() > known {
            odd[known..].sort_by_key(|odd| odd.line);
        }
    }

    /// The line between two entries of the index, without its end.
    fn line<'a>(&self, text: &'a [u8], before: u32, end: u32) -> &'a [u8] {
        let start = self.index.places[before as usize].wrapping_add(1) as usize;
        let line = &text[start..self.index.places[end as usize] as usize];
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// The number of the line of a row.
    fn line_number(&self, row: u32, columns: u32) -> u64 {
        self.index.lines.partition_point(|&end| end < row + columns) as u64
    }

    fn drop_quoted(&mut self, text: &[u8], columns: u32, first_line: u64, odd: &mut Vec<Odd>) {
        let rows = std::mem::take(&mut self.rows);
        let is_quoted = |&row: &u32| self.line(text, row, row + columns).contains(&b'"');
        let (quoted, plain): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(is_quoted);
        for row in quoted {
            let line = first_line + self.line_number(row, columns);
            let what = "has quotes, which nfdump does not write (remove them)".to_owned();
            odd.push(Odd {
                line,
                what: What::Bad(what),
            });
        }
        self.rows = plain;
    }

    fn drop_faulty(&mut self, plan: &Plan, text: &[u8], first_line: u64, odd: &mut Vec<Odd>) {
        let columns = plan.layout.columns.len() as u32;
        self.faults.sort_by_key(|&(row, column, _)| (row, column));
        self.faults.dedup_by_key(|&mut (row, ..)| row);
        for &(row, slot, fault) in &self.faults {
            let row = self.rows[row as usize];
            let line = self.line(text, row, row + columns);
            // Files put one after another repeat the header.
            if line == plan.header {
                continue;
            }
            let fields: Vec<&[u8]> = line.split(|&b| b == b',').collect();
            odd.push(Odd {
                line: first_line + self.line_number(row, columns),
                what: What::Bad(plan.explain(slot, fault, &fields)),
            });
        }
        let mut faults = self.faults.iter().map(|&(row, ..)| row).peekable();
        let mut number = 0;
        self.rows.retain(|_| {
            let is_faulty = faults.next_if_eq(&number).is_some();
            number += 1;
            !is_faulty
        });
    }

    /// Reads every wanted column of the rows.
    fn columns(&mut self, plan: &Plan, text: &[u8], table: &mut Table) {
        let last = plan.layout.columns.len() - 1;
        for (slot, (&position, field)) in plan.wanted.iter().zip(&mut table.fields).enumerate() {
            let mut column = Column {
                text,
                places: &self.index.places,
                rows: &self.rows,
                position,
                has_ends: position == last,
                first_row: table.rows as u32,
                slot: slot as u32,
                missing: &mut field.missing,
                faults: &mut self.faults,
            };
            let kind = plan.layout.columns[position].kind;
            match &mut field.values {
                Values::Times(out) => {
                    let clock = &mut self.clocks[slot];
                    column.read(out, |text, start, end| clock.read(&text[start..end]));
                }
                Values::Seconds(out) => column.read(out, field::seconds),
                Values::Counts(out) => column.read(out, field::whole),
                Values::Smalls(out) if kind == Kind::Port => column.read(out, field::port),
                Values::Smalls(out) => column.read(out, field::small),
                Values::Numbers(out) => column.read(out, field::address_number),
                Values::Bytes(out) => column.read(out, field::address_bytes),
                Values::Views { views, texts } => {
                    column.read(views, |text, start, end| {
                        field::address_view(text, start, end, texts)
                    });
                }
                Values::Labels { codes, labels } => {
                    let is_address = kind == Kind::Address;
                    let mut invalid = Vec::new();
                    column.read(codes, |text, start, end| {
                        let (start, end) = within(text, start, end);
                        if start == end {
                            return Err(Fault::Missing);
                        }
                        let (code, is_new) = labels.code(text, start, end);
                        if is_new && !is_readable(is_address, &text[start..end]) {
                            invalid.push(code);
                        }
                        Ok(code)
                    });
                    // A text is looked at when it is new. It may come again, so all its rows are
                    // sought; there is hardly ever one.
                    if !invalid.is_empty() {
                        let rows = codes[table.rows..].iter().enumerate();
                        let faulty = rows.filter(|(_, code)| invalid.contains(code));
                        let faulty =
                            faulty.map(|(row, _)| (row as u32, slot as u32, Fault::Invalid));
                        self.faults.extend(faulty);
                        // Forgotten, so that it is looked at again when it comes again.
                        **labels = relearned(labels, &invalid, codes);
                    }
                }
            }
        }
        if let (Some(ts), Some(te)) = (plan.slot("ts"), plan.slot("te")) {
            self.check_order(table, ts, te);
        }
    }

    fn check_order(&mut self, table: &Table, ts: usize, te: usize) {
        let [
            Field {
                values: Values::Times(starts),
                missing: no_start,
            },
            Field {
                values: Values::Times(ends),
                missing: no_end,
            },
        ] = [&table.fields[ts], &table.fields[te]]
        else {
            return;
        };
        let (starts, ends) = (&starts[table.rows..], &ends[table.rows..]);
        // All at once, in vector registers; where they are only if there are any.
        if !starts
            .iter()
            .zip(ends)
            .fold(false, |any, (ts, te)| any | (te < ts))
        {
            return;
        }
        for (row, (ts, te)) in starts.iter().zip(ends).enumerate() {
            let place = (table.rows + row) as u32;
            let is_there = |missing: &[u32]| missing.binary_search(&place).is_err();
            if te < ts && is_there(no_start) && is_there(no_end) {
                self.faults.push((row as u32, BACKWARDS, Fault::Invalid));
            }
        }
    }
}

/// One column of a stretch.
struct Column<'a> {
    text: &'a [u8],
    places: &'a [u32],
    rows: &'a [u32],
    position: usize,
    /// The last column may end with a carriage return.
    has_ends: bool,
    first_row: u32,
    slot: u32,
    missing: &'a mut Vec<u32>,
    faults: &'a mut Vec<(u32, u32, Fault)>,
}

impl Column<'_> {
    #[inline(always)]
    fn read<T: Default>(
        &mut self,
        out: &mut Vec<T>,
        mut parse: impl FnMut(&[u8], usize, usize) -> Result<T, Fault>,
    ) {
        let text = self.text;
        out.extend(self.rows.iter().enumerate().map(|(i, &row)| {
            let at = row as usize + self.position;
            let start = self.places[at].wrapping_add(1) as usize;
            let mut end = self.places[at + 1] as usize;
            if self.has_ends && end > start && text[end - 1] == b'\r' {
                end -= 1;
            }
            parse(text, start, end).unwrap_or_else(|fault| {
                let i = i as u32;
                match fault {
                    Fault::Missing => self.missing.push(self.first_row + i),
                    _ => self.faults.push((i, self.slot, fault)),
                }
                T::default()
            })
        }));
    }
}

/// A field without blanks around it.
#[inline(always)]
fn within(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    if start < end && (text[start] == b' ' || text[end - 1] == b' ') {
        return trimmed(text, start, end);
    }
    (start, end)
}

#[cold]
fn trimmed(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let start = start + text[start..end].iter().take_while(|&&b| b == b' ').count();
    let blanks = text[start..end].iter().rev().take_while(|&&b| b == b' ');
    (start, end - blanks.count())
}

fn is_readable(is_address: bool, text: &[u8]) -> bool {
    if is_address {
        field::address(text).is_ok()
    } else {
        std::str::from_utf8(text).is_ok()
    }
}

/// The texts without those that are not valid; the codes of the others stay.
///
/// Invalid ones are replaced by an empty text, so that numbers stay what they are.
fn relearned(
    labels: &super::labels::Labels,
    invalid: &[u32],
    codes: &mut [u32],
) -> super::labels::Labels {
    let mut fresh = super::labels::Labels::default();
    let mut renamed = vec![0; labels.len()];
    for code in 0..labels.len() as u32 {
        if !invalid.contains(&code) {
            let text = labels.text(code);
            renamed[code as usize] = fresh.code(text, 0, text.len()).0;
        }
    }
    for code in codes {
        *code = renamed.get(*code as usize).copied().unwrap_or(0);
    }
    fresh
}

/// Where to cut lines so that about [`STRETCH`] bytes are before.
fn cut(text: &[u8]) -> usize {
    if text.len() <= STRETCH {
        return text.len();
    }
    let is_end = |&b: &u8| b == b'\n';
    if let Some(end) = text[..STRETCH].iter().rposition(is_end) {
        return end + 1;
    }
    let end = text[STRETCH..].iter().position(is_end);
    end.map_or(text.len(), |end| STRETCH + end + 1)
}

/// What a line with the wrong number of fields is; `None` for an empty one.
fn strange(line: &[u8], fields: u32, columns: u32) -> Option<What> {
    let line = field::trim(line);
    if line.is_empty() {
        return None;
    }
    if line == b"Summary" {
        return Some(What::Summary);
    }
    if line.starts_with(b"flows,bytes,packets,avg_bps,avg_pps,avg_bpp") {
        return Some(What::TotalNames);
    }
    let s = if fields == 1 { "" } else { "s" };
    let fault = format!("has {fields} field{s}, expected {columns}");
    let is_number = |b: &u8| b.is_ascii_digit() || matches!(b, b',' | b'.' | b' ' | b'-');
    if fields == 6 && line.iter().all(is_number) {
        return Some(What::Totals(fault));
    }
    Some(What::Bad(fault))
}

impl Plan {
    /// Which of the wanted columns has this name.
    fn slot(&self, name: &str) -> Option<usize> {
        let is_it = |&position: &usize| self.layout.columns[position].name == name;
        self.wanted.iter().position(is_it)
    }

    /// What is wrong with the fields of a row.
    fn explain(&self, slot: u32, fault: Fault, fields: &[&[u8]]) -> String {
        let shown = |position: usize| {
            let text = String::from_utf8_lossy(fields.get(position).copied().unwrap_or_default());
            let start: String = text.trim().chars().take(60).collect();
            let more = if start.len() < text.trim().len() {
                "..."
            } else {
                ""
            };
            format!("\"{start}{more}\"")
        };
        if slot == BACKWARDS {
            let place = |name| self.layout.position(name).map_or_else(String::new, shown);
            return format!("te {} is before ts {}", place("te"), place("ts"));
        }
        let position = self.wanted[slot as usize];
        let column = &self.layout.columns[position];
        let mut name = column.name.clone();
        if column.title != name {
            name = format!("{name} ({})", column.title);
        }
        let expected = match (fault, column.kind) {
            (Fault::Negative, _) => "not be negative",
            (Fault::Scoped, _) => "be an address without a zone (read it with addresses=\"text\")",
            (Fault::NotIpv4, _) => {
                "be an IPv4 address for addresses=\"integer\" (read it with addresses=\"bytes\")"
            }
            (_, Kind::Time) => "be a time such as 2026-01-31 12:00:00 or milliseconds since 1970",
            (_, Kind::Seconds) => "be a number of seconds",
            (_, Kind::Count) => "be a whole number below 2**63",
            (_, Kind::Small) => "be a whole number below 2**31",
            (_, Kind::Port) => "be a port from 0 to 65535",
            (_, Kind::Address) => "be an IPv4 or IPv6 address",
            (_, Kind::Label) => "be text in UTF-8",
        };
        format!("{name} must {expected}, got {}", shown(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::table::Addresses;
    use proptest::prelude::*;

    fn read(header: &str, text: &[u8], addresses: Addresses) -> (Table, Vec<Odd>, u64) {
        let layout = Layout::of(header.as_bytes()).unwrap();
        let kinds: Vec<Kind> = layout.columns.iter().map(|column| column.kind).collect();
        let mut table = Table::new(&kinds, addresses);
        let plan = Plan {
            wanted: (0..kinds.len()).collect(),
            header: header.as_bytes().to_vec(),
            layout,
        };
        let mut odd = Vec::new();
        let lines = Parser::default().read(&plan, text, &mut table, &mut odd);
        (table, odd, lines)
    }

    #[test]
    fn rows_and_lines_that_are_none() {
        let text = b"10.0.0.1,443,5\nhalf\n\n10.0.0.2,https,6\r\n10.0.0.3,53,7\r\n";
        let (table, odd, lines) = read("sa,dp,ibyt", text, Addresses::Integer);
        assert_eq!((table.rows, lines), (2, 5));
        let Values::Numbers(addresses) = &table.fields[0].values else {
            panic!("addresses are numbers");
        };
        assert_eq!(addresses[..], [0x0a00_0001, 0x0a00_0003]);
        let reasons: Vec<(u64, What)> = odd.into_iter().map(|odd| (odd.line, odd.what)).collect();
        let expected = [
            (1, What::Bad("has 1 field, expected 3".to_owned())),
            (
                3,
                What::Bad("dp must be a port from 0 to 65535, got \"https\"".to_owned()),
            ),
        ];
        assert_eq!(reasons, expected);
    }

    proptest! {
        #[test]
        fn any_bytes_are_rows_or_named(
            text in prop::collection::vec(prop::sample::select(b",,,\n\n\"\r .:-01259aTCP%\xff".to_vec()), 0..400),
            more in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let text = [text, more, b"\n".to_vec()].concat();
            let all = [Addresses::Text, Addresses::Category, Addresses::Integer, Addresses::Bytes];
            for addresses in all {
                let header = "ts,te,td,sa,sp,pr,ibyt";
                let (table, odd, lines) = read(header, &text, addresses);
                prop_assert_eq!(lines as usize, text.iter().filter(|&&b| b == b'\n').count());
                prop_assert!(table.rows + odd.len() <= lines as usize);
                let (short, odd, _) = read("sa,pr", &text, addresses);
                prop_assert!(short.rows + odd.len() <= lines as usize);
                for field in &short.fields {
                    if let Values::Labels { codes, labels } = &field.values {
                        let known = |code: &u32| (*code as usize) < labels.len().max(1);
                        prop_assert!(codes.iter().all(known));
                    }
                }
            }
        }
    }
}
