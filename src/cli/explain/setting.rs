//! The page of a setting, and the list of a section's.

use nnc::catalog::settings::Setting;

use super::page::Page;

pub fn list(section: &str, settings: &[Setting], page: &mut Page) {
    page.heading(&format!("Settings of `{section}`"));
    for setting in settings {
        let summary = format!(
            "{}: {}; default: {}",
            setting.summary, setting.takes, setting.default
        );
        page.row(setting.name, &summary);
    }
}

pub fn explain(section: &str, setting: &Setting, page: &mut Page) {
    page.heading(&format!("{}: setting of `{section}`", setting.name));
    page.prose(&format!("What it says: {}.", setting.summary));
    page.caption("takes");
    page.set_in(setting.takes);
    page.caption("default");
    page.set_in(setting.default);
    page.caption("example");
    page.code(setting.example);
}
