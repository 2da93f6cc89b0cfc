//! The page of a setting, and the list of a section's.

use nnc::catalog::settings::Setting;

use super::page::Page;

pub fn list(section: &str, settings: &[Setting], page: &mut Page) {
    page.heading(&format!("Settings of `{section}`"));
    for setting in settings {
        let summary = match setting.supported {
            true => format!(
                "{}: {}; default: {}",
                setting.summary, setting.takes, setting.default
            ),
            false => format!("{}; not supported yet", setting.summary),
        };
        page.row(setting.name, &summary);
    }
}

pub fn explain(section: &str, setting: &Setting, page: &mut Page) {
    page.heading(&format!("{}: setting of `{section}`", setting.name));
    page.prose(&format!("What it says: {}.", setting.summary));
    page.caption("takes");
    page.set_in(setting.takes);
    if !setting.supported {
        page.prose("Part of the language, without a meaning in this version.");
        return;
    }
    page.caption("default");
    page.set_in(setting.default);
    page.caption("example");
    page.code(setting.example);
}
