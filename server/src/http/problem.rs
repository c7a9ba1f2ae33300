//! Refusals as they leave the server: `application/problem+json` (RFC 9457).

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use slipway_app::error::{ErrorCode, Problem};

/// Seconds after which asking again makes sense when the server is only full.
const RETRY_AFTER_SECONDS: &str = "5";

/// A [`Problem`] as a response. Handlers return it, and `?` makes one of a `Problem`.
#[derive(Debug)]
pub struct Refusal(pub Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal(problem)
    }
}

impl Refusal {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Refusal(Problem::new(code, detail))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let code = self.0.code;
        let mut response = (status, Json(self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match code {
            ErrorCode::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"slipway\""));
            }
            ErrorCode::TooManyStreams => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            }
            _ => {}
        }
        response
    }
}

/// Answers an address of the API that does not exist.
pub async fn no_such_address(request: Request) -> Refusal {
    Refusal::new(
        ErrorCode::NotFound,
        format!("There is no {}. GET /api/v1/openapi.json lists every address.", request.uri().path()),
    )
}

/// Answers a method that an address of the API does not take; axum adds `Allow`.
pub async fn no_such_method(request: Request) -> Refusal {
    Refusal::new(
        ErrorCode::MethodNotAllowed,
        format!("{} does not take {}; the Allow header says what it takes.", request.uri().path(), request.method()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_is_problem_json_with_its_status() {
        for code in ErrorCode::ALL {
            let response = Refusal::new(*code, "why").into_response();
            assert_eq!(response.status().as_u16(), code.status());
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
            let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
            let problem: Problem = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem, Problem::new(*code, "why"));
        }
    }
}
