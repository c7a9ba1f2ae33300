//! A project's templates as HTML. Only the server draws it.

use leptos::prelude::*;

use crate::model::{TEMPLATE_NAME_LIMIT, Template};

/// The options of a choice; nothing when there is none to choose.
pub fn options(templates: &[Template]) -> String {
    if templates.is_empty() {
        return String::new();
    }
    let first = view! { <option value="">"Start from…"</option> }.to_html();
    let rest = templates
        .iter()
        .map(|template| view! { <option value=template.id.to_string()>{template.name.clone()}</option> }.to_html());
    first + &rest.collect::<String>()
}

/// The list to rename and delete in.
pub fn list(templates: &[Template]) -> String {
    if templates.is_empty() {
        return view! { <li class="hint">"The project has no template."</li> }.to_html();
    }
    let item = |template: &Template| {
        let name = template.name.clone();
        view! {
            <li data-template=template.id.to_string()>
                <input type="text" value=name.clone() aria-label=format!("Name of template {name}") maxlength=TEMPLATE_NAME_LIMIT.to_string() />
                <button type="button" class="button" data-act="rename" aria-label=format!("Rename template {name}")>"Rename"</button>
                <button type="button" class="button button-danger" data-act="delete" aria-label=format!("Delete template {name}")>"Delete"</button>
            </li>
        }
        .to_html()
    };
    templates.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{ProjectId, TemplateId};

    #[test]
    fn names_are_text_and_ids_are_values() {
        let template = Template {
            id: TemplateId(Uuid::from_u128(7)),
            project_id: ProjectId(Uuid::from_u128(1)),
            name: "Bug <report>".to_owned(),
            title: String::new(),
            body: None,
            created_at: Default::default(),
            updated_at: Default::default(),
        };
        let html = options(std::slice::from_ref(&template));
        assert!(html.contains(&format!("value=\"{}\"", template.id)) && !html.contains("<report>"), "{html}");
        assert!(list(&[template]).contains("data-act=\"delete\""));
        assert_eq!(options(&[]), "");
    }
}
