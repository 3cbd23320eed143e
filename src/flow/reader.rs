//! Reads CSV files of nfdump, compressed or not, into tables of about so many rows each.
//!
//! On one thread the text passes through the second-level cache in small portions. On several, each
//! takes a large portion of lines and makes a table of its own, while the next portions are read
//! and unpacked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::{Kind, Layout};
use super::parse::{Odd, Parser, Plan, What};
use super::table::{Addresses, Table};
use super::text::{ReadError, Text};
use crate::error::Error;
use crate::parallel::{self, Monitor};

/// Bytes of text that one thread takes at a time.
const PORTION: usize = 1 << 18;
/// Bytes of text of which each of several threads makes a table.
const SHARE: usize = 1 << 23;
/// Bytes of text that one table is made of: offsets of texts are 32-bit numbers.
const MOST_BYTES: usize = 1 << 30;

/// What to read.
#[derive(Debug, Clone)]
pub struct Options {
    /// Short names of columns; all of the first file if `None`.
    pub columns: Option<Vec<String>>,
    /// How addresses are kept.
    pub addresses: Addresses,
    /// Whether rows with a fault are left out rather than an error.
    pub skip: bool,
    /// Rows of a table, about.
    pub rows: usize,
    /// Threads.
    pub threads: usize,
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Which of the files.
    pub file: usize,
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Files being read one after another.
pub struct Reader {
    paths: Vec<PathBuf>,
    options: Options,
    /// Names and kinds of the columns of every table.
    columns: Vec<(String, Kind)>,
    next_file: usize,
    open: Option<Text>,
    /// What is read of the open file.
    plan: Arc<Plan>,
    parser: Parser,
    /// Read and not yet made into tables.
    shares: Vec<Share>,
    /// Tables of several threads, in order, the next one last.
    ready: Vec<Made>,
    place: Place,
    bad_rows: Vec<BadRow>,
    bad_count: u64,
}

/// Where reading is, to number lines and to know a trailer.
#[derive(Debug, Default, Clone, Copy)]
struct Place {
    file: Option<usize>,
    /// Lines before.
    lines: u64,
    /// The line that named the trailer's values.
    totals: Option<u64>,
}

/// Lines of one file for one thread.
struct Share {
    file: usize,
    plan: Arc<Plan>,
    text: Vec<u8>,
}

/// What came of them.
struct Made {
    file: usize,
    has_header: bool,
    table: Table,
    odd: Vec<Odd>,
    lines: u64,
}

impl Reader {
    /// Looks at the header of every file.
    ///
    /// # Errors
    ///
    /// [`ReadError::Kernel`] if one is not of nfdump, or lacks a column.
    pub fn new(paths: Vec<PathBuf>, options: Options) -> Result<Self, ReadError> {
        let mut columns: Option<Vec<(String, Kind)>> = None;
        for path in &paths {
            let layout = Text::open(path)?.layout;
            let wanted = match (&options.columns, &columns) {
                (Some(names), _) => names.clone(),
                (None, Some(columns)) => columns.iter().map(|(name, _)| name.clone()).collect(),
                (None, None) => layout.columns.iter().map(|c| c.name.clone()).collect(),
            };
            if options.columns.is_none()
                && (wanted.len() < layout.columns.len()
                    || wanted.iter().any(|name| layout.position(name).is_none()))
            {
                let text = format!(
                    "{} has other columns ({}) than {} ({}); name the columns to read with columns=",
                    path.display(),
                    layout.names(),
                    paths[0].display(),
                    wanted.join(", ")
                );
                return Err(Error::Message(text).into());
            }
            let found = select(path, &layout, &wanted)?;
            let kinds = found.iter().map(|&i| layout.columns[i].kind);
            columns.get_or_insert_with(|| wanted.into_iter().zip(kinds).collect());
        }
        let Some(columns) = columns else {
            return Err(Error::argument("path", "at least one file", "none").into());
        };
        Ok(Reader {
            paths,
            options,
            columns,
            next_file: 0,
            open: None,
            plan: Arc::default(),
            parser: Parser::default(),
            shares: Vec::new(),
            ready: Vec::new(),
            place: Place::default(),
            bad_rows: Vec::new(),
            bad_count: 0,
        })
    }

    /// Names and kinds of the columns.
    pub fn columns(&self) -> &[(String, Kind)] {
        &self.columns
    }

    /// How addresses are kept.
    pub fn addresses(&self) -> Addresses {
        self.options.addresses
    }

    /// The rows left out since the last call.
    pub fn take_bad_rows(&mut self) -> Vec<BadRow> {
        std::mem::take(&mut self.bad_rows)
    }

    /// How many rows were left out so far.
    pub fn bad_count(&self) -> u64 {
        self.bad_count
    }

    /// A table of no rows.
    pub fn empty(&self) -> Table {
        let kinds: Vec<Kind> = self.columns.iter().map(|&(_, kind)| kind).collect();
        Table::new(&kinds, self.options.addresses)
    }

    /// The next table; `None` at the end.
    ///
    /// # Errors
    ///
    /// The first row with a fault, unless such rows are left out; what the system refuses.
    pub fn next_table(&mut self, monitor: &Monitor) -> Result<Option<Table>, ReadError> {
        if self.options.threads > 1 {
            return self.next_share(monitor);
        }
        let mut table = self.empty();
        let mut odd = Vec::new();
        let mut bytes = 0;
        while table.rows < self.options.rows && bytes < MOST_BYTES {
            let Some(open) = self.opened()? else { break };
            let Some(text) = open.lines(PORTION)? else {
                self.open = None;
                continue;
            };
            let (file, plan) = (self.next_file - 1, Arc::clone(&self.plan));
            let text_len = text.len();
            bytes += text_len;
            let before = table.rows;
            let lines = self.parser.read(&plan, &text, &mut table, &mut odd);
            if let Some(open) = &mut self.open {
                open.recycle(text);
            }
            if before == 0 && text_len >= PORTION / 2 {
                // The last portion may go beyond the number of rows that was asked for.
                table.reserve(self.options.rows + table.rows);
            }
            self.resolve(file, plan.layout.has_header, lines, &mut odd)?;
            monitor.tick((table.rows - before) as u64)?;
        }
        Ok((table.rows > 0).then_some(table))
    }

