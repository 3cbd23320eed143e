//! Scores the rows of a CSV with a saved isolation forest, on a machine without Python.
//!
//! ```text
//! cargo run --release --no-default-features --example score -- model.lw < rows.csv
//! ```
//!
//! Rows go through as they come, a few at a time in constant memory; behind a pipe that stays
//! open every row is answered at once.

mod table;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use linewatch::iforest::Detector;
use table::{Next, Table};

const HELP: &str = "\
Score the rows of a CSV with an isolation forest that Python saved, alone or in a ThresholdedDetector.

usage: score MODEL [FILE] [--json] [--keep A,B,...] [--columns A,B,...] [--skip-malformed]

  MODEL             what save() wrote
  FILE              CSV with a header, columns in any order; standard input if not given
  --json            a JSON object a line instead of CSV
  --keep A,B        columns to write beside the score, such as the time and the cell
  --columns A,B     columns in the order of the fit, for a model that knows no names
  --skip-malformed  tell of a line that cannot be read on standard error, and go on

Writes row (from 1), score (higher = more normal) and label (1 normal, -1 anomaly).
Exit code: 0 all rows were scored, 1 lines were skipped, 2 refused (rows before are written).
";
/// Rows that are scored at once, where they are there already.
const ROWS: usize = 512;

struct Options {
    model: PathBuf,
    input: Option<PathBuf>,
    json: bool,
    keep: Vec<String>,
    columns: Option<Vec<String>>,
    skip_malformed: bool,
}

