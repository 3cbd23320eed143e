//! CSV of any length, one record a line, in constant memory.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;
/// Bytes of the longest line.
const LONGEST: usize = 1 << 20;

/// What stands next in a table.
pub enum Next {
    /// A record; [`Table::field`] gives its fields.
    Record,
    /// A line that is none, and why.
    Malformed(String),
    End,
}

/// The records of a table, the first of which names the columns.
pub struct Table<R> {
    source: BufReader<R>,
    separator: char,
    /// The number of the line that was read last.
    pub line: u64,
    raw: Vec<u8>,
    text: String,
    fields: Vec<Range<usize>>,
}

impl<R: Read> Table<R> {
    pub fn new(source: R) -> Self {
        Table {
            source: BufReader::with_capacity(BUFFER, source),
            separator: ',',
            line: 0,
            raw: Vec::new(),
            text: String::new(),
            fields: Vec::new(),
        }
    }

    /// The names of the columns, trimmed. What parts the fields is the commonest of `,`, `;`, tab
    /// and `|` in this line.
    pub fn header(&mut self) -> io::Result<Result<Vec<String>, String>> {
        if !self.read_line()? {
            return Ok(Err("there is no header, the input is empty".to_owned()));
        }
        self.raw.drain(
            ..if self.raw.starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                0
            },
        );
        let count = |c: char| self.raw.iter().filter(|&&b| char::from(b) == c).count();
        for separator in [';', '\t', '|'] {
            if count(separator) > count(self.separator) {
                self.separator = separator;
            }
        }
        Ok(self.part().map(|()| {
            let names = 0..self.fields.len();
            names.map(|i| self.field(i).trim().to_owned()).collect()
        }))
    }

    /// Goes to the next record of `width` fields. Blank lines are passed, unless there is but one
    /// column, whose value they lack.
    pub fn next(&mut self, width: usize) -> io::Result<Next> {
        while self.read_line()? {
            if width > 1 && self.raw.trim_ascii().is_empty() {
                continue;
            }
            if let Err(what) = self.part() {
                return Ok(Next::Malformed(what));
            }
            let found = self.fields.len();
            if found == width {
                return Ok(Next::Record);
            }
            let s = if found == 1 { "" } else { "s" };
            let what = format!("{found} field{s}, but the header has {width}");
            return Ok(Next::Malformed(what));
        }
        Ok(Next::End)
    }

    /// Whether a whole line is here already, so that the next record does not keep one waiting.
    pub fn has_line(&self) -> bool {
        self.source.buffer().contains(&b'\n')
    }

    /// Field `i` of the record.
    pub fn field(&self, i: usize) -> &str {
        &self.text[self.fields[i].clone()]
    }

    /// 12.5 of a field that reads 12,5 where fields are not parted by commas.
    pub fn with_point(&self, field: &str) -> Option<String> {
        let digits = field.trim();
        let digits = digits.strip_prefix('-').unwrap_or(digits);
        let (whole, part) = digits.split_once(',')?;
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let is_number = is_digits(whole) && is_digits(part) && !part.is_empty();
        (self.separator != ',' && is_number).then(|| field.replace(',', "."))
    }

    /// Reads a line; of one that is too long only the beginning is kept.
    fn read_line(&mut self) -> io::Result<bool> {
        self.raw.clear();
        let most = LONGEST as u64 + 1;
        if (&mut self.source)
            .take(most)
            .read_until(b'\n', &mut self.raw)?
            == 0
        {
            return Ok(false);
        }
        self.line += 1;
        let mut is_over = self.raw.ends_with(b"\n") || self.raw.len() <= LONGEST;
        while !is_over {
            let rest = self.source.fill_buf()?;
            let end = rest.iter().position(|&b| b == b'\n');
            is_over = end.is_some() || rest.is_empty();
            let used = end.map_or(rest.len(), |end| end + 1);
            self.source.consume(used);
        }
        Ok(true)
    }

    /// Parts the line into fields.
    fn part(&mut self) -> Result<(), String> {
        self.fields.clear();
        self.text.clear();
        if self.raw.len() > LONGEST {
            return Err(format!("longer than {LONGEST} bytes"));
        }
        let line = str::from_utf8(&self.raw).map_err(|_| "the text is not UTF-8")?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        let mut rest = line.strip_suffix('\r').unwrap_or(line);
        loop {
            let start = self.text.len();
            if let Some(quoted) = rest.strip_prefix('"') {
                rest = unquoted(quoted, &mut self.text)?;
            } else {
                let (field, after) = rest.split_at(rest.find(self.separator).unwrap_or(rest.len()));
                self.text.push_str(field);
                rest = after;
            }
            self.fields.push(start..self.text.len());
            match rest.strip_prefix(self.separator) {
                Some(after) => rest = after,
                None if rest.is_empty() => return Ok(()),
                None => return Err("text after a closing quote".to_owned()),
            }
        }
    }
}

/// Appends a field to `text`, from behind its first quote on, and gives what follows the last.
fn unquoted<'a>(mut rest: &'a str, text: &mut String) -> Result<&'a str, String> {
    loop {
        let Some((field, after)) = rest.split_once('"') else {
            return Err("a quote is not closed on its line".to_owned());
        };
        text.push_str(field);
        match after.strip_prefix('"') {
            Some(after) => {
                text.push('"');
                rest = after;
            }
            None => return Ok(after),
        }
    }
}
