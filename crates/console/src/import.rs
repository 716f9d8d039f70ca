//! Other systems' lists, made into documents and departures. Nothing is written: the documents go to `apply`, the
//! departures to the owners.

use crate::{
    answer::Answer,
    call::{Asked, Console},
    declared::{DocumentBody, DocumentView, Draft, PlanView, Prune, plan_view},
    input,
    problem::{Code, DiagnosticView, Problem},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wardgate_governance::import::{Beside, Format, import};
use wardgate_model::{
    id::{EnvironmentName, OwnerName},
    inventory::Owner,
    resource::Kind,
};

/// Another system's list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportRequest {
    /// What it is: `csv`, `scim`, `codeowners`, `kubernetes` or `keycloak`.
    format: String,
    /// The list, as text.
    text: String,
    /// The owner of what comes without one.
    owner: Option<String>,
    /// The environment of what comes without one.
    environment: Option<String>,
}

/// What a list comes to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ImportView {
    /// The documents, for `apply`.
    documents: Vec<DocumentView>,
    /// Who is away, for the owners.
    departures: Vec<DepartureView>,
    /// What applying the documents would change, and all that is wrong with the list and with them.
    #[serde(flatten)]
    plan: PlanView,
}

/// Somebody on record who is away.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DepartureView {
    /// The owner that the person answers for.
    owner: String,
    /// The person's address.
    person: String,
    /// `accountable` or `deputy`.
    part: &'static str,
    /// The other one of the two, who is still there and could take over.
    successor: Option<String>,
}

pub(crate) async fn read(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let request: ImportRequest = input::body(&asked.call.headers, &asked.call.body)?;
    let format = Format::parse(&request.format).ok_or_else(|| {
        let formats = Format::ALL.iter().map(|format| format!("`{format}`")).collect::<Vec<_>>().join(", ");
        Problem::new(Code::Unfit, format!("there is no format `{}`", input::shown(&request.format))).mend(format!("write one of {formats}"))
    })?;
    let owner = request.owner.as_deref().map(|text| input::name("owner", text, OwnerName::parse)).transpose()?;
    let environment = request.environment.as_deref().map(|text| input::name("environment", text, EnvironmentName::parse)).transpose()?;
    let owners = owners(console).await?;
    let imported = import(format, &request.text, &Beside { owner: owner.as_ref(), environment: environment.as_ref(), owners: &owners });
    let documents: Vec<DocumentBody> = imported
        .documents
        .into_iter()
        .map(|document| DocumentBody {
            kind: document.kind.to_string(),
            name: document.name,
            spec: match document.spec {
                Value::Object(members) => members,
                _ => serde_json::Map::new(),
            },
        })
        .collect();
    let draft = Draft::read(console, &documents, Prune::Keep).await?;
    let mut plan = plan_view(console, asked, &draft).await?;
    plan.note_first(imported.diagnostics.iter().map(DiagnosticView::from).collect());
    let departures = imported.departures.into_iter().map(|one| DepartureView {
        owner: one.owner.to_string(),
        person: one.person.into(),
        part: one.part,
        successor: one.successor.map(Into::into),
    });
    let documents = documents.into_iter().map(|one| DocumentView { kind: one.kind, name: one.name, spec: Value::Object(one.spec) });
    Ok(Answer::ok(&ImportView { documents: documents.collect(), departures: departures.collect(), plan }))
}

/// The owners on record.
async fn owners(console: &Console) -> Result<Vec<Owner>, Problem> {
    let estate = console.store.estate().await?;
    let names = estate.resources.iter().filter(|resource| resource.id.kind() == Kind::Owner);
    Ok(names.filter_map(|resource| console.world.owner(&OwnerName::parse(resource.id.name()).ok()?)).collect())
}

#[cfg(test)]
mod tests;
