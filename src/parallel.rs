//! Threads, progress and cancelling: what a long kernel shares with whoever waits for it.
//!
//! The pools are our own, one for each size, and belong to the process that made them. A child of
//! `fork` inherits neither threads nor locks it could use, so it starts afresh; Rayon's global
//! pool would wait for ever for threads that the child does not have.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::Error;

/// Environment variable with the number of threads for calls that do not name one.
pub const NUM_THREADS: &str = "LINEWATCH_NUM_THREADS";
/// Threads that a call may ask for, where the machine has fewer cores.
pub const MOST_THREADS: usize = 1024;

/// Threads for a call, with scikit-learn's meaning of `n_jobs`.
///
/// `None` is what `LINEWATCH_NUM_THREADS` says, read at each call, or all cores. -1 is all cores,
/// -2 all but one, and so on, but never fewer than one. More threads than cores are allowed.
///
/// # Errors
///
/// [`Error::Argument`] if the number is zero or beyond [`MOST_THREADS`], or the variable does not
/// hold a number.
///
/// # Examples
///
/// ```
/// use linewatch::parallel::threads;
///
/// assert_eq!(threads(Some(3))?, 3);
/// assert_eq!(
///     threads(Some(0)).unwrap_err().to_string(),
///     "n_jobs must be a number of threads, or negative to count back from all cores (-1), got 0",
/// );
/// # Ok::<(), linewatch::Error>(())
/// ```
pub fn threads(n_jobs: Option<isize>) -> Result<usize, Error> {
    if let Some(n) = n_jobs {
        return match count(n) {
            Some(n) => affordable("n_jobs", n),
            None => Err(refuse("n_jobs", n)),
        };
    }
    let text = match std::env::var_os(NUM_THREADS) {
        Some(text) if !text.is_empty() => text.to_string_lossy().trim().to_owned(),
        _ => return Ok(cores()),
    };
    match text.parse().ok().and_then(count) {
        Some(n) => affordable(NUM_THREADS, n),
        None => Err(refuse(NUM_THREADS, format!("{text:?}"))),
    }
}

/// `n`, unless starting so many threads would take the machine down before the system says no.
fn affordable(name: &'static str, n: usize) -> Result<usize, Error> {
    let most = MOST_THREADS.max(cores());
    if n > most {
        return Err(Error::argument(name, format!("at most {most} threads"), n));
    }
    Ok(n)
}

fn count(n: isize) -> Option<usize> {
    match n {
        0 => None,
        1.. => Some(n as usize),
        _ => Some(cores().saturating_add_signed(n.saturating_add(1)).max(1)),
    }
}

fn refuse(name: &'static str, found: impl std::fmt::Display) -> Error {
    let expected = "a number of threads, or negative to count back from all cores (-1)";
    Error::argument(name, expected, found)
}

/// Cores this process may use (its affinity and its control group are heeded).
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Tells a waiting caller how far the work is, and the work that the caller wants it to stop.
#[derive(Debug, Default)]
pub struct Monitor {
    cancel: Arc<AtomicBool>,
    done: AtomicU64,
}

