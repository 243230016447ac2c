//! A value that is given, or stands in a file that is given: `NAME` and `NAME_file`.

use std::fs::File;
use std::io::Read;

use zeroize::Zeroizing;

use crate::error::{Error, Result, Status};
use crate::settings::Values;

/// No file with a key or a certificate is larger.
const MOST_BYTES: usize = 256 * 1024;

/// The bytes of one of two settings, with the name of the one that is given.
///
/// Errors: `CONFLICTING_SETTINGS` where both are given, `FILE`.
pub fn secret_source(values: &Values, name: &str) -> Result<Option<(String, Zeroizing<Vec<u8>>)>> {
    let file_name = format!("{name}_file");
    match (values.text(name), values.text(&file_name)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(Error::new(Status::CONFLICTING_SETTINGS, format!("{name} and {file_name} are both given")))
        }
        (Some(text), None) => Ok(Some((name.to_owned(), Zeroizing::new(text.as_bytes().to_vec())))),
        (None, Some(path)) => {
            // As large as the largest one, so that no copy is left behind by growing.
            let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
            File::open(path)
                .and_then(|file| file.take(MOST_BYTES as u64).read_to_end(&mut bytes))
                .map_err(|e| Error::new(Status::FILE, format!("{file_name} cannot be read: {}", e.kind())))?;
            Ok(Some((file_name, bytes)))
        }
    }
}
