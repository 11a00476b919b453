//! One JSON object, field by field.

use crate::json::{write_int, write_name, write_string, write_uint};

/// An object that is being appended to a payload. It must be closed.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    has_fields: bool,
}

impl<'a> Object<'a> {
    /// Appends the bracket that opens it.
    pub(super) fn open(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, has_fields: false }
    }

    /// Appends `"name":`; the caller appends the value.
    pub(super) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if self.has_fields {
            self.out.push(b',');
        }
        self.has_fields = true;
        write_name(self.out, name);
        self.out
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        write_string(self.name(name), text);
    }

    pub(super) fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    pub(super) fn bool(&mut self, name: &str, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.name(name).extend_from_slice(word);
    }

    pub(super) fn bool_if(&mut self, name: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.bool(name, value);
        }
    }

    pub(super) fn int(&mut self, name: &str, value: impl Into<i64>) {
        write_int(self.name(name), value.into());
    }

    pub(super) fn int_if(&mut self, name: &str, value: Option<impl Into<i64>>) {
        if let Some(value) = value {
            self.int(name, value);
        }
    }

    pub(super) fn uint(&mut self, name: &str, value: u64) {
        write_uint(self.name(name), value);
    }

    /// Appends a list whose elements `write` appends.
    pub(super) fn list<T>(&mut self, name: &str, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
        let out = self.name(name);
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write(out, item);
        }
        out.push(b']');
    }

    /// Appends a map as it is.
    pub(super) fn map(&mut self, name: &str, map: &serde_json::Map<String, serde_json::Value>) {
        serde_json::to_writer(self.name(name), map).expect("a JSON map is writable and memory does not refuse bytes");
    }

    /// Appends the bracket that closes it.
    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}
