//! Keywords and mappings of Python values as the library's names and texts.

use std::borrow::Cow;

use ciba::{Result, Status};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyMapping, PyString, PyTuple};

use crate::error::{exception, usage};

/// What takes a name and a text: settings, or a request.
type Set<'a> = &'a mut dyn FnMut(&str, &str) -> Result<()>;

/// Sets everything that a mapping names.
pub fn set_mapping(mapping: &Bound<'_, PyMapping>, set: Set<'_>) -> PyResult<()> {
    for item in mapping.items()?.iter() {
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let Ok(name) = name.cast::<PyString>() else {
            let text = format!("a name must be str, not {}", type_name(&name));
            return Err(PyTypeError::new_err(text));
        };
        set_value(&text_of(name, "a name")?, &value, true, set)?;
    }
    Ok(())
}

/// Sets every keyword.
pub fn set_keywords(keywords: Option<&Bound<'_, PyDict>>, set: Set<'_>) -> PyResult<()> {
    keywords.map_or(Ok(()), |keywords| set_mapping(keywords.as_mapping(), set))
}

/// Sets one value: a text, a number, a flag, a path, texts that are joined by spaces, or a mapping
/// whose members are set as `name.member`; what a claim must be, also as a mapping, or `None` for any value.
pub fn set_value(name: &str, value: &Bound<'_, PyAny>, members: bool, set: Set<'_>) -> PyResult<()> {
    let py = value.py();
    let text = if let Ok(text) = value.cast::<PyString>() {
        text_of(text, name)?
    } else if is_json(name) && !value.is_none()
        || is_claim(name) && (value.is_none() || value.cast::<PyMapping>().is_ok())
    {
        let json: Bound<'_, PyAny> = py.import("json")?.call_method1("dumps", (value,))?;
        text_of(json.cast::<PyString>()?, name)?
    } else if let Ok(flag) = value.cast::<PyBool>() {
        if flag.is_true() { "true".to_owned() } else { "false".to_owned() }
    } else if value.is_instance_of::<PyInt>() {
        let too_large = |_| usage(py, Status::INVALID_VALUE, format!("{}: is too large", shown(name)));
        value.extract::<i64>().map_err(too_large)?.to_string()
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let mut words = Vec::new();
        for word in value.try_iter()? {
            let word = word?;
            let Ok(word) = word.cast::<PyString>() else {
                return Err(wrong_type(name, &word, "a list of str"));
            };
            words.push(text_of(word, name)?);
        }
        words.join(" ")
    } else if let Ok(mapping) = value.cast::<PyMapping>().map_err(drop)
        && members
    {
        for item in mapping.items()?.iter() {
            let (member, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let Ok(member) = member.cast::<PyString>() else {
                return Err(wrong_type(name, &member, "a dict with names that are str"));
            };
            set_value(&format!("{name}.{}", text_of(member, name)?), &value, false, set)?;
        }
        return Ok(());
    } else if value.hasattr("__fspath__")? {
        let path = value.call_method0("__fspath__")?;
        let Ok(path) = path.cast::<PyString>() else { return Err(wrong_type(name, &path, "a path of str")) };
        text_of(path, name)?
    } else {
        return Err(wrong_type(name, value, "str, int, bool, a list of str, or a dict of those"));
    };
    set(name, &text).map_err(|error| exception(py, &error))
}

/// Whether a setting or parameter is JSON itself.
fn is_json(name: &str) -> bool {
    ciba::SETTINGS.iter().chain(ciba::PARAMETERS).any(|known| known.name == name && known.form.is_json())
}

/// Whether it is what a claim must be.
fn is_claim(name: &str) -> bool {
    let fits = |known: &&ciba::Setting| match known.name.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => known.name == name,
    };
    ciba::PARAMETERS.iter().find(fits).is_some_and(|known| known.form == ciba::Form::Claim)
}

/// The text of a `str`. Python's own error would show all of it.
fn text_of(text: &Bound<'_, PyString>, name: &str) -> PyResult<String> {
    text.to_cow().map(Cow::into_owned).map_err(|_| {
        let why = format!(
            "{}: the text has a lone surrogate, so it is not Unicode: decode it from bytes without surrogateescape",
            shown(name)
        );
        usage(text.py(), Status::INVALID_UTF8, why)
    })
}

fn wrong_type(name: &str, value: &Bound<'_, PyAny>, needed: &str) -> PyErr {
    let hint = if value.is_none() { "; leave it out for its default" } else { "" };
    PyTypeError::new_err(format!("{}: must be {needed}, not {}{hint}", shown(name), type_name(value)))
}

/// How an error calls the type of a value.
pub fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "another type".to_owned(), |name| name.to_string())
}

/// A name from outside: bounded, and without what could break a line.
fn shown(name: &str) -> String {
    name.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect()
}
