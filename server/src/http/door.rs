//! How a browser comes in: `/?token=TOKEN` begins a session, and a page without one says how to get in.

use axum::{
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Response},
};
use slipway_app::error::{ErrorCode, Problem};

use super::{
    access::Guard,
    headers::CspNonce,
    problem::Refusal,
    session::{self, Begun, SECRET_STORAGE_KEY},
};

/// Addresses that are not pages: programs ask for them.
const NOT_PAGES: [&str; 3] = ["/api/", "/ui/", "/pkg/"];

/// The query parameter that holds the token.
const TOKEN_PARAMETER: &str = "token";

/// Whether this is a browser asking for a page.
fn is_page(request: &Parts) -> bool {
    is_page_address(request) && accepts_html(&request.headers)
}

fn is_page_address(request: &Parts) -> bool {
    let path = request.uri.path();
    matches!(request.method, Method::GET | Method::HEAD) && !NOT_PAGES.iter().any(|prefix| path.starts_with(prefix))
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let mut accepts = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepts.any(|accept| accept.contains("text/html"))
}

/// The token in the address of a page that is being opened.
pub fn token_of(request: &Parts) -> Option<String> {
    if request.method != Method::GET || !is_page_address(request) {
        return None;
    }
    let mut parameters = form_urlencoded::parse(request.uri.query()?.as_bytes());
    parameters.find(|(name, _)| name == TOKEN_PARAMETER).map(|(_, value)| value.into_owned())
}

/// Begins a session for the right token, and sends the browser to the same page without it.
///
/// A browser gets there by way of a page that first puts the session's second secret into storage that
/// belongs to our origin alone, which no redirect can do. Being our own page, it also lets the next
/// request count as same-site when the link was clicked elsewhere. Other clients are redirected.
pub async fn open(guard: &Guard, token: &str, request: &Parts) -> Response {
    if !guard.access.is_token(token) {
        return closed(request, Problem::new(ErrorCode::Unauthorized, "The token in the address is wrong."));
    }
    let begun = match session::begin(guard.doors.as_ref(), &request.headers, guard.access.port()).await {
        Ok(begun) => begun,
        Err(problem) => return Refusal(problem).into_response(),
    };
    let target = address_without_token(request);
    let mut response = match request.extensions.get::<CspNonce>() {
        Some(nonce) if accepts_html(&request.headers) => Html(welcome(&target, &begun, nonce)).into_response(),
        _ => redirect(&target),
    };
    response.headers_mut().append(header::SET_COOKIE, begun.cookie);
    response
}

fn redirect(target: &str) -> Response {
    let target = HeaderValue::from_str(target).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, target)]).into_response()
}

/// The address that was asked for, on this server whatever it looks like: `//evil.example` is a path here
/// but another host in a `Location`.
fn address_without_token(request: &Parts) -> String {
    let path = request.uri.path().trim_start_matches(['/', '\\']);
    let kept = form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes())
        .filter(|(name, _)| name != TOKEN_PARAMETER);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    if query.is_empty() { format!("/{path}") } else { format!("/{path}?{query}") }
}

fn welcome(target: &str, begun: &Begun, nonce: &CspNonce) -> String {
    let link = escape(target);
    let script = format!(
        "try{{localStorage.setItem({},{})}}catch(e){{}}location.replace({})",
        script_string(SECRET_STORAGE_KEY),
        script_string(&begun.secret),
        script_string(target),
    );
    let nonce = &nonce.0;
    document(
        "Opening Slipway",
        &format!(
            "<script nonce=\"{nonce}\">{script}</script>\
             <noscript><meta http-equiv=\"refresh\" content=\"0;url={link}\"></noscript>"
        ),
        &format!("<p><a href=\"{link}\">Go on to the board</a></p>"),
    )
}

/// 401, in words for a person in a browser, or as a problem for anyone else.
pub fn closed(request: &Parts, problem: Problem) -> Response {
    if !is_page(request) {
        return Refusal(problem).into_response();
    }
    let page = document(
        "Slipway is locked",
        "",
        "<h1>Slipway is locked</h1>\
         <p>Open the link that <code>slipway</code> printed in the terminal when it started: it ends in \
         <code>?token=…</code> and signs this browser in.</p>\
         <p>The link is gone? <code>slipway token</code> prints the token; put it at the end of this page’s \
         address as <code>?token=TOKEN</code>.</p>",
    );
    let challenge = HeaderValue::from_static("Bearer realm=\"slipway\"");
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], Html(page)).into_response()
}

fn document(title: &str, head: &str, main: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         {head}</head><body><main>{main}</main></body></html>"
    )
}

/// A JavaScript string literal that cannot end the script element around it.
fn script_string(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('<', "\\u003c")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn get(address: &str) -> Parts {
        Request::get(address).body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_token_leaves_the_address_and_nothing_else_does() {
        let check = |address, want| assert_eq!(address_without_token(&get(address)), want, "{address}");
        check("/?token=T", "/");
        check("/cards/7?a=1&token=T&b=x%20y", "/cards/7?a=1&b=x+y");
        check("//evil.example/?token=T", "/evil.example/");
        check("///evil.example?token=T", "/evil.example");
    }

    #[test]
    fn only_pages_are_opened_with_a_token() {
        assert_eq!(token_of(&get("/?token=a%2Bb")).as_deref(), Some("a+b"));
        assert_eq!(token_of(&get("/cards/7?x=1&token=T")).as_deref(), Some("T"));
        for address in ["/", "/?x=1", "/api/v1/cards?token=T", "/ui/move?token=T", "/pkg/a.js?token=T"] {
            assert_eq!(token_of(&get(address)), None, "{address}");
        }
        let post = Request::post("/?token=T").body(()).unwrap().into_parts().0;
        assert_eq!(token_of(&post), None);
    }

    #[test]
    fn nothing_in_the_address_becomes_markup_or_script() {
        let begun = Begun { cookie: HeaderValue::from_static("c"), secret: "s".to_owned() };
        let hostile = "/x?q=\"></script><script>alert(1)</script>'";
        let page = welcome(hostile, &begun, &CspNonce("n".to_owned()));
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("</script>").count(), 1);
        assert!(!page.contains("q=\">"));
    }
}
