//! Guesses how a project is set up and checked from the files at the top of its repository. A guess is only
//! ever shown to a person, who keeps, changes or empties it.
//!
//! The repository's own word comes first (a `test` or `check` recipe), then the language's usual command.

use slipway_app::model::Guess;

/// Commands that the files suggest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    pub setup: Option<Guess>,
    pub check: Option<Guess>,
}

/// The top of a repository.
pub struct TopLevel<'r> {
    pub names: &'r [String],
    /// Text of a file, if it is one and not too large.
    pub read: &'r dyn Fn(&str) -> Option<String>,
}

impl TopLevel<'_> {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn first<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.has(name))
    }

    fn text(&self, name: &str) -> String {
        if self.has(name) { (self.read)(name).unwrap_or_default() } else { String::new() }
    }
}

/// What one kind of project is set up and checked with.
type Kind = fn(&TopLevel) -> Option<Guesses>;

/// In the order in which the first that speaks wins, for each of the two commands.
const KINDS: [Kind; 14] =
    [just, make, cargo, node, python, go, jvm, ruby, elixir, php, deno, cmake, swift, shell_script];

pub fn guess(top: &TopLevel) -> Guesses {
    let mut guesses = Guesses::default();
    for kind in KINDS {
        let Some(found) = kind(top) else { continue };
        guesses.setup = guesses.setup.or(found.setup);
        guesses.check = guesses.check.or(found.check);
    }
    guesses
}

fn command(command: impl Into<String>, from: &str) -> Option<Guess> {
    Some(Guess { command: command.into(), from: from.to_owned() })
}

fn just(top: &TopLevel) -> Option<Guesses> {
    let file = top.first(&["justfile", "Justfile", ".justfile"])?;
    let recipe = recipe(&top.text(file))?;
    Some(Guesses { setup: None, check: command(format!("just {recipe}"), file) })
}

fn make(top: &TopLevel) -> Option<Guesses> {
    let file = top.first(&["GNUmakefile", "makefile", "Makefile"])?;
    let target = recipe(&top.text(file))?;
    Some(Guesses { setup: None, check: command(format!("make {target}"), file) })
}

/// `test` or `check`, where a line `test:` or `test arguments:` defines it. `name := value` does not.
fn recipe(text: &str) -> Option<&'static str> {
    let defines = |name: &str| {
        text.lines().any(|line| {
            let Some(rest) = line.strip_prefix(name).filter(|rest| rest.starts_with([':', ' ', '\t'])) else {
                return false;
            };
            rest.split_once(':').is_some_and(|(_, after)| !after.starts_with(['=', ':']))
        })
    };
    ["test", "check"].into_iter().find(|name| defines(name))
}

fn cargo(top: &TopLevel) -> Option<Guesses> {
    let text = Some(top.text("Cargo.toml")).filter(|_| top.has("Cargo.toml"))?;
    let runner = if (top.read)(".config/nextest.toml").is_some() { "cargo nextest run" } else { "cargo test" };
    let all = if text.lines().any(|line| line.trim() == "[workspace]") { " --workspace" } else { "" };
    Some(Guesses { setup: None, check: command(format!("{runner}{all}"), "Cargo.toml") })
}

fn node(top: &TopLevel) -> Option<Guesses> {
    let package: serde_json::Value = serde_json::from_str(&top.text("package.json")).ok()?;
    let lock = top.first(&[
        "pnpm-lock.yaml",
        "yarn.lock",
        "bun.lock",
        "bun.lockb",
        "package-lock.json",
        "npm-shrinkwrap.json",
    ]);
    let named = package["packageManager"].as_str().and_then(|name| name.split('@').next()).unwrap_or("npm");
    let manager = match lock {
        Some("pnpm-lock.yaml") => "pnpm",
        Some("yarn.lock") => "yarn",
        Some("bun.lock" | "bun.lockb") => "bun",
        Some(_) => "npm",
        None => ["pnpm", "yarn", "bun"].into_iter().find(|known| *known == named).unwrap_or("npm"),
    };
    let setup = match (manager, lock) {
        ("npm", Some(_)) => "npm ci",
        ("yarn", Some(_)) if top.has(".yarnrc.yml") => "yarn install --immutable",
        ("pnpm", Some(_)) => "pnpm install --frozen-lockfile",
        ("yarn", Some(_)) => "yarn install --frozen-lockfile",
        ("bun", Some(_)) => "bun install --frozen-lockfile",
        ("pnpm", None) => "pnpm install",
        ("yarn", None) => "yarn install",
        ("bun", None) => "bun install",
        _ => "npm install",
    };
    // What `npm init` writes for a package without tests.
    let real = |script: &str| !script.trim().is_empty() && !script.contains("no test specified");
    let script = ["test", "check"].into_iter().find(|name| package["scripts"][*name].as_str().is_some_and(real));
    let check = script.and_then(|script| match (manager, script) {
        ("bun", script) => command(format!("bun run {script}"), "package.json"),
        (manager, "test") => command(format!("{manager} test"), "package.json"),
        (manager, script) => command(format!("{manager} run {script}"), "package.json"),
    });
    Some(Guesses { setup: command(setup, lock.unwrap_or("package.json")), check })
}