/// Why there are no further answers.
enum Stop {
    /// Nobody reads them.
    Closed,
    /// Said in a line.
    Refused(String),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Stop::Refused(message)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    if arguments.iter().any(|a| a == "--help" || a == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match options(&arguments)
        .map_err(Stop::from)
        .and_then(|o| run(&o))
    {
        Ok(0) => ExitCode::SUCCESS,
        Ok(1) => {
            eprintln!("score: 1 line was skipped");
            ExitCode::from(1)
        }
        Ok(skipped) => {
            eprintln!("score: {skipped} lines were skipped");
            ExitCode::from(1)
        }
        Err(Stop::Closed) => ExitCode::from(141),
        Err(Stop::Refused(message)) => {
            eprintln!("score: error: {message}");
            ExitCode::from(2)
        }
    }
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut paths = Vec::new();
    let mut options = Options {
        model: PathBuf::new(),
        input: None,
        json: false,
        keep: Vec::new(),
        columns: None,
        skip_malformed: false,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut names = || match rest.next() {
            Some(names) => Ok(names.split(',').map(str::to_owned).collect()),
            None => Err(format!("{argument} needs names of columns (see --help)")),
        };
        match argument.as_str() {
            "--json" => options.json = true,
            "--skip-malformed" => options.skip_malformed = true,
            "--keep" => options.keep = names()?,
            "--columns" => options.columns = Some(names()?),
            other if other.starts_with("--") => {
                return Err(format!("unknown option {other} (see --help)"));
            }
            path => paths.push(PathBuf::from(path)),
        }
    }
    let mut paths = paths.into_iter();
    options.model = paths.next().ok_or("which model? (see --help)")?;
    options.input = paths.next();
    match paths.next() {
        Some(path) => Err(format!(
            "{} is one file too many (see --help)",
            path.display()
        )),
        None => Ok(options),
    }
}

/// Scores all rows; gives the number of lines that were skipped.
fn run(options: &Options) -> Result<u64, Stop> {
    let detector = Detector::load(&options.model)
        .map_err(|error| format!("{} {error}", options.model.display()))?;
    let (source, name): (Box<dyn Read>, String) = match &options.input {
        Some(path) => (Box::new(open(path)?), path.display().to_string()),
        None => (Box::new(io::stdin().lock()), "standard input".to_owned()),
    };
    let read = |error: io::Error| format!("{name}: {error}");
    let mut table = Table::new(source);
    let header = table.header().map_err(read)?;
    let header = header.map_err(|what| format!("{name}, line 1: {what}"))?;
    let columns = features(&detector, options.columns.as_deref(), &header, &name)?;
    let keep = places(&options.keep, &header, &name)?;
    let mut out = Answers::new(&detector, options, &header, &keep)?;
    out.write(!table.has_line())?;
    let mut skipped = 0;
    loop {
        match table.next(header.len()).map_err(read)? {
            Next::End => break,
            Next::Record => {
                out.row += 1;
                if let Err(what) = out.take(&table, &columns) {
                    skip(options, &mut out, &name, table.line, &what)?;
                    skipped += 1;
                }
            }
            Next::Malformed(what) => {
                out.row += 1;
                skip(options, &mut out, &name, table.line, &what)?;
                skipped += 1;
            }
        }
        if out.is_full() || !table.has_line() {
            out.write(!table.has_line())?;
        }
    }
    out.write(true)?;
    Ok(skipped)
}

/// Refuses a malformed line, or says so and goes on.
fn skip(o: &Options, out: &mut Answers, name: &str, line: u64, what: &str) -> Result<(), Stop> {
    let message = format!("{name}, line {line}: {what}");
    if o.skip_malformed {
        eprintln!("score: skipped {message}");
        return Ok(());
    }
    out.write(true)?;
    Err(Stop::Refused(message))
}

fn open(path: &Path) -> Result<File, String> {
    File::open(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where the columns of the model stand in the table.
fn features(
    detector: &Detector,
    given: Option<&[String]>,
    header: &[String],
    name: &str,
) -> Result<Vec<usize>, String> {
    let n = detector.forest().n_features();
    let known = detector.feature_names();
    if known.is_some() && given.is_some() {
        return Err(
            "--columns is for a model without column names; this one knows them".to_owned(),
        );
    }
    let names = known.or(given).unwrap_or(header);
    if names.len() != n {
        return Err(format!(
            "{name}: the model takes {n} columns and knows no names, but there are {}; name them \
             in order with --columns a,b,c",
            names.len()
        ));
    }
    places(names, header, name)
}

fn places(names: &[String], header: &[String], name: &str) -> Result<Vec<usize>, String> {
    let place = |wanted: &String| {
        let mut found = (0..header.len()).filter(|&i| header[i] == *wanted);
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(format!("{name}: column {wanted:?} is in the header twice")),
            (None, _) => Err(format!(
                "{name}: column {wanted:?} is missing; the table has {}",
                header
                    .iter()
                    .map(|n| format!("{n:?}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        }
    };
    names.iter().map(place).collect()
}

/// Rows on their way from the table to the output.
struct Answers<'a> {
    detector: &'a Detector,
    json: bool,
    names: Vec<&'a str>,
    keep: &'a [usize],
    /// The number of the last row, malformed ones included.
    row: u64,
    /// The values of the rows that wait, their numbers, and what is kept of them, written out.
    values: Vec<f64>,
    rows: Vec<u64>,
    kept: Vec<String>,
    out: BufWriter<io::StdoutLock<'static>>,
}

impl<'a> Answers<'a> {
    fn new(
        detector: &'a Detector,
        options: &Options,
        header: &'a [String],
        keep: &'a [usize],
    ) -> Result<Self, Stop> {
        let names: Vec<&str> = keep.iter().map(|&i| header[i].as_str()).collect();
        let mut all = vec!["row", "score", "label"];
        for name in &names {
            if all.contains(name) {
                return Err(Stop::Refused(format!(
                    "--keep: {name:?} would be written twice"
                )));
            }
            all.push(name);
        }
        let mut answers = Answers {
            detector,
            json: options.json,
            names,
            keep,
            row: 0,
            values: Vec::new(),
            rows: Vec::new(),
            kept: Vec::new(),
            out: BufWriter::new(io::stdout().lock()),
        };
        if !options.json {
            let line: Vec<String> = all.iter().map(|name| csv(name)).collect();
            writeln!(answers.out, "{}", line.join(",")).map_err(stop)?;
        }
        Ok(answers)
    }

    /// Reads the values of a record, all or none.
    fn take<R: Read>(&mut self, table: &Table<R>, columns: &[usize]) -> Result<(), String> {
        let before = self.values.len();
        for (column, &place) in columns.iter().enumerate() {
            let field = table.field(place);
            let value = self.detector.value(column, field).or_else(|error| {
                let other = table.with_point(field).ok_or(error)?;
                self.detector.value(column, &other)
            });
            match value {
                Ok(value) => self.values.push(value),
                Err(error) => {
                    self.values.truncate(before);
                    return Err(error.to_string());
                }
            }
        }
        self.rows.push(self.row);
        let mut kept = String::new();
        for (name, &place) in self.names.iter().zip(self.keep) {
            if self.json {
                kept += &format!(", {}: {}", json(name), json(table.field(place)));
            } else {
                kept += ",";
                kept += &csv(table.field(place));
            }
        }
        self.kept.push(kept);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.rows.len() == ROWS
    }

    /// Scores the rows that wait and writes them.
    fn write(&mut self, flush: bool) -> Result<(), Stop> {
        let scores = self
            .detector
            .score(&self.values)
            .map_err(|e| e.to_string())?;
        for ((row, score), kept) in self.rows.iter().zip(scores).zip(&self.kept) {
            let label = self.detector.label(score);
            if self.json {
                writeln!(
                    self.out,
                    "{{\"row\": {row}, \"score\": {score}, \"label\": {label}{kept}}}"
                )
            } else {
                writeln!(self.out, "{row},{score},{label}{kept}")
            }
            .map_err(stop)?;
        }
        self.values.clear();
        self.rows.clear();
        self.kept.clear();
        if flush {
            self.out.flush().map_err(stop)
        } else {
            Ok(())
        }
    }
}

fn stop(error: io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Stop::Closed,
        _ => Stop::Refused(format!("the output cannot be written: {error}")),
    }
}

/// A field of a CSV.
fn csv(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// A text of JSON.
fn json(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out + "\""
}
