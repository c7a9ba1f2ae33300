//! Markdown (CommonMark with tables, strikethrough and task lists) to sanitised HTML.
//!
//! Two walls: raw HTML in the source is shown as the text it is, and what pulldown-cmark writes then goes
//! through ammonia's allow-list, so that a mistake in the first wall is caught by the second.

use std::{borrow::Cow, collections::HashSet, sync::LazyLock};

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};

use super::fence::Fence;

/// Longest source that is rendered, in bytes: twice a card's longest body. The rest is cut, and said so.
pub const SOURCE_LIMIT: usize = 2 * 1024 * 1024;

/// Quotes, lists and emphases inside each other. Deeper ones are shown flat: HTML parsers take quadratic
/// time in the depth, and readers stop telling levels apart long before.
const DEPTH_LIMIT: usize = 24;

/// The heading on the page that the text stands under; the text's own headings start one level below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// A card's body stands under the second-level heading Overview.
    Overview,
    /// An artifact's text stands under the third-level heading that names it.
    Artifact,
}

impl Under {
    fn level(self) -> usize {
        match self {
            Under::Overview => 2,
            Under::Artifact => 3,
        }
    }
}

/// Renders Markdown. The result is safe to put into a page as it is: no scripts, styles, ids, forms or
/// frames, no images from other origins (they become links), links without access to the opener.
pub fn html(markdown: &str, under: Under) -> String {
    let source = cut(markdown);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events: Vec<Event<'_>> = Parser::new_ext(source, options).collect();
    let mut page = Page::new(&events, under);
    for event in events {
        page.take(event);
    }
    let mut html = String::with_capacity(source.len() * 3 / 2);
    push_html(&mut html, page.out.into_iter());
    if source.len() < markdown.len() {
        html.push_str("<p><em>The rest is too long to show.</em></p>");
    }
    SANITISER.clean(&html).to_string()
}

fn cut(markdown: &str) -> &str {
    let mut end = markdown.len().min(SOURCE_LIMIT);
    while !markdown.is_char_boundary(end) {
        end -= 1;
    }
    &markdown[..end]
}

#[derive(Clone, Copy)]
enum Picture {
    Shown,
    /// From another origin: a link in its place.
    Link,
}

/// Events on their way from the parser to the writer.
struct Page<'a> {
    out: Vec<Event<'a>>,
    depth: usize,
    /// The fence whose text is being collected.
    fence: Option<Fence>,
    /// The raw HTML block whose text is being collected.
    raw: Option<String>,
    /// The pictures around this place, outermost first.
    images: Vec<Picture>,
    /// What is added to a heading's level.
    shift: isize,
}