/// Makes a virtual environment in the worktree and installs into it.
const VENV: &str = "python3 -m venv .venv && .venv/bin/pip install";

fn python(top: &TopLevel) -> Option<Guesses> {
    let file = top.first(&["pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "pytest.ini", "tox.ini"])?;
    let says_pytest = ["pyproject.toml", "setup.cfg", "requirements.txt", "requirements-dev.txt", "tox.ini"]
        .iter()
        .any(|name| top.text(name).contains("pytest"));
    let pytest = says_pytest || top.first(&["pytest.ini", "conftest.py", "tests"]).is_some();
    let suffix = if pytest { " pytest" } else { "" };
    let (setup, run) = if top.has("uv.lock") {
        (command("uv sync", "uv.lock"), "uv run")
    } else if top.has("poetry.lock") {
        (command("poetry install", "poetry.lock"), "poetry run")
    } else if top.has("pdm.lock") {
        (command("pdm install", "pdm.lock"), "pdm run")
    } else if top.has("requirements.txt") {
        (command(format!("{VENV} -r requirements.txt{suffix}"), "requirements.txt"), ".venv/bin/python -m")
    } else if top.first(&["pyproject.toml", "setup.py"]).is_some() {
        (command(format!("{VENV} -e .{suffix}"), file), ".venv/bin/python -m")
    } else {
        (None, "python3 -m")
    };
    let tests = if pytest {
        command(format!("{run} pytest"), file)
    } else if run.ends_with("-m") {
        command(format!("{run} unittest"), file)
    } else {
        command(format!("{run} python -m unittest"), file)
    };
    Some(Guesses { setup, check: tests })
}

fn go(top: &TopLevel) -> Option<Guesses> {
    top.has("go.mod").then(|| Guesses { setup: None, check: command("go test ./...", "go.mod") })
}

fn jvm(top: &TopLevel) -> Option<Guesses> {
    if top.has("pom.xml") {
        let maven = if top.has("mvnw") { "./mvnw" } else { "mvn" };
        return Some(Guesses { setup: None, check: command(format!("{maven} -q verify"), "pom.xml") });
    }
    let file = top.first(&["build.gradle.kts", "build.gradle"])?;
    let gradle = if top.has("gradlew") { "./gradlew" } else { "gradle" };
    Some(Guesses { setup: None, check: command(format!("{gradle} check"), file) })
}

fn ruby(top: &TopLevel) -> Option<Guesses> {
    let setup = top.has("Gemfile").then(|| command("bundle install", "Gemfile"))?;
    let run = if top.has("spec") { "bundle exec rspec" } else { "bundle exec rake test" };
    Some(Guesses { setup, check: command(run, "Gemfile") })
}

fn elixir(top: &TopLevel) -> Option<Guesses> {
    top.has("mix.exs")
        .then(|| Guesses { setup: command("mix deps.get", "mix.exs"), check: command("mix test", "mix.exs") })
}

fn php(top: &TopLevel) -> Option<Guesses> {
    let package: serde_json::Value = serde_json::from_str(&top.text("composer.json")).ok()?;
    let check = match package["scripts"]["test"].is_null() {
        false => command("composer test", "composer.json"),
        true => {
            top.first(&["phpunit.xml", "phpunit.xml.dist"]).and_then(|config| command("vendor/bin/phpunit", config))
        }
    };
    Some(Guesses { setup: command("composer install", "composer.json"), check })
}

fn deno(top: &TopLevel) -> Option<Guesses> {
    let file = top.first(&["deno.json", "deno.jsonc"])?;
    Some(Guesses { setup: None, check: command("deno test", file) })
}

fn cmake(top: &TopLevel) -> Option<Guesses> {
    let line = "cmake -B build && cmake --build build && ctest --test-dir build --output-on-failure";
    top.has("CMakeLists.txt").then(|| Guesses { setup: None, check: command(line, "CMakeLists.txt") })
}

fn swift(top: &TopLevel) -> Option<Guesses> {
    top.has("Package.swift").then(|| Guesses { setup: None, check: command("swift test", "Package.swift") })
}

/// A script that goes by the name of a test run.
fn shell_script(top: &TopLevel) -> Option<Guesses> {
    let script = ["tests/run.sh", "test/run.sh", "tests/run", "script/test", "bin/test", "test.sh"]
        .into_iter()
        .find_map(|path| Some((path, (top.read)(path)?)));
    let (path, text) = script?;
    let shell = if text.lines().next().is_some_and(|line| line.contains("bash")) { "bash" } else { "sh" };
    Some(Guesses { setup: None, check: command(format!("{shell} {path}"), path) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Setup and check as guessed from these files.
    fn guessed(files: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let names: Vec<String> =
            files.iter().map(|(path, _)| path.split('/').next().unwrap_or_default().to_owned()).collect();
        let read = |name: &str| files.iter().find(|(path, _)| *path == name).map(|(_, text)| (*text).to_owned());
        let found = guess(&TopLevel { names: &names, read: &read });
        (found.setup.map(|guess| guess.command), found.check.map(|guess| guess.command))
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], setup: Option<&str>, checked: Option<&str>) {
        let (found_setup, found_check) = guessed(files);
        assert_eq!((found_setup.as_deref(), found_check.as_deref()), (setup, checked), "{files:?}");
    }

    const TESTED: &str = r#"{"scripts":{"test":"vitest run"}}"#;

    #[test]
    fn nothing_known_is_no_guess() {
        check(&[("README.md", "# Test: it")], None, None);
        check(&[("package.json", "{ not json")], None, None);
    }

    #[test]
    fn rust_by_its_workspace_and_its_runner() {
        check(&[("Cargo.toml", "[package]")], None, Some("cargo test"));
        check(&[("Cargo.toml", "[workspace]\nmembers = []")], None, Some("cargo test --workspace"));
        check(&[("Cargo.toml", ""), (".config/nextest.toml", "")], None, Some("cargo nextest run"));
    }

    #[test]
    fn node_by_its_lock_file() {
        check(&[("package.json", TESTED), ("package-lock.json", "")], Some("npm ci"), Some("npm test"));
        let pnpm = Some("pnpm install --frozen-lockfile");
        check(&[("package.json", TESTED), ("pnpm-lock.yaml", "")], pnpm, Some("pnpm test"));
        let yarn = Some("yarn install --frozen-lockfile");
        check(&[("package.json", TESTED), ("yarn.lock", "")], yarn, Some("yarn test"));
        let berry = [("package.json", TESTED), ("yarn.lock", ""), (".yarnrc.yml", "")];
        check(&berry, Some("yarn install --immutable"), Some("yarn test"));
        let bun = Some("bun install --frozen-lockfile");
        check(&[("package.json", TESTED), ("bun.lock", "")], bun, Some("bun run test"));
        check(&[("package.json", TESTED)], Some("npm install"), Some("npm test"));
        let named = r#"{"packageManager":"pnpm@9.1.0","scripts":{"check":"tsc"}}"#;
        check(&[("package.json", named)], Some("pnpm install"), Some("pnpm run check"));
        let untested = r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#;
        check(&[("package.json", untested), ("package-lock.json", "")], Some("npm ci"), None);
    }

    #[test]
    fn python_by_its_tools() {
        let uv = [("pyproject.toml", "[tool.pytest.ini_options]"), ("uv.lock", "")];
        check(&uv, Some("uv sync"), Some("uv run pytest"));
        let poetry = [("pyproject.toml", "pytest = \"8\""), ("poetry.lock", "")];
        check(&poetry, Some("poetry install"), Some("poetry run pytest"));
        let plain = [("requirements.txt", "requests\n"), ("tests/test_a.py", "")];
        let setup = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt pytest";
        check(&plain, Some(setup), Some(".venv/bin/python -m pytest"));
        let old = "python3 -m venv .venv && .venv/bin/pip install -e .";
        check(&[("setup.py", "")], Some(old), Some(".venv/bin/python -m unittest"));
    }

    #[test]
    fn other_languages_by_their_usual_command() {
        check(&[("go.mod", "")], None, Some("go test ./..."));
        check(&[("pom.xml", ""), ("mvnw", "")], None, Some("./mvnw -q verify"));
        check(&[("build.gradle.kts", ""), ("gradlew", "")], None, Some("./gradlew check"));
        check(&[("Gemfile", ""), ("spec/a_spec.rb", "")], Some("bundle install"), Some("bundle exec rspec"));
        check(&[("mix.exs", "")], Some("mix deps.get"), Some("mix test"));
        check(&[("composer.json", r#"{"scripts":{"test":"x"}}"#)], Some("composer install"), Some("composer test"));
        check(&[("deno.json", "")], None, Some("deno test"));
        check(&[("Package.swift", "")], None, Some("swift test"));
        check(&[("tests/run.sh", "#!/usr/bin/env bash\n")], None, Some("bash tests/run.sh"));
    }

    #[test]
    fn the_repositorys_own_recipes_come_first() {
        check(&[("Makefile", ".PHONY: test\ntest: build\n\tgo test\n"), ("go.mod", "")], None, Some("make test"));
        check(&[("Makefile", "check:\n\ttrue\n")], None, Some("make check"));
        check(&[("Makefile", "test := 1\ntests:\n"), ("go.mod", "")], None, Some("go test ./..."));
        check(&[("justfile", "test filter='':\n  cargo test\n"), ("Cargo.toml", "")], None, Some("just test"));
        // Each command by itself: the recipe checks, and the lock file says how it is set up.
        let both = [("Makefile", "test:\n"), ("package.json", TESTED), ("package-lock.json", "")];
        check(&both, Some("npm ci"), Some("make test"));
    }
}
