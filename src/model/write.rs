//! Writes a model to a temporary file beside the target and renames it, so that nobody sees half.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::array::Array;
use super::{ALIGN, DIMENSIONS, HEADER, MAGIC, ModelError, VERSION, refused};

/// Writes a model to `path`, over a file that is there.
///
/// # Errors
///
/// [`ModelError::Io`] if the system refuses; [`ModelError::Refused`] if two arrays have one name.
/// The file that was there before is left as it was.
pub fn write(
    path: &Path,
    kind: &str,
    metadata: &str,
    arrays: &[(&str, Array)],
) -> Result<(), ModelError> {
    let head = head(kind, metadata, arrays)?;
    let (temporary, file) = temporary(path)?;
    let written = (|| {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        emit(&mut file, &head, arrays)?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        // What made the writing fail is the news, not whether the remains could be removed.
        let _ = fs::remove_file(&temporary);
        return Err(error.into());
    }
    Ok(())
}

/// The bytes that [`write`] writes.
///
/// # Errors
///
/// [`ModelError::Refused`] if two arrays have one name.
pub fn to_bytes(
    kind: &str,
    metadata: &str,
    arrays: &[(&str, Array)],
) -> Result<Vec<u8>, ModelError> {
    let head = head(kind, metadata, arrays)?;
    let mut bytes = Vec::new();
    emit(&mut bytes, &head, arrays)?;
    Ok(bytes)
}

/// A new file in the folder of `path`.
fn temporary(path: &Path) -> Result<(PathBuf, File), ModelError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return refused("is no name of a file");
    };
    loop {
        let mut other = std::ffi::OsString::from(".");
        other.push(name);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        other.push(format!(".{}.{count}.tmp", std::process::id()));
        let other = path.with_file_name(other);
        match OpenOptions::new().write(true).create_new(true).open(&other) {
            Ok(file) => return Ok((other, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn padding(length: usize) -> usize {
    length.next_multiple_of(ALIGN) - length
}

/// Header and directory.
fn head(kind: &str, metadata: &str, arrays: &[(&str, Array)]) -> Result<Vec<u8>, ModelError> {
    for (i, (name, array)) in arrays.iter().enumerate() {
        if arrays[..i].iter().any(|(other, _)| other == name) {
            return refused(format!("would hold two arrays named {name:?}"));
        }
        if array.shape.len() > DIMENSIONS {
            let n = array.shape.len();
            return refused(format!("array {name:?} has {n} dimensions, more than 8"));
        }
        let count: usize = array.shape.iter().product();
        assert_eq!(count * array.dtype.size(), array.bytes.len(), "{name}");
    }
    let mut directory = Vec::new();
    let text = |directory: &mut Vec<u8>, text: &str| {
        directory.extend((text.len() as u32).to_le_bytes());
        directory.extend(text.as_bytes());
    };
    text(&mut directory, kind);
    text(&mut directory, metadata);
    directory.extend((arrays.len() as u32).to_le_bytes());
    let entry = |(name, array): &(&str, Array)| 4 + name.len() + 2 + 8 * array.shape.len() + 8;
    let length = directory.len() + arrays.iter().map(entry).sum::<usize>();
    let mut place = (HEADER + length).next_multiple_of(ALIGN);
    for (name, array) in arrays {
        text(&mut directory, name);
        directory.extend([array.dtype.code(), array.shape.len() as u8]);
        for &n in &array.shape {
            directory.extend((n as u64).to_le_bytes());
        }
        directory.extend((place as u64).to_le_bytes());
        place = (place + array.bytes.len()).next_multiple_of(ALIGN);
    }
    assert_eq!(directory.len(), length);
    let mut checked = Vec::with_capacity(HEADER + length + ALIGN);
    checked.extend((place as u64).to_le_bytes());
    checked.extend((length as u64).to_le_bytes());
    checked.extend(directory);
    checked.resize(checked.len() + padding(HEADER + length), 0);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&checked);
    for (_, array) in arrays {
        crc.update(&array.bytes);
        crc.update(&[0; ALIGN][..padding(array.bytes.len())]);
    }
    let mut head = MAGIC.to_vec();
    head.extend(VERSION.to_le_bytes());
    head.extend(crc.finalize().to_le_bytes());
    head.extend(checked);
    Ok(head)
}

fn emit(to: &mut impl Write, head: &[u8], arrays: &[(&str, Array)]) -> io::Result<()> {
    to.write_all(head)?;
    for (_, array) in arrays {
        to.write_all(&array.bytes)?;
        to.write_all(&[0; ALIGN][..padding(array.bytes.len())])?;
    }
    Ok(())
}
