//! One operation, as the file says that carries it out.
//!
//! What all operations of a kind have in common is said once, here: whoever is about a queue names it in
//! the path, may not find it, and is told how full it is; whoever needs a token may be refused.

use std::collections::BTreeMap;

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Object, Ref, RefOr, Required};

use super::schema;
use crate::http::auth::{Role, access};
use crate::http::problem::{Code, Document, Retry};

/// The name of the security scheme.
pub(super) const TOKEN: &str = "token";

/// Answers that many operations have, by name.
pub(super) type Shared = BTreeMap<String, Response>;

/// An operation of the document.
pub(in crate::http) struct Endpoint {
    pub(super) path: &'static str,
    pub(super) method: HttpMethod,
    /// Whether HEAD is answered as GET is.
    pub(super) head: bool,
    operation: Operation,
    id: &'static str,
    /// `None` where no token is needed; any role will do, where it is none of these.
    role: Option<Option<Role>>,
    answers: Vec<(StatusCode, Answered)>,
    problems: Vec<Code>,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Endpoint {
    /// An operation of the v1 face. `id` is its name for programs; the first line of `says` is its
    /// summary.
    pub(in crate::http) fn v1(
        method: HttpMethod,
        path: &'static str,
        id: &'static str,
        says: &str,
    ) -> Self {
        let head = method == HttpMethod::Get;
        let mut endpoint = Self::new(method, path, id, says).refuses(&[
            Code::InvalidParameter,
            Code::IncompleteBody,
            Code::BodyTimeout,
            Code::BodyTooLarge,
        ]);
        endpoint.head = head;
        if !endpoint.is_about_a_queue() {
            return endpoint;
        }
        endpoint
            .path_parameter("queue", schema::queue_name(), "The name of the queue.")
            .refuses(&[Code::InvalidQueueName, Code::QueueNotFound])
    }

    /// An operation that tells its errors in a line of text.
    pub(in crate::http) fn text(
        method: HttpMethod,
        path: &'static str,
        id: &'static str,
        says: &str,
    ) -> Self {
        Self::new(method, path, id, says)
    }

    fn new(method: HttpMethod, path: &'static str, id: &'static str, says: &str) -> Self {
        let (summary, description) = says.split_once('\n').unwrap_or((says, ""));
        let description = Some(description.trim()).filter(|description| !description.is_empty());
        let verb = match method {
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Patch => Method::PATCH,
            HttpMethod::Delete => Method::DELETE,
            _ => Method::GET,
        };
        // From the guard's own table.
        let role = access::role(&verb, path);
        let operation =
            OperationBuilder::new().summary(Some(summary)).description(description).build();
        Self {
            path,
            head: false,
            method,
            operation,
            id,
            role,
            answers: Vec::new(),
            problems: Vec::new(),
            schemas: Vec::new(),
        }
    }

    fn is_about_a_queue(&self) -> bool {
        self.path.contains("{queue}")
    }

    pub(in crate::http) fn tagged(mut self, tag: &str) -> Self {
        self.operation.tags.get_or_insert_default().push(tag.to_owned());
        self
    }

    /// HEAD is answered as GET is, but for the body.
    pub(in crate::http) fn with_head(mut self) -> Self {
        self.head = true;
        self
    }

    fn parameter(mut self, parameter: Parameter) -> Self {
        self.operation.parameters.get_or_insert_default().push(parameter.into());
        self
    }

    pub(in crate::http) fn path_parameter(
        self,
        name: &str,
        schema: impl Into<Schema>,
        description: &str,
    ) -> Self {
        let parameter = parameter(ParameterIn::Path, name, schema, description);
        self.parameter(parameter.required(Required::True).build())
    }

    pub(in crate::http) fn query(
        self,
        name: &str,
        schema: impl Into<Schema>,
        description: &str,
    ) -> Self {
        self.parameter(parameter(ParameterIn::Query, name, schema, description).build())
    }

    pub(in crate::http) fn header(
        self,
        name: &str,
        schema: impl Into<Schema>,
        description: &str,
    ) -> Self {
        self.parameter(parameter(ParameterIn::Header, name, schema, description).build())
    }

    /// Its body is a JSON document.
    pub(in crate::http) fn takes_json<T: ToSchema>(
        mut self,
        required: Required,
        example: Value,
    ) -> Self {
        self.know::<T>();
        let content = ContentBuilder::new().schema(Some(reference::<T>())).example(Some(example));
        let body = RequestBodyBuilder::new().required(Some(required));
        self.takes(body.content("application/json", content.build()).build())
    }

    pub(in crate::http) fn takes(mut self, body: RequestBody) -> Self {
        self.operation.request_body = Some(body.into());
        self
    }

    /// Puts a schema among those of the document.
    pub(in crate::http) fn know<T: ToSchema>(&mut self) {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
    }

    pub(in crate::http) fn answers(mut self, status: StatusCode, answered: Answered) -> Self {
        self.schemas.extend(answered.schemas.iter().cloned());
        self.answers.push((status, answered));
        self
    }

    /// Answers 200 with this as JSON.
    pub(in crate::http) fn answers_json<T: ToSchema>(
        self,
        description: &str,
        example: Value,
    ) -> Self {
        self.answers(StatusCode::OK, Answered::new(description).json::<T>(example))
    }

    /// What it may be refused for.
    pub(in crate::http) fn refuses(mut self, codes: &[Code]) -> Self {
        self.problems.extend_from_slice(codes);
        self
    }

    /// The operations that it makes of the document, GET before HEAD.
    /// Answers that many have are put among the `shared` ones.
    pub(super) fn build(&self, shared: &mut Shared) -> Vec<(HttpMethod, Operation)> {
        let id = self.id.to_owned();
        let mut operations = vec![(self.method.clone(), self.operation(id, false, shared))];
        if self.head {
            let id = format!("{}Head", self.id);
            operations.push((HttpMethod::Head, self.operation(id, true, shared)));
        }
        operations
    }

    fn operation(&self, id: String, head: bool, shared: &mut Shared) -> Operation {
        let mut operation = self.operation.clone();
        operation.operation_id = Some(id);
        let responses = &mut operation.responses.responses;
        for (status, answered) in &self.answers {
            responses.insert(status.as_str().to_owned(), self.response(answered, head).into());
        }
        for status in self.problem_statuses() {
            let (name, refusal) = self.refusal(status, head);
            responses.insert(status.as_str().to_owned(), Ref::from_response_name(&*name).into());
            shared.insert(name, refusal);
        }
        if let Some(role) = self.role {
            // A server without tokens asks for none.
            let with_token = SecurityRequirement::new(TOKEN, role.map(Role::as_str));
            operation.security = Some(vec![with_token, SecurityRequirement::default()]);
        }
        operation
    }

    fn response(&self, answered: &Answered, head: bool) -> Response {
        let mut response = answered.response.clone();
        if self.is_about_a_queue() {
            for (name, header) in marks(Required::True) {
                response.headers.insert(name.to_owned(), header.into());
            }
        }
        if head {
            response.content.clear();
            response.links.clear();
        }
        response
    }

    /// Its own, and those of the guard.
    fn problems(&self) -> impl Iterator<Item = Code> {
        let token = self.role.is_some().then_some(Code::Unauthorized);
        let role = self.role.flatten().or(self.is_about_a_queue().then_some(Role::Monitor));
        let role = role.and(Some(Code::Forbidden));
        let does_something = self.method != HttpMethod::Get || self.path == "/dequeue";
        let origin = does_something.then_some(Code::CrossOrigin);
        self.problems.iter().copied().chain(token).chain(role).chain(origin)
    }

    fn problem_statuses(&self) -> Vec<StatusCode> {
        let mut statuses: Vec<_> = self.problems().map(Code::status).collect();
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }

    /// The answer for all codes of one status, and what it is called among the shared ones.
    fn refusal(&self, status: StatusCode, head: bool) -> (String, Response) {
        let mut codes: Vec<Code> = Vec::new();
        for code in Code::ALL {
            if code.status() == status && self.problems().any(|one| one == *code) {
                codes.push(*code);
            }
        }
        let lines: Vec<_> =
            codes.iter().map(|code| format!("- `{}`: {}", code.as_str(), code.meaning())).collect();
        let mut response = ResponseBuilder::new().description(lines.join("\n"));
        if !head {
            let one_of_them = ObjectBuilder::new()
                .schema_type(Type::Object)
                .property("status", values([json!(status.as_u16())]))
                .property("code", values(codes.iter().map(|code| json!(code.as_str()))));
            let schema = AllOfBuilder::new().item(reference::<Document<'_>>()).item(one_of_them);
            let schema: RefOr<Schema> = schema.into();
            let content = ContentBuilder::new().schema(Some(schema)).build();
            response = response.content("application/problem+json", content);
        }
        if self.is_about_a_queue() {
            for (name, header) in marks(Required::False) {
                response = response.header(name, header);
            }
        }
        let always = |all: bool| if all { Required::True } else { Required::False };
        let later = codes.iter().filter(|code| code.retry() == Retry::After).count();
        if later > 0 {
            let retry_after = header(
                schema::count(&(1..=60)).build(),
                "After how many seconds it may go well.",
                always(later == codes.len()),
            );
            response = response.header("Retry-After", retry_after);
        }
        if status == StatusCode::UNAUTHORIZED {
            let says = "`Bearer`, and what was wrong with the token.";
            let challenge = header(schema::text(), says, Required::True);
            response = response.header("WWW-Authenticate", challenge);
        }
        let mut name = codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(".");
        if self.is_about_a_queue() {
            name.push_str("-queue");
        }
        if head {
            name.push_str("-head");
        }
        (name, response.build())
    }
}

/// An answer that is no refusal.
#[derive(Clone)]
pub(in crate::http) struct Answered {
    response: Response,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Answered {
    pub(in crate::http) fn new(description: &str) -> Self {
        let response = Response::new(description);
        Self { response, schemas: Vec::new() }
    }

    /// With a JSON document.
    pub(in crate::http) fn json<T: ToSchema>(mut self, example: Value) -> Self {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        let content = ContentBuilder::new().schema(Some(reference::<T>())).example(Some(example));
        self.response.content.insert("application/json".to_owned(), content.build().into());
        self
    }

    /// With a body of another type.
    pub(in crate::http) fn content(mut self, content_type: &str, schema: Option<Schema>) -> Self {
        let content = ContentBuilder::new().schema(schema);
        self.response.content.insert(content_type.to_owned(), content.build().into());
        self
    }

    pub(in crate::http) fn header(
        mut self,
        name: &str,
        schema: impl Into<Schema>,
        description: &str,
        required: Required,
    ) -> Self {
        let header = header(schema, description, required);
        self.response.headers.insert(name.to_owned(), header.into());
        self
    }

    /// What can be done with the answer: an operation, and where its parameter `name` is in this one.
    pub(in crate::http) fn leads_to(mut self, operation: &str, name: &str, place: &str) -> Self {
        let link = LinkBuilder::new()
            .operation_id(operation)
            .parameter("queue", "$request.path.queue")
            .parameter(name, place);
        self.response.links.insert(operation.to_owned(), link.build().into());
        self
    }
}

fn parameter(
    place: ParameterIn,
    name: &str,
    schema: impl Into<Schema>,
    description: &str,
) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .schema(Some(schema.into()))
        .description(Some(description))
        .required(Required::False)
}

fn header(schema: impl Into<Schema>, description: &str, required: Required) -> Header {
    let header = HeaderBuilder::new().schema(Some(schema.into())).description(Some(description));
    match required {
        // OpenAPI has this field, and the type does not.
        Required::True => header.extensions(Some(Extensions::from_iter([("required", true)]))),
        Required::False => header,
    }
    .build()
}

/// How full a queue is, on every answer about one that is there.
fn marks(required: Required) -> [(&'static str, Header); 2] {
    let one = |description| header(schema::any_count(), description, required.clone());
    [
        ("Queue-Depth", one("How many messages the queue holds.")),
        ("Queue-Capacity", one("How many messages it may hold.")),
    ]
}

fn values(values: impl IntoIterator<Item = Value>) -> Object {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).enum_values(Some(values)).build()
}

/// A schema by its name.
pub(in crate::http) fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}
