//! What a configuration names besides itself: whether it is there, and is what it has to be.

mod sources;

use super::{AccessKey, AnchorPlace, Config, KeySource, secret_text, variable};
use crate::tls;
use std::{fs, path::Path};
use wardgate_audit::web::Web;
use wardgate_model::diagnostic::Diagnostic;

/// Looks for one thing after the other.
struct Looking<'a> {
    file: &'a Path,
    text: Vec<u8>,
    found: Vec<Diagnostic>,
}

impl Config {
    /// What is wrong with the files and variables that it names, each at its place: who serves from it would find them so. Secrets are
    /// read, and not shown.
    #[must_use]
    pub fn look_for_named(&self) -> Vec<Diagnostic> {
        let mut looking = Looking { file: &self.file, text: fs::read(&self.file).unwrap_or_default(), found: Vec::new() };
        for (at, listener) in self.listeners.iter().enumerate() {
            if let Some(files) = &listener.tls {
                looking.tls(&format!("listeners[{at}].tls"), files);
            }
        }
        // One that nobody named is made by `wardgate init`.
        looking.secret_if_named("secrets.key", &self.key);
        if let Some(sign_in) = &self.sign_in {
            if let Some(secret) = &sign_in.client_secret {
                looking.secret("admin.sign_in.client_secret", secret);
            }
            if let Some(roots) = &sign_in.roots {
                looking.authority("admin.sign_in.roots", roots);
            }
        }
        for (at, anchor) in self.audit_outside.anchors.iter().enumerate() {
            if let AnchorPlace::Url { ca: Some(ca), .. } = anchor {
                looking.authority(&format!("audit.anchor[{at}].ca"), ca);
            }
        }
        if let Some(store) = &self.audit_outside.store {
            if let AccessKey::Elsewhere(source) = &store.access_key {
                looking.secret("audit.segments.s3.access_key", source);
            }
            looking.secret("audit.segments.s3.secret_key", &store.secret_key);
            if let Some(source) = &store.session_token {
                looking.secret("audit.segments.s3.session_token", source);
            }
            if let Some(ca) = &store.ca {
                looking.authority("audit.segments.s3.ca", ca);
            }
        }
        looking.sources(&self.sources);
        looking.found
    }
}

impl Looking<'_> {
    fn wrong(&mut self, key: &str, why: &str, mend: &str) {
        let place = wardgate_resources::yaml::place(self.file, &self.text, key);
        self.found.push(Diagnostic::error(place, "config.named", format!("`{key}`: {why}")).mend(mend));
    }

    fn secret(&mut self, key: &str, source: &KeySource) {
        let mend = match source {
            KeySource::File(_) => "put the file there, readable by who runs the gate, or name another",
            KeySource::Env(_) => "set the variable for who runs the gate, or name another",
        };
        if let KeySource::Env(name) = source
            && variable(name).is_none()
        {
            return self.wrong(key, &format!("the variable `{name}` is not set"), mend);
        }
        match secret_text(source, "the file") {
            Err(error) => self.wrong(key, &chain(&error), mend),
            Ok(text) if text.danger_expose().trim().is_empty() => self.wrong(key, "nothing is in it", mend),
            Ok(_) => {}
        }
    }

    /// The same, where the file says so itself.
    fn secret_if_named(&mut self, key: &str, source: &KeySource) {
        let whole = wardgate_resources::yaml::place(self.file, &self.text, "");
        if wardgate_resources::yaml::place(self.file, &self.text, key) != whole {
            self.secret(key, source);
        }
    }

    fn authority(&mut self, key: &str, path: &Path) {
        let mend = "name a file of certificates (PEM), readable by who runs the gate, or leave it out for those of the public";
        match fs::read(path) {
            Err(error) => self.wrong(key, &format!("cannot read `{}`: {error}", path.display()), mend),
            Ok(pem) => {
                if let Err(error) = Web::new(Some(&pem)) {
                    self.wrong(key, &format!("`{}` holds no authority: {error}", path.display()), mend);
                }
            }
        }
    }

    fn tls(&mut self, key: &str, files: &super::TlsFiles) {
        let mut is_there = true;
        for (name, path) in [("certificate", &files.certificate), ("key", &files.key)] {
            if let Err(error) = fs::read(path) {
                is_there = false;
                let mend = "put the file there (PEM), readable by who runs the gate, or name another";
                self.wrong(&format!("{key}.{name}"), &format!("cannot read `{}`: {error}", path.display()), mend);
            }
        }
        if is_there && let Err(error) = tls::server(files) {
            self.wrong(key, &chain(&error), "name a chain of certificates, leaf first, and the key of the leaf (PEM)");
        }
    }
}

/// An error with what caused it.
fn chain(error: &anyhow::Error) -> String {
    format!("{error:#}")
}

#[cfg(test)]
mod tests;
