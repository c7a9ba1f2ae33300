//! The playbook's blocks, explained where a card is written: what each does, and a button that puts one
//! into the description. The server draws the list when somebody asks for it.

use leptos::{html, prelude::*, task::spawn_local};
use web_sys::{Element, HtmlTextAreaElement, wasm_bindgen::JsCast};

use crate::{
    draw::{Part, draw},
    ui::settled::settled,
};

/// What can be put into a description.
#[cfg(feature = "ssr")]
pub struct Block {
    /// Its info string, as the format has it.
    pub name: &'static str,
    pub meaning: &'static str,
    /// The whole block, ready to be filled in.
    pub text: &'static str,
    /// The part of `text` that is to be filled in first.
    pub first: &'static str,
}

/// Every kind of block that the playbook engine knows.
#[cfg(feature = "ssr")]
pub const BLOCKS: [Block; 7] = [
    Block {
        name: "edit PATH",
        meaning: "Replaces a text that stands exactly once in the file.",
        text: "```edit PATH\n<<<<<<< SEARCH\nold text\n=======\nnew text\n>>>>>>> REPLACE\n```\n",
        first: "PATH",
    },
    Block {
        name: "edit PATH, new file",
        meaning: "Makes the file, since its SEARCH part is empty; fails if there is one.",
        text: "```edit PATH\n<<<<<<< SEARCH\n=======\nfirst line\n>>>>>>> REPLACE\n```\n",
        first: "PATH",
    },
    Block {
        name: "replace GLOB",
        meaning: "Replaces every match of a regular expression in all files that the pattern names.",
        text: "```replace GLOB\n/old_name\\((\\w+)\\)/new_name($1)/\n```\n",
        first: "GLOB",
    },
    Block {
        name: "diff",
        meaning: "Applies a patch as git diff writes it; the lines around it must be as they are.",
        text: "```diff\n--- a/PATH\n+++ b/PATH\n@@ -1 +1 @@\n-old line\n+new line\n```\n",
        first: "PATH",
    },
    Block {
        name: "move FROM -> TO",
        meaning: "Renames a file or moves it to another folder.",
        text: "```move FROM -> TO\n```\n",
        first: "FROM",
    },
    Block { name: "delete PATH", meaning: "Deletes the file.", text: "```delete PATH\n```\n", first: "PATH" },
    Block {
        name: "sh",
        meaning: "Runs a command in the sandbox, at Build and never at Plan; the files it changes count as planned.",
        text: "```sh\nCOMMAND\n```\n",
        first: "COMMAND",
    },
];

/// The list as HTML. Each button carries its block, so that the page needs to know none of them.
#[cfg(feature = "ssr")]
pub fn drawn() -> String {
    let items = BLOCKS.iter().map(|block| {
        view! {
            <li>
                <code>{block.name}</code>
                <span>{block.meaning}</span>
                <button type="button" class="button" data-insert=block.text data-first=block.first aria-label=format!("Insert {}", block.name)>
                    "Insert"
                </button>
            </li>
        }
    });
    view! {
        <p class="hint">
            "The description may hold blocks that are carried out exactly, with no model. Plan says which of them apply, and where; one that does not apply holds the gate."
        </p>
        <ul class="blocks">{items.collect_view()}</ul>
    }
    .to_html()
}

/// The disclosure. `changed` is called after a block was put into `field`.
#[component]
pub(super) fn Blocks(field: NodeRef<html::Textarea>, changed: Callback<()>) -> impl IntoView {
    let list = RwSignal::new(String::new());
    let fetch = move |_| {
        if list.with_untracked(String::is_empty) {
            spawn_local(async move {
                let drawn = draw(Part::Blocks).await;
                list.try_set(drawn.unwrap_or_else(|_| "<p>The list could not be had from the server.</p>".to_owned()));
            });
        }
    };
    let insert = move |event: web_sys::MouseEvent| {
        let chosen = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|target| target.closest("[data-insert]").ok().flatten());
        if let (Some(chosen), Some(field)) = (chosen, field.get_untracked()) {
            let text = |name| chosen.get_attribute(name).unwrap_or_default();
            insert_block(&field, &text("data-insert"), &text("data-first"));
            changed.run(());
        }
    };
    settled(view! {
        <details class="block-help">
            <summary on:click=fetch>"Playbook blocks"</summary>
            <div inner_html=move || list.get() on:click=insert></div>
        </details>
    })
}

/// Puts a block where the caret is, on lines of its own, and selects what is to be filled in first.
fn insert_block(field: &HtmlTextAreaElement, block: &str, first: &str) {
    let at = |place: Result<Option<u32>, _>| place.ok().flatten();
    let all: Vec<u16> = field.value().encode_utf16().collect();
    let start = at(field.selection_start()).unwrap_or(all.len() as u32);
    let before = String::from_utf16_lossy(&all[..(start as usize).min(all.len())]);
    let lead = lead(&before);
    // A field that refuses has left the page; there is nothing to insert into.
    let _ = field.set_range_text(&format!("{lead}{block}"));
    let chosen = start + (lead.len() + block.find(first).unwrap_or(0)) as u32;
    let _ = field.focus();
    let _ = field.set_selection_range(chosen, chosen + first.len() as u32);
}

/// The line breaks that a block needs after the text before it.
fn lead(before: &str) -> &'static str {
    match before {
        "" => "",
        text if text.ends_with("\n\n") => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_begins_on_a_line_of_its_own() {
        for (before, want) in [("", ""), ("a", "\n\n"), ("a\n", "\n"), ("a\n\n", "")] {
            assert_eq!(lead(before), want, "{before:?}");
        }
    }

    #[test]
    fn what_is_filled_in_first_stands_in_the_block() {
        for block in BLOCKS {
            assert!(block.text.is_ascii() && block.text.contains(block.first), "{}", block.name);
            assert!(block.text.starts_with("```") && block.text.ends_with("```\n"), "{}", block.name);
        }
        let html = drawn();
        assert_eq!(html.matches("data-insert").count(), BLOCKS.len());
        assert!(html.contains("&lt;&lt;&lt;&lt;&lt;&lt;&lt; SEARCH") || html.contains("<<<<<<< SEARCH"), "{html}");
    }
}
