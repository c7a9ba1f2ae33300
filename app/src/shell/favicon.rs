//! The favicon: shows a dot while something waits for a person.

use leptos::prelude::*;

use crate::live::Live;

/// Keeps the favicon in step with what waits. Both addresses are in the document's link element.
pub(super) fn follow(live: Live) {
    let waits = Memo::new(move |_| live.pulse().with(|pulse| pulse.needs_you > 0));
    let calm = StoredValue::new(None::<String>);
    Effect::new(move |_| {
        let Ok(Some(link)) = document().query_selector("link[rel=icon]") else { return };
        if calm.with_value(Option::is_none) {
            calm.set_value(link.get_attribute("href"));
        }
        let wanted = if waits.get() { link.get_attribute("data-alert") } else { calm.get_value() };
        if let Some(address) = wanted {
            let _ = link.set_attribute("href", &address);
        }
    });
}
