//! The OpenAPI 3.1 description: what the handlers say of themselves, completed with what holds for all of
//! them (security, tags, refusals, idempotency keys).

use slipway_app::{
    error::{Blocker, ErrorCode, Problem},
    model::Batch,
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, Info, OpenApi as Description, Ref, RefOr, Required, Response, ResponseBuilder, Server,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::{ObjectBuilder, Type},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::ROOT;
use crate::{http::session::SECRET_HEADER, idempotency::KEY_LIMIT};

/// Schemas that no handler names, and the words for the groups.
#[derive(OpenApi)]
#[openapi(
    components(schemas(Problem, Blocker, Batch)),
    tags(
        (name = "projects", description = "Repositories registered with the board, and their defaults"),
        (name = "templates", description = "Texts that a project's cards often start from"),
        (name = "cards", description = "Pieces of work and their moves between stages"),
        (name = "gates", description = "The exits of stages: checks, then a decision"),
        (name = "agents", description = "Disposable workers: one agent, one prompt, one purpose"),
        (name = "fleet", description = "Every live agent at once"),
        (name = "artifacts", description = "Typed, versioned, content-addressed outputs of agents"),
        (name = "events", description = "Appended facts, as a list and as streams"),
        (name = "questions", description = "What agents ask a person"),
        (name = "sessions", description = "Browser sessions; they begin at `/?token=TOKEN`"),
        (name = "description", description = "This document"),
    )
)]
struct Common;

/// Refusals that any operation may give before its handler runs.
const ALWAYS: [ErrorCode; 5] = [
    ErrorCode::InvalidRequest,
    ErrorCode::Unauthorized,
    ErrorCode::Forbidden,
    ErrorCode::MisdirectedRequest,
    ErrorCode::Internal,
];

/// Those of operations that take a body.
const WITH_BODY: [ErrorCode; 2] = [ErrorCode::UnsupportedMediaType, ErrorCode::PayloadTooLarge];

/// Completes the description that the handlers make up together.
pub fn complete(mut description: Description) -> Description {
    description.info = Info::new("Slipway", env!("CARGO_PKG_VERSION"));
    description.info.description = Some(
        "A board where every column is an agent. Errors are `application/problem+json` (RFC 9457) with a stable \
         `code`. Ids are UUIDv7, times RFC 3339 in UTC, money a decimal string in US dollars. Lists take `limit` \
         and `cursor`."
            .to_owned(),
    );
    description.servers = Some(vec![Server::new(ROOT)]);
    description.merge(Common::openapi());
    Everywhere.modify(&mut description);
    description
}

struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, description: &mut Description) {
        description.paths.paths.insert("/openapi.json".to_owned(), own_path());
        for (path, item) in &mut description.paths.paths {
            for (operation, takes_key) in operations(item) {
                name_apart(operation);
                add_refusals(operation, path.contains('{'));
                if takes_key {
                    operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
                }
            }
        }
        let components = description.components.get_or_insert_default();
        let bearer = Http::new(HttpAuthScheme::Bearer);
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description(
            "slipway_session_PORT",
            "A browser's session, from `/?token=TOKEN`; enough for reading",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let secret = ApiKeyValue::with_description(SECRET_HEADER, "The session's second secret, for every change");
        components.add_security_scheme("session_secret", SecurityScheme::ApiKey(ApiKey::Header(secret)));
        let none: [&str; 0] = [];
        let session = SecurityRequirement::new("session", none).add("session_secret", none);
        description.security = Some(vec![SecurityRequirement::new("token", none), session]);
    }
}

/// Each operation of a path, and whether it takes an idempotency key.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, bool)> {
    let plain = [&mut item.get, &mut item.patch, &mut item.delete].into_iter().flatten();
    plain.map(|operation| (operation, false)).chain(item.post.as_mut().map(|operation| (operation, true)))
}

/// Operation ids have to differ, and handlers of different groups share names: `cards_list`, `gates_list`.
fn name_apart(operation: &mut Operation) {
    let group = operation.tags.as_ref().and_then(|tags| tags.first());
    if let (Some(group), Some(name)) = (group, &operation.operation_id) {
        operation.operation_id = Some(format!("{group}_{name}"));
    }
}

/// Adds the refusals that hold for all; what a handler says of a status itself stays.
fn add_refusals(operation: &mut Operation, has_id: bool) {
    let mut codes = ALWAYS.to_vec();
    if operation.request_body.is_some() {
        codes.extend(WITH_BODY);
    }
    if has_id {
        codes.push(ErrorCode::NotFound);
    }
    for code in codes {
        let status = code.status().to_string();
        operation.responses.responses.entry(status).or_insert_with(|| RefOr::T(refusal(code)));
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.as_str() >= "400"
        {
            use_problem_type(response);
        }
    }
}

fn refusal(code: ErrorCode) -> Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description(format!("`{}`: {}", code.as_str(), code.title()))
        .content("application/problem+json", problem)
        .build()
}

/// Handlers name the schema only; refusals all have the same media type.
fn use_problem_type(response: &mut Response) {
    if let Some(content) = response.content.shift_remove("application/json") {
        response.content.insert("application/problem+json".to_owned(), content);
    }
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(KEY_LIMIT))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A name for this request, so that sending it again has no second effect and gives the first answer. \
             Another request under the same name is refused with `idempotency_key_reused` (409).",
        ))
        .schema(Some(schema))
        .build()
}

fn own_path() -> PathItem {
    let mut operation = Operation::new();
    operation.tags = Some(vec!["description".to_owned()]);
    operation.summary = Some("Describes the API.".to_owned());
    operation.operation_id = Some("show".to_owned());
    let document = ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::Object))).build();
    let response = ResponseBuilder::new().description("OpenAPI 3.1").content("application/json", document).build();
    operation.responses.responses.insert("200".to_owned(), RefOr::T(response));
    PathItem::new(utoipa::openapi::HttpMethod::Get, operation)
}