    /// The same on several threads.
    fn next_share(&mut self, monitor: &Monitor) -> Result<Option<Table>, ReadError> {
        loop {
            if let Some(mut made) = self.ready.pop() {
                self.resolve(made.file, made.has_header, made.lines, &mut made.odd)?;
                monitor.tick(made.table.rows as u64)?;
                if made.table.rows > 0 {
                    return Ok(Some(made.table));
                }
                continue;
            }
            if self.shares.is_empty() {
                self.shares = self.read_shares(self.options.threads)?;
                if self.shares.is_empty() {
                    return Ok(None);
                }
            }
            self.make_shares(monitor)?;
        }
    }

    /// Makes tables of the shares at hand while the next ones are read.
    fn make_shares(&mut self, monitor: &Monitor) -> Result<(), ReadError> {
        enum Task<'a> {
            Read(&'a mut Reader, &'a mut Result<Vec<Share>, ReadError>),
            Make(Share, &'a mut Option<Made>, Table),
        }
        let shares = std::mem::take(&mut self.shares);
        let threads = self.options.threads;
        let tables: Vec<Table> = shares.iter().map(|_| self.empty()).collect();
        let mut made: Vec<Option<Made>> = shares.iter().map(|_| None).collect();
        let mut next = Ok(Vec::new());
        let mut tasks = vec![Task::Read(self, &mut next)];
        let outs = shares.into_iter().zip(&mut made).zip(tables);
        tasks.extend(outs.map(|((share, out), table)| Task::Make(share, out, table)));
        parallel::for_each(tasks, threads, |task| {
            match task {
                Task::Read(reader, out) => *out = reader.read_shares(threads),
                Task::Make(share, out, mut table) => {
                    let mut odd = Vec::new();
                    // Lines differ little in length.
                    let first = share.text.iter().position(|&b| b == b'\n');
                    let line = first.map_or(share.text.len(), |end| end + 1).max(16);
                    table.reserve(share.text.len() / line * 9 / 8);
                    let lines =
                        Parser::default().read(&share.plan, &share.text, &mut table, &mut odd);
                    *out = Some(Made {
                        file: share.file,
                        has_header: share.plan.layout.has_header,
                        table,
                        odd,
                        lines,
                    });
                }
            }
            monitor.tick(0)
        })?;
        self.ready = made.into_iter().flatten().collect();
        self.ready.reverse();
        match next {
            Ok(shares) => self.shares = shares,
            // Said when the rows before it have been given.
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn read_shares(&mut self, most: usize) -> Result<Vec<Share>, ReadError> {
        let mut shares = Vec::new();
        while shares.len() < most {
            let Some(open) = self.opened()? else { break };
            match open.lines(SHARE)? {
                Some(text) => shares.push(Share {
                    file: self.next_file - 1,
                    plan: Arc::clone(&self.plan),
                    text,
                }),
                None => self.open = None,
            }
        }
        Ok(shares)
    }

    /// The file being read, or the next one.
    fn opened(&mut self) -> Result<Option<&mut Text>, ReadError> {
        if self.open.is_none() {
            let Some(path) = self.paths.get(self.next_file) else {
                return Ok(None);
            };
            let text = Text::open(path)?;
            let names: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
            self.plan = Arc::new(Plan {
                wanted: select(path, &text.layout, &names)?,
                layout: text.layout.clone(),
                header: text.header.clone(),
            });
            self.next_file += 1;
            self.open = Some(text);
        }
        Ok(self.open.as_mut())
    }

    /// Tells trailers from faults, in the order of the lines.
    fn resolve(
        &mut self,
        file: usize,
        has_header: bool,
        lines: u64,
        odd: &mut Vec<Odd>,
    ) -> Result<(), Error> {
        if Some(file) != self.place.file {
            // The header was a line.
            self.place = Place {
                file: Some(file),
                lines: u64::from(has_header),
                totals: None,
            };
        }
        for Odd { line, what } in odd.drain(..) {
            let line = self.place.lines + line + 1;
            let reason = match what {
                What::Summary => continue,
                What::TotalNames => {
                    self.place.totals = Some(line);
                    continue;
                }
                What::Totals(_) if self.place.totals == Some(line - 1) => continue,
                What::Totals(reason) | What::Bad(reason) => reason,
            };
            if !self.options.skip {
                return Err(Error::Message(format!(
                    "{}, line {line}: {reason} (on_bad_row=\"skip\" leaves such rows out)",
                    self.paths[file].display()
                )));
            }
            self.bad_count += 1;
            self.bad_rows.push(BadRow { file, line, reason });
        }
        self.place.lines += lines;
        Ok(())
    }
}

/// Where the columns are in a file.
fn select(path: &Path, layout: &Layout, names: &[String]) -> Result<Vec<usize>, Error> {
    names
        .iter()
        .map(|name| {
            let position = layout.position(name);
            // The name that the file uses does as well.
            let titled = || layout.columns.iter().position(|c| c.title == *name);
            position.or_else(titled).ok_or_else(|| {
                Error::Message(format!(
                    "{} has no column {name}; it has {}",
                    path.display(),
                    layout.names()
                ))
            })
        })
        .collect()
}