impl<'a> Page<'a> {
    fn new(events: &[Event<'a>], under: Under) -> Self {
        let top = events.iter().filter_map(|event| match event {
            Event::Start(Tag::Heading { level, .. }) => Some(*level as isize),
            _ => None,
        });
        let shift = under.level() as isize + 1 - top.min().unwrap_or(1);
        Page { out: Vec::with_capacity(events.len()), depth: 0, fence: None, raw: None, images: Vec::new(), shift }
    }

    fn take(&mut self, event: Event<'a>) {
        if let Some(fence) = &mut self.fence {
            match event {
                Event::End(TagEnd::CodeBlock) => {
                    let html = fence.html();
                    self.fence = None;
                    self.out.push(Event::Html(html.into()));
                }
                Event::Text(text) => fence.push(&text),
                _ => {}
            }
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Html(text) => match &mut self.raw {
                Some(raw) => raw.push_str(&text),
                None => self.out.push(Event::Text(text)),
            },
            Event::InlineHtml(text) => self.inline_html(text),
            Event::TaskListMarker(done) => self.out.push(Event::InlineHtml(task_marker(done).into())),
            other => self.out.push(other),
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        match tag {
            Tag::CodeBlock(kind) => self.fence = Some(Fence::new(&kind)),
            Tag::HtmlBlock => self.raw = Some(String::new()),
            Tag::Heading { level, .. } => {
                let level = self.shifted(level);
                self.out.push(Event::Start(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() }));
            }
            // Fetching a picture would tell its host who reads the card.
            Tag::Image { link_type, dest_url, id, .. } if !is_own_address(&dest_url) => {
                self.images.push(Picture::Link);
                self.out.push(Event::Start(Tag::Link { link_type, dest_url, title: CowStr::Borrowed(""), id }));
                self.out.push(Event::Text("Image: ".into()));
            }
            Tag::Image { .. } => {
                self.images.push(Picture::Shown);
                self.out.push(Event::Start(tag));
            }
            Tag::Table(_) => {
                self.out.push(Event::Html("<div class=\"scroll\" tabindex=\"0\">".into()));
                self.out.push(Event::Start(tag));
            }
            tag if nests(&tag.to_end()) => {
                self.depth += 1;
                if self.depth <= DEPTH_LIMIT {
                    self.out.push(Event::Start(tag));
                }
            }
            tag => self.out.push(Event::Start(tag)),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::HtmlBlock => {
                if let Some(raw) = self.raw.take().filter(|raw| !is_comment(raw)) {
                    self.out.push(Event::Start(Tag::Paragraph));
                    self.out.push(Event::Text(raw.into()));
                    self.out.push(Event::End(TagEnd::Paragraph));
                }
            }
            TagEnd::Heading(level) => {
                let level = self.shifted(level);
                self.out.push(Event::End(TagEnd::Heading(level)));
            }
            TagEnd::Image => match self.images.pop() {
                Some(Picture::Link) => self.out.push(Event::End(TagEnd::Link)),
                _ => self.out.push(Event::End(tag)),
            },
            TagEnd::Table => {
                self.out.push(Event::End(tag));
                self.out.push(Event::Html("</div>".into()));
            }
            tag if nests(&tag) => {
                if self.depth <= DEPTH_LIMIT {
                    self.out.push(Event::End(tag));
                }
                self.depth = self.depth.saturating_sub(1);
            }
            tag => self.out.push(Event::End(tag)),
        }
    }

    /// A line break is the one tag that people write in tables; everything else is shown as it was written.
    fn inline_html(&mut self, text: CowStr<'a>) {
        match text.replace([' ', '/'], "").as_str() {
            "<br>" => self.out.push(Event::HardBreak),
            _ if is_comment(&text) => {}
            _ => self.out.push(Event::Text(text)),
        }
    }

    fn shifted(&self, level: HeadingLevel) -> HeadingLevel {
        let level = (level as isize + self.shift).clamp(1, 6);
        HeadingLevel::try_from(level as usize).unwrap_or(HeadingLevel::H6)
    }
}

fn nests(tag: &TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::BlockQuote(_)
            | TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
    )
}

fn is_comment(html: &str) -> bool {
    let html = html.trim();
    html.starts_with("<!--") && html.find("-->").is_some_and(|end| end + 3 == html.len())
}

/// An address on this server: `/…`, but neither `//host` nor `/\host`, which browsers read as another host.
fn is_own_address(url: &str) -> bool {
    url.starts_with('/') && !url[1..].starts_with(['/', '\\'])
}

