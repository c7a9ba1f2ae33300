//! Splits the module into what every page needs and chunks that are loaded when they are needed, and writes
//! the JavaScript that loads both.
//!
//! Chunks lean on the module that they were split from, so both must be of one build. Names see to it: each
//! chunk is named by its content, and the two scripts, which name each other and the chunks, by that of both.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support::{Options, transform};

use crate::{Result, Source, hash, hashed_name};

/// The script that starts the module, as wasm-bindgen names it.
const START: &str = "slipway.js";
/// The script that loads chunks.
const LOADER: &str = "chunks.js";

pub struct Code {
    pub files: Vec<Source>,
    pub chunks: Vec<Chunk>,
}

/// What `#[wasm_split(NAME)]` in `app` put aside, and the files that bring it, by their hashed names.
pub struct Chunk {
    pub name: String,
    pub files: Vec<String>,
}

/// Splits the module, makes the bindings, and names everything.
pub fn bind(wasm: &Path, out: &Path, release: bool) -> Result<Code> {
    let dir = out.join("bindgen");
    if let Err(error) = fs::remove_dir_all(&dir)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error.into());
    }
    fs::create_dir_all(&dir)?;
    let main = dir.join("main.wasm");
    let whole = fs::read(wasm)?;
    let mut options = Options::new(&whole);
    (options.output_dir, options.main_out_path) = (&dir, &main);
    let (start, loader) = (format!("./{START}"), format!("./{LOADER}"));
    (options.main_module, options.link_name) = (&start, &loader);
    let split = transform(options).map_err(|error| format!("the module could not be split: {error:#}"))?;
    Bindgen::new()
        .input_path(&main)
        .out_name("slipway")
        .web(true)?
        .typescript(false)
        .debug(!release)
        .remove_name_section(release)
        .remove_producers_section(true)
        // Chunks reach the module's table, memory and stack through these.
        .keep_lld_exports(true)
        .generate(&dir)?;
    if dir.join("snippets").exists() {
        return Err("a dependency of app brings JavaScript snippets, which this site does not serve".into());
    }
    let mut files = vec![Source::new("slipway.wasm", fs::read(dir.join("slipway_bg.wasm"))?)];
    let mut names = HashMap::new();
    for path in split.split_modules {
        let chunk = chunk(&path, release)?;
        names.insert(stem(&path)?, chunk.hashed.clone());
        files.push(chunk);
    }
    files.extend(scripts(&fs::read_to_string(dir.join(START))?, &fs::read_to_string(dir.join(LOADER))?, &names));
    let mut chunks = split.prefetch_map.into_iter().collect::<Vec<_>>();
    chunks.sort();
    let chunks = chunks
        .into_iter()
        .map(|(name, stems)| Chunk { name, files: stems.iter().filter_map(|stem| names.get(stem).cloned()).collect() });
    Ok(Code { files, chunks: chunks.collect() })
}

fn stem(path: &Path) -> Result<String> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a chunk has no UTF-8 name")?;
    Ok(stem.to_owned())
}

fn chunk(path: &PathBuf, release: bool) -> Result<Source> {
    let bytes = fs::read(path)?;
    Ok(Source::new(&format!("{}.wasm", stem(path)?), if release { without_custom_sections(&bytes)? } else { bytes }))
}

/// Puts hashed names in place of plain ones. The scripts name each other, so one hash over both names both.
fn scripts(start: &str, loader: &str, names: &HashMap<String, String>) -> [Source; 2] {
    let mut loader = loader.to_owned();
    for (stem, hashed) in names {
        loader = loader.replace(&format!("./{stem}.wasm"), &format!("./{hashed}"));
    }
    let hash = hash(&[start.as_bytes(), loader.as_bytes()]);
    let named = |text: &str, plain: &str| {
        // Only where it is imported: the module itself asks for the loader's plain name.
        text.replace(&format!("from \"./{plain}\""), &format!("from \"./{}\"", hashed_name(plain, &hash)))
    };
    [(START, named(start, LOADER)), (LOADER, named(&loader, START))].map(|(name, text)| Source {
        name: name.to_owned(),
        hashed: hashed_name(name, &hash),
        bytes: text.into_bytes(),
    })
}

/// The bytes of magic number and version, before the first section.
const WASM_HEADER: usize = 8;

/// A module without its custom sections (names and the like), which no browser needs to run it
/// (WebAssembly Core Specification, 5.5).
fn without_custom_sections(module: &[u8]) -> Result<Vec<u8>> {
    const CUSTOM: u8 = 0;
    let cut = || "a chunk ends in the middle of a section";
    let mut kept = module.get(..WASM_HEADER).ok_or_else(cut)?.to_vec();
    let mut at = WASM_HEADER;
    while let Some(id) = module.get(at) {
        let (mut size, mut shift, mut end) = (0_usize, 0, at + 1);
        loop {
            let byte = *module.get(end).ok_or_else(cut)?;
            size |= usize::from(byte & 0x7f) << shift;
            (shift, end) = (shift + 7, end + 1);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let section = module.get(at..end + size).ok_or_else(cut)?;
        if *id != CUSTOM {
            kept.extend_from_slice(section);
        }
        at = end + size;
    }
    Ok(kept)
}