thread_local! {
    /// The flag of the monitor that watches this thread.
    static WATCHED: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Whether the caller asked the work of this thread to stop.
///
/// A kernel asks about once a millisecond and leaves its answers where they are: whoever
/// [watches](Monitor::watch) it throws them away at the next [`tick`](Monitor::tick).
pub fn is_cancelled() -> bool {
    WATCHED.with_borrow(|flag| flag.as_ref().is_some_and(|f| f.load(Ordering::Relaxed)))
}

/// Asks [`is_cancelled`] once in so many steps of work.
#[derive(Debug, Default)]
pub struct Poll {
    steps: usize,
}

impl Poll {
    /// Steps that take about a millisecond, a few nanoseconds each.
    const STEPS: usize = 1 << 17;

    /// Whether to stop, asked after every `steps` more.
    #[inline(always)]
    pub fn is_cancelled(&mut self, steps: usize) -> bool {
        self.steps += steps;
        self.steps >= Self::STEPS && self.ask()
    }

    #[cold]
    #[inline(never)]
    fn ask(&mut self) -> bool {
        self.steps = 0;
        is_cancelled()
    }
}

impl Monitor {
    /// Reports `rows` more rows as done. Call it about once a millisecond.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] if the caller asked for a stop.
    #[inline]
    pub fn tick(&self, rows: u64) -> Result<(), Error> {
        self.done.fetch_add(rows, Ordering::Relaxed);
        if self.cancel.load(Ordering::Relaxed) {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Calls `work`, in which [`is_cancelled`] asks this monitor.
    pub fn watch<R>(&self, work: impl FnOnce() -> R) -> R {
        /// Ends the watch, after a panic too.
        struct Watch(Option<Arc<AtomicBool>>);
        impl Drop for Watch {
            fn drop(&mut self) {
                WATCHED.replace(self.0.take());
            }
        }
        let _before = Watch(WATCHED.replace(Some(Arc::clone(&self.cancel))));
        work()
    }

    /// Asks the work to stop at its next [`tick`](Monitor::tick).
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Rows done so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// Calls `f` on every task, on up to `threads` threads; the first error stops the rest.
///
/// With one thread or one task everything runs on the calling thread, in order.
///
/// # Errors
///
/// The first error of `f`; [`Error::Argument`] if the system cannot start the threads.
pub fn for_each<I: Send>(
    tasks: Vec<I>,
    threads: usize,
    f: impl Fn(I) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    if threads <= 1 || tasks.len() <= 1 {
        return tasks.into_iter().try_for_each(f);
    }
    let pool = pool(threads)?;
    // Tasks differ in length by much (groups, cells), so each may be taken by an idle thread.
    pool.install(|| tasks.into_par_iter().with_max_len(1).try_for_each(&f))
}

/// Calls `f` on one of `threads` threads, so that what it shares out is shared with them.
///
/// # Errors
///
/// [`Error::Argument`] if the system cannot start the threads.
pub fn on_pool<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> Result<R, Error> {
    Ok(pool(threads)?.install(f))
}

/// What to say if the system does not start a thread.
pub fn refused(threads: usize, error: &dyn std::fmt::Display) -> Error {
    let expected = "a number of threads that the system can start";
    Error::argument("n_jobs", expected, format!("{threads} ({error})"))
}

/// The pools of one process.
struct Pools {
    process: u32,
    by_size: Mutex<HashMap<usize, Arc<ThreadPool>>>,
}

/// Those of the present process, or of an ancestor until the first call after `fork`.
static POOLS: AtomicPtr<Pools> = AtomicPtr::new(ptr::null_mut());

fn pools() -> &'static Pools {
    let process = std::process::id();
    loop {
        let current = POOLS.load(Ordering::Acquire);
        // SAFETY: POOLS holds null or a pointer from the `Box::into_raw` below, whose `Pools` is
        // complete before the Release store and never freed once stored.
        if let Some(pools) = unsafe { current.as_ref() }
            && pools.process == process
        {
            return pools;
        }
        // An ancestor's pools are left alone: another of its threads may have held the lock at
        // the moment of the fork, and none of its threads lives here.
        let fresh = Box::into_raw(Box::new(Pools {
            process,
            by_size: Mutex::default(),
        }));
        let stored = POOLS.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire);
        if stored.is_err() {
            // SAFETY: another thread stored its own first, so `fresh` was never shared.
            drop(unsafe { Box::from_raw(fresh) });
        }
    }
}

fn pool(threads: usize) -> Result<Arc<ThreadPool>, Error> {
    // A panic while the lock was held left at worst one pool missing.
    let mut by_size = pools()
        .by_size
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = by_size.get(&threads) {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|i| format!("linewatch-{i}"))
        .build()
        .map_err(|error| refused(threads, &error))?;
    let pool = Arc::new(pool);
    by_size.insert(threads, Arc::clone(&pool));
    Ok(pool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn n_jobs_counts_as_in_scikit_learn() {
        assert_eq!(threads(Some(5)), Ok(5));
        assert_eq!(threads(Some(-1)), Ok(cores()));
        assert_eq!(threads(Some(-2)), Ok((cores() - 1).max(1)));
        assert_eq!(threads(Some(isize::MIN)), Ok(1));
        assert!(threads(Some(0)).is_err());
    }

    #[test]
    fn more_threads_than_any_machine_has_are_refused() {
        let most = MOST_THREADS.max(cores());
        assert_eq!(threads(Some(most.cast_signed())), Ok(most));
        let error = threads(Some(isize::MAX)).unwrap_err().to_string();
        let expected = format!("n_jobs must be at most {most} threads, got {}", isize::MAX);
        assert_eq!(error, expected);
    }

    #[test]
    fn every_task_is_done_once_on_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let mut out = vec![0; 1000];
            let tasks = out.iter_mut().enumerate().collect();
            let done = for_each(tasks, threads, |(i, place): (usize, &mut usize)| {
                *place += i;
                Ok(())
            });
            assert_eq!(done, Ok(()));
            assert!(out.iter().enumerate().all(|(i, &value)| i == value));
        }
    }

    #[test]
    fn the_first_error_stops_the_rest() {
        for threads in [1, 2] {
            let (failed, started) = (AtomicBool::new(false), AtomicUsize::new(0));
            let outcome = for_each((0..100_000).collect(), threads, |i: usize| {
                started.fetch_add(1, Ordering::Relaxed);
                if i == 0 {
                    failed.store(true, Ordering::Relaxed);
                    return Err(Error::argument("x", "positive", i));
                }
                while !failed.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                Ok(())
            });
            assert!(outcome.is_err());
            assert!(started.into_inner() < 100_000);
        }
    }

    #[test]
    fn a_cancelled_monitor_stops_the_work_and_keeps_count() {
        let monitor = Monitor::default();
        assert_eq!(monitor.tick(3), Ok(()));
        monitor.cancel();
        assert_eq!(monitor.tick(4), Err(Error::Cancelled));
        assert_eq!(monitor.done(), 7);
    }

    #[test]
    fn work_that_is_watched_sees_the_flag() {
        let monitor = Monitor::default();
        assert!(!is_cancelled());
        monitor.watch(|| {
            let mut poll = Poll::default();
            assert!(!poll.is_cancelled(Poll::STEPS));
            monitor.cancel();
            assert!(is_cancelled());
            assert!(!poll.is_cancelled(Poll::STEPS - 1));
            assert!(poll.is_cancelled(1));
            assert!(!Monitor::default().watch(is_cancelled));
            assert!(is_cancelled());
        });
        assert!(!is_cancelled());
    }

    #[test]
    fn a_pool_is_made_once_for_each_size() {
        let (one, two) = (pool(2), pool(2));
        assert!(Arc::ptr_eq(&one.unwrap(), &two.unwrap()));
    }
}
