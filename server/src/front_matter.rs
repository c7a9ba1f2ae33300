//! Front matter: the TOML between two `+++` lines that a prompt or a form opens with.

use serde::de::DeserializeOwned;

const DELIMITER: &str = "+++";

/// Why a prompt or form could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrontMatterError {
    #[error("the file does not open with front matter between two `+++` lines")]
    Missing,
    #[error("the front matter is not what is expected here: {0}")]
    Malformed(#[from] toml::de::Error),
}

/// Splits `text` into its front matter, read as `T`, and the body after it (without the newline that ends
/// the delimiter).
pub fn split<T: DeserializeOwned>(text: &str) -> Result<(T, &str), FrontMatterError> {
    let rest =
        text.strip_prefix(DELIMITER).and_then(|rest| rest.strip_prefix('\n')).ok_or(FrontMatterError::Missing)?;
    let closing = format!("\n{DELIMITER}\n");
    let (head, body) = rest.split_once(&closing).ok_or(FrontMatterError::Missing)?;
    Ok((toml::from_str(head)?, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Head {
        name: String,
    }

    #[test]
    fn splits_head_and_body() {
        let (head, body) = split::<Head>("+++\nname = \"x\"\n+++\nbody\n+++\nmore\n").unwrap();
        assert_eq!(head, Head { name: "x".to_owned() });
        assert_eq!(body, "body\n+++\nmore\n");
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!(split::<Head>("no"), Err(FrontMatterError::Missing)));
        assert!(matches!(split::<Head>("+++\nname = 1\n+++\n"), Err(FrontMatterError::Malformed(_))));
    }
}
