//! Calls a kernel with the interpreter lock released, so that other Python threads go on, Ctrl-C
//! is answered and progress is shown.
//!
//! Work long enough to be interrupted runs on a thread of its own. The calling thread, the only
//! one that Python lets handle signals, wakes every 50 ms to look for them and to report. Handing
//! the work over costs about 0.1 ms, so short work stays where it is.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use super::error::guard;
use crate::error::Error;
use crate::parallel::Monitor;

/// Estimated work, in nanoseconds, from which a call can be interrupted.
const LONG: u64 = 10_000_000;
/// How often the calling thread looks for signals and reports progress.
const PULSE: Duration = Duration::from_millis(50);

/// Runs `work` without the interpreter lock.
///
/// `work` counts what it has done with [`Monitor::tick`]; `progress` is called with the rows done
/// since its last call, which add up to `total`. A signal or an exception in `progress` stops the
/// work at its next tick.
///
/// # Errors
///
/// The exception of the signal handler or of `progress`, else the error of `work`.
pub fn run<R: Send>(
    py: Python<'_>,
    work_estimate_ns: u64,
    total: u64,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&Monitor) -> Result<R, Error> + Send,
) -> PyResult<R> {
    let monitor = Monitor::default();
    if work_estimate_ns < LONG && progress.is_none() {
        return py.detach(|| guard(|| work(&monitor)));
    }
    let mut report = Report { progress, told: 0 };
    let result = py.detach(|| {
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            let monitor = &monitor;
            thread::Builder::new()
                .name("linewatch-run".to_owned())
                .spawn_scoped(scope, move || {
                    // Nobody listens any more if the caller stopped the work.
                    let _ = sender.send(guard(|| work(monitor)));
                })?;
            loop {
                match receiver.recv_timeout(PULSE) {
                    Ok(result) => return result,
                    Err(RecvTimeoutError::Disconnected) => unreachable!("the thread sends first"),
                    Err(RecvTimeoutError::Timeout) => {}
                }
                let done = monitor.done().min(total);
                if let Err(exception) = Python::attach(|py| report.pulse(py, done)) {
                    monitor.cancel();
                    // The scope waits for the work, which ends within a tick.
                    return Err(exception);
                }
            }
        })
    })?;
    report.tell(py, total)?;
    Ok(result)
}

/// What the caller has been told.
struct Report {
    progress: Option<Py<PyAny>>,
    told: u64,
}

impl Report {
    fn pulse(&mut self, py: Python<'_>, done: u64) -> PyResult<()> {
        py.check_signals()?;
        self.tell(py, done)
    }

    fn tell(&mut self, py: Python<'_>, done: u64) -> PyResult<()> {
        if let Some(progress) = &self.progress
            && done > self.told
        {
            progress.call1(py, (done - self.told,))?;
            self.told = done;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyValueError};
    use pyo3::types::PyList;

    /// Ticks one row a millisecond.
    fn count_to(rows: u64) -> impl FnOnce(&Monitor) -> Result<u64, Error> + Send {
        move |monitor| {
            for _ in 0..rows {
                thread::sleep(Duration::from_millis(1));
                monitor.tick(1)?;
            }
            Ok(rows)
        }
    }

    #[test]
    fn short_and_long_work_give_their_result() {
        Python::initialize();
        Python::attach(|py| {
            for estimate in [0, LONG] {
                assert_eq!(run(py, estimate, 3, None, count_to(3)).unwrap(), 3);
            }
        });
    }

    #[test]
    fn progress_adds_up_to_the_total() {
        Python::initialize();
        Python::attach(|py| {
            let told = PyList::empty(py);
            let append = told.getattr("append").unwrap().unbind();
            run(py, LONG, 200, Some(append), count_to(200)).unwrap();
            let told: Vec<u64> = told.extract().unwrap();
            assert!(told.len() > 1);
            assert_eq!(told.iter().sum::<u64>(), 200);
        });
    }

    #[test]
    fn an_exception_in_progress_stops_the_work() {
        Python::initialize();
        Python::attach(|py| {
            let not_callable = Some(py.None());
            let error = run(py, LONG, 100_000, not_callable, count_to(100_000)).unwrap_err();
            assert_eq!(
                error.to_string(),
                "TypeError: 'NoneType' object is not callable"
            );
        });
    }

    #[test]
    fn a_panic_is_an_ordinary_exception() {
        Python::initialize();
        Python::attach(|py| {
            for estimate in [0, LONG] {
                let work = |_: &Monitor| -> Result<(), Error> { panic!("window {} is odd", 3) };
                let error = run(py, estimate, 0, None, work).unwrap_err();
                assert!(error.is_instance_of::<PyRuntimeError>(py));
                assert_eq!(
                    error.to_string(),
                    "RuntimeError: this is a bug in linewatch, please report it: window 3 is odd"
                );
            }
        });
    }

    #[test]
    fn kernel_errors_are_value_errors_and_cancelling_a_keyboard_interrupt() {
        Python::initialize();
        Python::attach(|py| {
            for estimate in [0, LONG] {
                let work = |_: &Monitor| Err::<(), _>(Error::argument("window", "at least 1", 0));
                let error = run(py, estimate, 0, None, work).unwrap_err();
                assert!(error.is_instance_of::<PyValueError>(py));
                let work = |_: &Monitor| Err::<(), _>(Error::Cancelled);
                let error = run(py, estimate, 0, None, work).unwrap_err();
                assert!(error.is_instance_of::<PyKeyboardInterrupt>(py));
            }
        });
    }
}
