//! One line of words in which backticks set off code, as checks and refusals are written.

/// As HTML: what stands between two backticks becomes code, everything else is escaped. A backtick without
/// a partner stays what it is.
pub fn ticked_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, then)) = after.split_once('`').filter(|(code, _)| !code.is_empty()) else { break };
        escape_into(&mut html, before);
        html.push_str("<code>");
        escape_into(&mut html, code);
        html.push_str("</code>");
        rest = then;
    }
    escape_into(&mut html, rest);
    html
}

fn escape_into(html: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_set_off_and_markup_stays_text() {
        let check = |text, want| assert_eq!(ticked_html(text), want);
        check("`cargo test` passed: exit code 0.", "<code>cargo test</code> passed: exit code 0.");
        check("`a` and `b`", "<code>a</code> and <code>b</code>");
        check("`<b>&\"`", "<code>&lt;b&gt;&amp;&quot;</code>");
        check("one ` alone", "one ` alone");
        check("`` empty", "`` empty");
        check("", "");
    }
}
