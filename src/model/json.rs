//! The text that Python keeps with a model, read back: JSON as RFC 8259 has it, and the `NaN` and
//! `Infinity` that Python writes beside it.

/// Lists and objects within each other.
const DEEPEST: usize = 64;

/// A value of a JSON text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// Names and values in the order of the text.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The value of a whole text; `None` if it is not JSON.
    pub fn parse(text: &str) -> Option<Value> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.space();
        (reader.at == text.len()).then_some(value)
    }

    /// The value of that name in an object, the last one if there are several, as in Python.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(pairs) => pairs.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(values) => Some(values),
            _ => None,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Whether `word` comes next; passes it if so.
    fn pass(&mut self, word: &str) -> bool {
        let comes = self.rest().starts_with(word);
        if comes {
            self.at += word.len();
        }
        comes
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.space();
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Number(f64::NAN)),
            ("Infinity", Value::Number(f64::INFINITY)),
            ("-Infinity", Value::Number(f64::NEG_INFINITY)),
        ];
        for (word, value) in words {
            if self.pass(word) {
                return Some(value);
            }
        }
        match self.rest().as_bytes().first()? {
            b'"' => Some(Value::Text(self.string()?)),
            b'[' => self.list(depth),
            b'{' => self.object(depth),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.pass("[");
        self.space();
        let mut values = Vec::new();
        if self.pass("]") {
            return Some(Value::List(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.space();
            if self.pass("]") {
                return Some(Value::List(values));
            }
            self.pass(",").then_some(())?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.pass("{");
        self.space();
        let mut pairs = Vec::new();
        if self.pass("}") {
            return Some(Value::Object(pairs));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.pass(":").then_some(())?;
            pairs.push((name, self.value(depth + 1)?));
            self.space();
            if self.pass("}") {
                return Some(Value::Object(pairs));
            }
            self.pass(",").then_some(())?;
        }
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        // Of what stands here Rust reads all that JSON has, and a little more, such as "1.".
        let number = rest[..end].parse().ok()?;
        self.at += end;
        Some(Value::Number(number))
    }

    fn string(&mut self) -> Option<String> {
        self.pass("\"").then_some(())?;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let end = rest.find(['"', '\\'])?;
            let plain = &rest[..end];
            if plain.contains(|c: char| c < ' ') {
                return None;
            }
            out.push_str(plain);
            let is_end = rest.as_bytes()[end] == b'"';
            self.at += end + 1;
            if is_end {
                return Some(out);
            }
            out.push(self.escaped()?);
        }
    }

    /// The character after a backslash.
    fn escaped(&mut self) -> Option<char> {
        let short = self.rest().chars().next()?;
        self.at += short.len_utf8();
        Some(match short {
            '"' | '\\' | '/' => short,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.hex()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return char::from_u32(high);
                }
                // A character beyond the first 65,536 is written as two halves.
                self.pass("\\u").then_some(())?;
                let low = self.hex()?.checked_sub(0xdc00).filter(|&l| l < 0x400)?;
                return char::from_u32(0x10000 + ((high - 0xd800) << 10) + low);
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let code = is_hex.then(|| u32::from_str_radix(digits, 16).ok())??;
        self.at += 4;
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let text = r#"{"offset": -0.5, "names": ["d\u00e9bit", "\ud83d\ude00\n\"", "é"],
            "none": null, "yes": true, "limit": Infinity, "big": 9223372036854775807, "e": {}}"#;
        let value = Value::parse(text).unwrap();
        assert_eq!(value.get("offset").unwrap().as_number(), Some(-0.5));
        let names = value.get("names").unwrap().as_list().unwrap();
        let names: Vec<_> = names.iter().filter_map(Value::as_text).collect();
        assert_eq!(names, ["débit", "😀\n\"", "é"]);
        assert_eq!(value.get("none"), Some(&Value::Null));
        assert_eq!(value.get("yes"), Some(&Value::Bool(true)));
        assert_eq!(value.get("limit"), Some(&Value::Number(f64::INFINITY)));
        assert_eq!(value.get("big"), Some(&Value::Number(2f64.powi(63))));
        assert_eq!(value.get("e"), Some(&Value::Object(Vec::new())));
        assert_eq!(value.get("other"), None);
        assert_eq!(Value::parse(" [ ] "), Some(Value::List(Vec::new())));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let deep = "[".repeat(100_000);
        let texts = [
            "",
            "{",
            "[1,]",
            "{\"a\" 1}",
            "{1: 2}",
            "\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\x\"",
            "\"\n\"",
            "nul",
            "1 2",
            "--1",
            "\"\\u+123\"",
            &deep,
            "\"\\u00\u{e9}9\"",
        ];
        for text in texts {
            let shown = &text[..text.len().min(20)];
            assert_eq!(Value::parse(text), None, "{shown}");
        }
    }
}
