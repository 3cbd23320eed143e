//! Call detail records with labelled anomalies, made up but lifelike, the same on every machine.
//!
//! `settings` says what to make. `world` is built from it once: `towers`, `users`, `communities`,
//! `ties` (whom a user calls), `places` (where it is), `rhythm` (how many calls each hour has) and
//! `identity` (names and numbers). `day` makes the calls of a day: `block` the candidates of each
//! hour, `anomalies` what is planted; `row` is a call and `extra` what else its record may say.
//! `messages` and `sessions` are further tables, made by `hourly`. Every random number is drawn by name
//! (`keyed`), so a day can be made alone, by any number of threads, and is the same as in the whole.

pub mod actors;
pub mod anomalies;
pub mod block;
pub mod columns;
pub mod communities;
pub mod csv;
pub mod day;
pub mod extra;
pub mod files;
pub mod hourly;
pub mod identity;
pub mod keyed;
pub mod limits;
pub mod messages;
pub mod parquet;
pub mod places;
pub mod rhythm;
pub mod row;
pub mod sessions;
pub mod settings;
pub mod stream;
pub mod tables;
pub mod ties;
pub mod towers;
pub mod users;
pub mod world;

pub use day::Maker;
pub use row::Row;
pub use settings::Settings;
pub use world::World;
