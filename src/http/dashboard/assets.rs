//! The files of the page, as they lie in `assets/`.

use crate::http::files::{File, tight};

macro_rules! files {
    ($style:literal with $common:literal; $($name:literal)*; $($vendored:literal)*) => {
        [
            File::new(concat!("/ui/", $style), || tight!(concat!("assets/", $style), $common)),
            $(File::new(concat!("/ui/", $name), || tight!(concat!("assets/", $name))),)*
            $(File::new(concat!("/ui/", $vendored), || include_bytes!(concat!("assets/", $vendored))),)*
        ]
    };
}

/// The page itself.
pub(super) static INDEX: File = File::new("/ui/", || tight!("assets/index.html"));

/// What the page asks for. What others have written is sent as they wrote it.
pub(super) static FILES: [File; 19] = files! {
    "style.css" with "../common.css";
    "api.js" "app.js" "create.js" "dialogs.js" "dom.js" "figures.js" "format.js" "icon.svg" "messages.js"
    "overview.js" "plots.js" "queue.js" "settings.js" "store.js" "stream.js" "theme.js";
    "vendor/uplot/uPlot.iife.min.js" "vendor/uplot/uPlot.min.css"
};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::http::files::tests::assert_light_and_local;

    #[test]
    fn the_page_with_all_it_asks_for_is_light_and_asks_no_other_host() {
        assert_light_and_local(FILES.iter().chain([&INDEX]), 150 * 1024);
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        fn count(folder: &Path) -> usize {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let served = |path: &Path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                !matches!(name, "LICENSE" | "README.md" | "fetch")
            };
            entries
                .map(|path| if path.is_dir() { count(&path) } else { served(&path).into() })
                .sum()
        }

        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/dashboard/assets");
        assert_eq!(count(&folder), FILES.len() + 1);
    }
}