fn task_marker(done: bool) -> &'static str {
    if done {
        "<span class=\"task done\" role=\"img\" aria-label=\"Done\">☑</span> "
    } else {
        "<span class=\"task\" role=\"img\" aria-label=\"Not done\">☐</span> "
    }
}

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags = [
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "div",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(tags))
        .generic_attributes(HashSet::new())
        .add_tag_attributes("a", ["href", "title"])
        .add_tag_attributes("img", ["src", "alt", "title"])
        .add_tag_attributes("ol", ["start"])
        .add_tag_attributes("span", ["role", "aria-label"])
        .add_tag_attributes("pre", ["tabindex"])
        .add_tag_attributes("div", ["tabindex"])
        .add_allowed_classes("span", ["task", "done", "ins", "del", "mark"])
        .add_allowed_classes("figure", ["fence"])
        .add_allowed_classes("div", ["scroll"])
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Custom(Box::new(own_address)))
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// Relative addresses would resolve against the card's page and lead nowhere.
fn own_address(url: &str) -> Option<Cow<'_, str>> {
    (is_own_address(url) || url.starts_with('#')).then_some(Cow::Borrowed(url))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(markdown: &str, want: &str) {
        assert_eq!(html(markdown, Under::Overview).trim_end(), want);
    }

    #[test]
    fn headings_stand_under_the_pages_own() {
        check("# A\n## B", "<h3>A</h3>\n<h4>B</h4>");
        check("## A\n### B", "<h3>A</h3>\n<h4>B</h4>");
        assert_eq!(html("# A\n###### B", Under::Artifact).trim_end(), "<h4>A</h4>\n<h6>B</h6>");
    }

    #[test]
    fn raw_html_is_text() {
        check("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>");
        check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
        check("a <!-- note --> b<br>c", "<p>a  b<br>\nc</p>");
        check("<!-- a\nnote -->\n\nb", "<p>b</p>");
    }

    #[test]
    fn links_stay_harmless() {
        let rel = "rel=\"noopener noreferrer nofollow\"";
        check("[a](https://x.example/)", &format!("<p><a href=\"https://x.example/\" {rel}>a</a></p>"));
        check("[a](/cards/1)", &format!("<p><a href=\"/cards/1\" {rel}>a</a></p>"));
        for url in ["javascript:alert(1)", "data:text/html,x", "src/main.rs", "//evil.example"] {
            check(&format!("[a](<{url}>)"), &format!("<p><a {rel}>a</a></p>"));
        }
    }

    #[test]
    fn images_come_from_here_or_not_at_all() {
        check("![a](/api/v1/artifacts/1/content)", "<p><img src=\"/api/v1/artifacts/1/content\" alt=\"a\"></p>");
        for url in ["https://evil.example/p.png", "//evil.example/p.png", "data:image/png;base64,AA", "p.png"] {
            let html = html(&format!("![pixel]({url})"), Under::Overview);
            assert!(!html.contains("<img"), "{html}");
            assert!(html.contains("Image: ") && html.contains("pixel"), "{html}");
        }
    }

    #[test]
    fn tables_and_tasks() {
        let table = html("| a |\n| - |\n| b |", Under::Overview);
        assert!(table.starts_with("<div class=\"scroll\" tabindex=\"0\"><table>"), "{table}");
        let tasks = html("- [x] a\n- [ ] b ~~c~~", Under::Overview);
        assert!(tasks.contains("aria-label=\"Done\"") && tasks.contains("aria-label=\"Not done\""), "{tasks}");
        assert!(tasks.contains("<del>c</del>"), "{tasks}");
    }

    #[test]
    fn hostile_sizes_are_bounded() {
        let deep = html(&format!("{}x", "> ".repeat(50_000)), Under::Overview);
        assert_eq!(deep.matches("<blockquote>").count(), DEPTH_LIMIT);
        let nested = html(&format!("{}x{}", "*a **b ".repeat(20_000), "** *".repeat(20_000)), Under::Overview);
        assert!(!nested.is_empty());
        let long = html(&"é".repeat(SOURCE_LIMIT), Under::Overview);
        assert!(long.contains("too long to show") && long.len() < SOURCE_LIMIT + 200);
    }

    proptest! {
        #[test]
        fn nothing_runs(text in "(<[a-z]{1,6} on[a-z]+=x>|\\[a\\]\\(javascript:x\\)|!\\[\\]\\(//h\\)|[`*_>#|\\-\\[\\]()<\\\\ a-z\n]{0,12}){0,20}") {
            let html = html(&text, Under::Artifact);
            prop_assert!(!html.contains("<script") && !html.contains("href=\"javascript") && !html.contains("src=\"//"));
            // Attributes may change places; nothing else does.
            prop_assert_eq!(SANITISER.clean(&html).to_string().len(), html.len());
        }
    }
}
