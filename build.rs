//! Prepares the files of `static/` for the program: scripts minified, all with the hash of their content in their names,
//! and compressed with gzip and Brotli. Writes the table that `src/web/assets.rs` includes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Name of the style sheet, and its parts in the order in which they apply.
const STYLE_SHEET: &str = "css/app.css";
const STYLE_SHEET_PARTS: [&str; 8] = [
    "css/base.css",
    "css/frame.css",
    "css/parts.css",
    "css/tables.css",
    "css/charts.css",
    "css/form.css",
    "css/editor.css",
    "css/panel.css",
];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=static");
    println!("cargo::rerun-if-changed=build.rs");
    let mut sources = BTreeMap::new();
    read(Path::new("static"), Path::new(""), &mut sources)?;
    let mut sheet = String::new();
    for part in STYLE_SHEET_PARTS {
        sheet += &sources.remove(Path::new(part)).ok_or(format!("static/{part} is missing"))?;
    }
    sources.insert(PathBuf::from(STYLE_SHEET), sheet);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let mut assets = Assets { sources, done: BTreeMap::new(), out };
    for path in assets.sources.keys().cloned().collect::<Vec<_>>() {
        assets.prepare(&path, &mut Vec::new())?;
    }
    fs::write(assets.out.join("assets.rs"), assets.table()?)?;
    Ok(())
}

/// Reads the text files below a folder, by their path in it. Licenses are not served.
fn read(root: &Path, below: &Path, sources: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            read(root, &path, sources)?;
        } else if path.extension().is_none_or(|extension| extension != "LICENSE") {
            sources.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

struct Assets {
    sources: BTreeMap<PathBuf, String>,
    done: BTreeMap<PathBuf, Asset>,
    out: PathBuf,
}

#[derive(Clone)]
struct Asset {
    /// Path in `static/`, with the hash before the extension.
    hashed: PathBuf,
    /// The modules that it imports, directly and indirectly, by their path in `static/`.
    imports: Vec<PathBuf>,
    /// Start of the names of its files in `OUT_DIR`.
    stem: String,
}

impl Assets {
    /// Prepares a file after the modules that it imports, whose names then have their hash.
    fn prepare(&mut self, path: &Path, importers: &mut Vec<PathBuf>) -> Result<Asset> {
        if let Some(asset) = self.done.get(path) {
            return Ok(asset.clone());
        }
        if importers.iter().any(|importer| importer == path) {
            return Err(format!("{} imports itself, through {importers:?}", path.display()).into());
        }
        let source =
            self.sources.get(path).ok_or(format!("static/{} is missing", path.display()))?;
        let mut text = minify(path, source);
        let mut imports = Vec::new();
        importers.push(path.to_owned());
        for (specifier, is_static) in imported(path, &text) {
            let target = resolve(path, &specifier);
            let asset = self.prepare(&target, importers)?;
            let hashed = asset.hashed.file_name().ok_or("no file name")?.to_string_lossy();
            let folder = specifier.rsplit_once('/').map_or("", |(folder, _)| folder);
            text = text.replace(&format!("\"{specifier}\""), &format!("\"{folder}/{hashed}\""));
            if is_static {
                imports.extend(asset.imports.into_iter().chain([target]));
            }
        }
        importers.pop();
        imports.sort();
        imports.dedup();
        let asset = self.write(path, &text, imports)?;
        self.done.insert(path.to_owned(), asset.clone());
        Ok(asset)
    }

    fn write(&self, path: &Path, text: &str, imports: Vec<PathBuf>) -> Result<Asset> {
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        let hash = digest.get(..12).ok_or("short digest")?;
        let extension = path.extension().ok_or("no extension")?.to_string_lossy();
        let hashed = path.with_extension(format!("{hash}.{extension}"));
        let stem = hashed.to_string_lossy().replace('/', "-");
        let file = |kind: &str| self.out.join(format!("{stem}{kind}"));
        // The names depend on the content, so files of an earlier build can be used again.
        if !file(".br").exists() {
            fs::write(file(""), text)?;
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            gzip.write_all(text.as_bytes())?;
            fs::write(file(".gz"), gzip.finish()?)?;
            let mut compressed = Vec::new();
            let mut brotli = brotli::CompressorWriter::new(&mut compressed, 1 << 16, 11, 22);
            brotli.write_all(text.as_bytes())?;
            drop(brotli);
            // Renamed when complete, because its presence says that all three are.
            fs::write(file(".part"), compressed)?;
            fs::rename(file(".part"), file(".br"))?;
        }
        Ok(Asset { hashed, imports, stem })
    }

    /// Rust source of the table, sorted by path.
    fn table(&self) -> Result<String> {
        let url = |path: &Path| {
            self.done.get(path).map(|asset| format!("/static/{}", asset.hashed.display()))
        };
        let mut table = String::from("&[\n");
        for (path, asset) in &self.done {
            let imports: Vec<String> = asset.imports.iter().filter_map(|path| url(path)).collect();
            let bytes = |kind: &str| {
                let file = self.out.join(format!("{}{kind}", asset.stem));
                format!("include_bytes!({:?})", file.display().to_string())
            };
            writeln!(
                table,
                "Asset {{ path: {:?}, url: {:?}, imports: &{imports:?}, identity: {}, gzip: {}, brotli: {} }},",
                path.display().to_string(),
                url(path).unwrap_or_default(),
                bytes(""),
                bytes(".gz"),
                bytes(".br")
            )?;
        }
        table.push(']');
        Ok(table)
    }
}

/// Minifies our scripts. Style sheets stay as they are: see decision 33.
fn minify(path: &Path, source: &str) -> String {
    if is_script(path) && !path.starts_with("vendor") {
        minifier::js::minify(source).to_string()
    } else {
        source.to_owned()
    }
}

/// The relative specifiers that a module imports, and whether by an `import` statement (or by `import()`, when needed).
/// They are the only strings in our modules that start with a dot and end with `.js`.
fn imported(path: &Path, text: &str) -> Vec<(String, bool)> {
    if !is_script(path) || path.starts_with("vendor") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut before = "";
    for part in text.split('"') {
        if part.starts_with('.') && is_script(Path::new(part)) {
            found.push((part.to_owned(), !before.trim_end().ends_with('(')));
        }
        before = part;
    }
    found
}

fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "js")
}

/// The path in `static/` that a module's specifier names.
fn resolve(module: &Path, specifier: &str) -> PathBuf {
    let mut path = module.parent().map(Path::to_owned).unwrap_or_default();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                path.pop();
            }
            name => path.push(name),
        }
    }
    path
}
