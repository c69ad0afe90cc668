//! The parser.

use super::{Setting, Value};

/// How deep lists may lie in lists.
const DEEPEST: usize = 8;

type Fault = (u32, String);

/// The settings of a text, or the line and what is wrong there.
pub(super) fn settings(text: &str) -> Result<Vec<Setting>, Fault> {
    let mut parser = Parser { rest: text, line: 1 };
    let mut settings = Vec::new();
    loop {
        parser.skip_lines();
        if parser.rest.is_empty() {
            return Ok(settings);
        }
        settings.push(parser.setting()?);
        parser.end_of_setting()?;
    }
}

struct Parser<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Parser<'a> {
    fn fault<T>(&self, what: impl Into<String>) -> Result<T, Fault> {
        Err((self.line, what.into()))
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += u32::try_from(taken.matches('\n').count()).unwrap_or(u32::MAX);
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.advance(end)
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.rest.starts_with(c);
        if found {
            self.advance(c.len_utf8());
        }
        found
    }

    fn skip_blanks(&mut self) {
        self.take_while(|c| c == ' ' || c == '\t');
    }

    /// Blanks, line ends and comments.
    fn skip_lines(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if !self.rest.starts_with('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn setting(&mut self) -> Result<Setting, Fault> {
        let line = self.line;
        if !self.peek().is_some_and(|c| c.is_ascii_alphabetic()) {
            return self.fault(format!("a key was expected, but there is {}", self.shown()));
        }
        let key = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_owned();
        self.skip_blanks();
        if !self.take('=') {
            return self
                .fault(format!("'=' was expected after the key '{key}', but there is {}", self.shown()));
        }
        self.skip_blanks();
        let value = self.value(0)?;
        Ok(Setting { key, value, line })
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        match self.peek() {
            Some('\'' | '"') => self.string().map(Value::Text),
            Some('[') if depth == DEEPEST => self.fault("lists lie too deep in lists"),
            Some('[') => self.list(depth).map(Value::List),
            Some(c) if c.is_ascii_digit() || c == '-' || c == '+' => self.number().map(Value::Number),
            _ => self.fault(format!(
                "a value was expected, but there is {}: strings stand between quotes, lists between brackets",
                self.shown()
            )),
        }
    }

    fn number(&mut self) -> Result<i64, Fault> {
        let sign = self.take_while(|c| c == '-' || c == '+');
        let digits = self.take_while(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
        match format!("{sign}{digits}").parse() {
            Ok(number) => Ok(number),
            Err(_) => self.fault(format!("'{sign}{digits}' is no whole number of 64 bits")),
        }
    }

    fn string(&mut self) -> Result<String, Fault> {
        const LONG: &str = "\"\"\"";
        if self.rest.starts_with(LONG) {
            let Some(length) = self.rest[LONG.len()..].find(LONG) else {
                return self.fault("the string that begins here with \"\"\" does not end");
            };
            return Ok(self.advance(length + 2 * LONG.len())[LONG.len()..][..length].to_owned());
        }
        let quote = if self.take('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.take(quote);
        }
        let text = self.take_while(|c| c != quote && c != '\n' && c != '\r').to_owned();
        if !self.take(quote) {
            return self.fault(format!("a {quote} was expected before the end of the line"));
        }
        Ok(text)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, Fault> {
        let begin = self.line;
        self.take('[');
        let mut values = Vec::new();
        loop {
            self.skip_lines();
            if self.take(']') {
                return Ok(values);
            }
            if self.rest.is_empty() {
                return self.fault(format!("the list that begins in line {begin} is not closed with ]"));
            }
            values.push(self.value(depth + 1)?);
            self.skip_lines();
            if !self.take(',') && !self.rest.starts_with(']') {
                return self.fault(format!(
                    "',' or ']' was expected in the list that begins in line {begin}, but there is {}",
                    self.shown()
                ));
            }
        }
    }

    fn end_of_setting(&mut self) -> Result<(), Fault> {
        self.skip_blanks();
        match self.peek() {
            None | Some('\n' | '\r' | '#') => Ok(()),
            Some(';') => {
                self.advance(1);
                Ok(())
            }
            _ => self.fault(format!("the line was expected to end here, but there is {}", self.shown())),
        }
    }

    /// What comes next, for a message.
    fn shown(&self) -> String {
        let word: String = self
            .rest
            .chars()
            .take_while(|c| !c.is_whitespace())
            .take(20)
            .flat_map(char::escape_debug)
            .collect();
        match self.peek() {
            None => "the end of the file".to_owned(),
            Some(c) if c.is_whitespace() => "the end of the line".to_owned(),
            _ => format!("'{word}'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn values_are_read() {
        let list = |texts: &[&str]| Value::List(texts.iter().map(|t| text(t)).collect());
        for (written, expected) in [
            ("a = 1", Value::Number(1)),
            ("a=-1", Value::Number(-1)),
            ("  a\t=\t+7  # seven", Value::Number(7)),
            ("# first\n\n a = 'it is \"so\"' # yes", text("it is \"so\"")),
            ("a = \"it's\";", text("it's")),
            ("a = \"\"", text("")),
            ("a = ''", text("")),
            ("a = \"\"\"two\nlines\"\"\"\n", text("two\nlines")),
            ("a = \"\"\"\"\"\"\n", text("")),
            ("a = []", list(&[])),
            ("a = [ \"x\",\n  # note\n 'y', ]\r\n", list(&["x", "y"])),
            ("a = [ [ 'x' ], 2 ]", Value::List(vec![list(&["x"]), Value::Number(2)])),
            ("a = 'grüße'", text("grüße")),
        ] {
            let settings = settings(written).unwrap_or_else(|fault| panic!("{written}: {fault:?}"));
            assert_eq!(settings.len(), 1, "{written}");
            assert_eq!((settings[0].key.as_str(), &settings[0].value), ("a", &expected), "{written}");
        }
    }

    #[test]
    fn lines_are_counted() {
        let found = settings("a = 1\nb = [\n 'x',\n]\n\nc = \"\"\"\n\n\"\"\"; d = 4\ne=5").unwrap();
        let lines: Vec<_> = found.iter().map(|s| (s.key.as_str(), s.line)).collect();
        assert_eq!(lines, [("a", 1), ("b", 2), ("c", 6), ("d", 8), ("e", 9)]);
    }

    #[test]
    fn faults_say_where_and_what() {
        let deep = format!("a = {}", "[".repeat(100));
        for (written, line, what) in [
            ("a", 1, "'=' was expected after the key 'a', but there is the end of the file"),
            ("a b = 1", 1, "but there is 'b'"),
            ("\n= 1", 2, "a key was expected, but there is '='"),
            ("a =\nb = 1", 1, "a value was expected, but there is the end of the line"),
            ("a = yes", 1, "there is 'yes': strings stand between quotes"),
            ("a = 1k", 1, "'1k' is no whole number"),
            ("a = --1", 1, "'--1' is no whole number"),
            ("a = 99999999999999999999", 1, "is no whole number of 64 bits"),
            ("\na = 'x\nb = 1", 2, "a ' was expected before the end of the line"),
            ("a = \"\"\"x\n", 1, "does not end"),
            ("a = [ 1, 2", 1, "',' or ']' was expected in the list that begins in line 1"),
            ("a = [\n1,\n", 3, "the list that begins in line 1 is not closed"),
            ("a = [\n1 2 ]", 2, "but there is '2'"),
            ("a = 1 2", 1, "the line was expected to end here, but there is '2'"),
            (&deep, 1, "lists lie too deep in lists"),
        ] {
            let (at, found) = settings(written).unwrap_err();
            assert!(at == line && found.contains(what), "{written:?}: {at}: {found}");
        }
    }
}
