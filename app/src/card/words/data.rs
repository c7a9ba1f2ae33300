//! An event's data, read leniently: a field that is missing or of another shape is no field.

use serde_json::Value;

use super::excerpt::one_line;
use crate::model::{Role, Stage};

/// Read by field.
pub(super) struct Data<'a>(pub(super) &'a Value);

impl<'a> Data<'a> {
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.as_i64()
    }

    pub(super) fn stage(&self, key: &str) -> Option<Stage> {
        Stage::parse(self.text(key)?)
    }

    pub(super) fn role(&self) -> Option<Role> {
        Role::parse(self.text("role")?)
    }

    pub(super) fn red_checks(&self) -> Option<usize> {
        let checks = self.0.get("checks")?.as_array()?;
        Some(checks.iter().filter(|check| check.get("passed") == Some(&Value::Bool(false))).count())
    }

    /// `lead` and the text, or nothing.
    pub(super) fn with(&self, lead: &str, key: &str) -> String {
        self.text(key).map(|text| format!("{lead}{}", one_line(text))).unwrap_or_default()
    }
}
