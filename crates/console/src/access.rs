//! Who can call what, now, then, and in between; and what somebody should mend.

use crate::{
    answer::{Answer, Page},
    call::{Asked, Console},
    input, power,
    problem::{Code, Problem},
    world::{AccessQuery, FindingView, Moment, Span},
};
use wardgate_model::{id::ApiName, time::Time};

/// A moment as clients name it: the number of a change, or a time.
fn moment(asked: &Asked<'_>, name: &str) -> Result<Option<Moment>, Problem> {
    let Some(text) = asked.query.value(name) else { return Ok(None) };
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seq = text.parse().map_err(|_| input::malformed(format!("`{name}`: `{}` is no number of a change", input::shown(text))))?;
        return Ok(Some(Moment::Seq(seq)));
    }
    let bad = || {
        let detail = format!("`{name}` is the number of a change or a time such as `2027-01-31T12:00:00Z`, not `{}`", input::shown(text));
        input::malformed(detail)
    };
    Time::parse(text).map(Moment::Time).map(Some).ok_or_else(bad)
}

fn span(asked: &Asked<'_>) -> Result<Span, Problem> {
    let unfit = |detail: &str| Err(Problem::new(Code::Unfit, detail));
    match (moment(asked, "at")?, moment(asked, "from")?, moment(asked, "to")?) {
        (None, None, None) => Ok(Span::Now),
        (Some(at), None, None) => Ok(Span::At(at)),
        (None, Some(from), to) => Ok(Span::Between(from, to)),
        (Some(_), Some(_), _) => unfit("`at` and `from` together make no sense: one moment, or what is between two"),
        (_, None, Some(_)) => unfit("`to` goes with `from`"),
    }
}

pub(crate) async fn list(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let identity = asked.query.identity()?;
    if let Some(own) = power::kept_to(&asked.caller.identity) {
        let name = identity.as_ref();
        let name = name.ok_or_else(|| {
            Problem::new(Code::Reach, format!("ask for one identity of the owner `{own}`, for whom the caller acts"))
                .mend("name one of its identities (`--identity`)")
        })?;
        let known = console.world.identity(name).ok_or_else(|| Problem::new(Code::NotFound, format!("there is no identity `{name}`")))?;
        power::may_see(&asked.caller.identity, &known.owner)?;
    }
    let text = |name: &str| asked.query.value(name).map(Into::into);
    let query = AccessQuery {
        identity,
        api: asked.query.value("api").map(|text| input::name("api", text, ApiName::parse)).transpose()?,
        operation: text("operation"),
        denied: asked.query.flag("denied")?.unwrap_or_default(),
        span: span(asked)?,
        cursor: text("cursor"),
        limit: asked.query.limit()?,
    };
    let page = console.world.access(query).await?;
    Ok(Answer::ok(&Page { items: page.paths, next: page.next }))
}

/// How bad a finding is; the worst first.
const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];

pub(crate) async fn findings(console: &Console, asked: &Asked<'_>) -> Result<Answer, Problem> {
    let (limit, from) = (asked.query.limit()?, usize::try_from(asked.query.cursor()?).unwrap_or(usize::MAX));
    let (owner, code, severity) = (asked.query.value("owner"), asked.query.value("code"), asked.query.value("severity"));
    if let Some(word) = severity.filter(|word| !SEVERITIES.contains(word)) {
        return Err(input::malformed(format!("`severity` is `low`, `medium`, `high` or `critical`, not `{}`", input::shown(word))));
    }
    let exempt = asked.query.flag("exempt")?;
    let own = power::kept_to(&asked.caller.identity).map(|own| own.as_str());
    let fits = |one: &FindingView| {
        let of = |wanted: Option<&str>| wanted.is_none_or(|wanted| one.owner.as_deref() == Some(wanted));
        of(owner)
            && of(own)
            && code.is_none_or(|code| one.code == code)
            && severity.is_none_or(|word| one.severity == word)
            && exempt.is_none_or(|exempt| one.exempt == exempt)
    };
    let mut found = console.world.findings(asked.now).await?;
    found.retain(fits);
    let badness = |one: &FindingView| SEVERITIES.iter().position(|word| one.severity == *word);
    found.sort_by(|a, b| (badness(a), &a.code, &a.kind, &a.name).cmp(&(badness(b), &b.code, &b.kind, &b.name)));
    let found: Vec<FindingView> = found.into_iter().skip(from).collect();
    let mut page = Page::cut(found, limit, |_| String::new(), |one| one);
    page.next = page.next.map(|_| from.saturating_add(limit as usize).to_string());
    Ok(Answer::ok(&page))
}

#[cfg(test)]
mod tests;
