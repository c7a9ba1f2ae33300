//! The board, from start to stop.

use std::{
    io::{self, IsTerminal, Write},
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use slipway_app::{
    model::{NewCard, NewProject},
    port::Board,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    board::Slipway,
    card,
    config::{First, ServeConfig},
    data_dir::{DATABASE, DataDir, DataDirError},
    git,
    http::{self, access::AccessConfig, host::Hosts, stopping::stopping},
    orchestrator::Orchestrator,
    project, sample,
    sandbox::Sandbox,
    ship,
    store::{Store, StoreError},
    workshop::Workshop,
};

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("{address} is taken{hint}")]
    PortInUse { address: SocketAddr, hint: String },
    #[error("{address} could not be listened on: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("the database could not be opened: {0}. It is in {1}; a newer Slipway may have written it.")]
    Store(String, String),
    #[error(transparent)]
    Sample(#[from] sample::SampleError),
    #[error("the first project: {0}")]
    Repo(String),
    #[error("our own binary could not be found: {0}")]
    OwnBinary(#[source] io::Error),
    #[error("signals could not be listened for: {0}")]
    Signals(#[source] io::Error),
}

/// A board that is up.
pub struct Up {
    pub url: String,
    pub token: String,
    stop: http::stopping::Stop,
    stopping: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
    orchestrating: tokio::task::JoinHandle<Result<(), StoreError>>,
    store: Arc<Store>,
    _data: DataDir,
}

/// Serves until a signal, then stops cleanly.
pub async fn serve(config: ServeConfig) -> Result<(), ServeError> {
    let up = start(&config).await?;
    let link = format!("{}/?token={}", up.url, up.token);
    println!("Slipway is ready at {link}");
    let _ = io::stdout().flush();
    if config.open {
        open_browser(&link);
    }
    until_signal().await.map_err(ServeError::Signals)?;
    up.down().await;
    Ok(())
}

/// Brings a board up: it accepts requests when this returns.
pub async fn start(config: &ServeConfig) -> Result<Up, ServeError> {
    git::tune();
    let data = DataDir::take(&config.data_dir)?;
    let listener = listen(config.host, config.port).await?;
    let address = listener
        .local_addr()
        .map_err(|source| ServeError::Listen { address: (config.host, config.port).into(), source })?;
    let token = match &config.token {
        Some(token) => token.clone(),
        None => data.token()?,
    };
    let database = data.path().join(DATABASE);
    let store = Store::open(&database)
        .await
        .map_err(|error| ServeError::Store(chain(&error), database.display().to_string()))?;
    let store = Arc::new(store);
    let launcher = std::env::current_exe().map_err(ServeError::OwnBinary)?;
    let forced = std::env::var("SLIPWAY_SANDBOX").ok();
    let sandbox = Sandbox::new(launcher, forced.as_deref());
    let workshop = Arc::new(Workshop::new(store.clone(), data.path(), sandbox, config.max_agents));
    let board = Arc::new(Slipway::new(workshop.clone()));
    first_projects(&board, &store, &data, &config.first).await?;

    let (stop, stop_seen) = stopping();
    let stopping = CancellationToken::new();
    let hosts = if config.host.is_loopback() {
        Hosts::loopback(address.port())
    } else {
        Hosts::remote(address.port(), &config.host.to_string())
    };
    let pages = http::pages::pages_router(board.clone()).merge(http::assets::assets_router());
    let router = http::router(board.clone(), AccessConfig::new(hosts, &token), Some(pages), stop_seen.clone());
    let serving = tokio::spawn(http::serve::serve(listener, router, stop_seen));
    let orchestrating = tokio::spawn(Orchestrator::new(workshop.clone(), stopping.clone()).run());
    tokio::spawn(async move {
        // Found out now, while nobody waits for it.
        let mode = workshop.sandbox.mode().await;
        tracing::info!(sandbox = mode.describe(), "commands are confined");
        if let Err(error) = ship::push::pending(&workshop).await {
            tracing::warn!(%error, "pushes that an earlier run did not get to could not be looked up");
        }
    });
    let url = format!("http://{}", shown(address));
    data.announce(&url)?;
    Ok(Up { url, token, stop, stopping, serving, orchestrating, store, _data: data })
}

impl Up {
    /// Stops taking work, stops agents so that the next start resumes them, closes the database.
    pub async fn down(self) {
        self.stopping.cancel();
        self.stop.stop();
        if let Ok(Err(error)) = self.orchestrating.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the orchestrator ended badly");
        }
        let _ = self.serving.await;
        self.store.close().await;
    }
}

/// The repository that was named is registered and trusted; the current directory's is offered; with neither,
/// and nothing registered yet, there is the sample.
async fn first_projects(board: &Slipway, store: &Store, data: &DataDir, first: &First) -> Result<(), ServeError> {
    match first {
        First::Nothing => return Ok(()),
        First::Named(path) => return offer(board, store, path, true).await.map_err(ServeError::Repo),
        First::Offered => {}
    }
    let first_start = project::all(store.reader()).await.map_err(failed)?.is_empty();
    let here = std::env::current_dir().ok().filter(|here| !here.starts_with(data.path()) && git::inspect(here).is_ok());
    let own_source = here.as_deref().is_some_and(is_own_source);
    if let Some(here) = &here
        && let Err(error) = offer(board, store, here, false).await
    {
        tracing::warn!(error, "the current directory's repository is not offered");
    }
    if first_start && (here.is_none() || own_source) {
        return with_sample(store, data.path()).await;
    }
    Ok(())
}

/// Whether `cargo run` started this in its own source: then the repository around is rather not what somebody
/// wants to work on, and there is something to try the board on as well.
fn is_own_source(here: &Path) -> bool {
    std::env::var_os("CARGO_MANIFEST_DIR").is_some_and(|manifest| Path::new(&manifest).starts_with(here))
}

fn failed(error: impl std::error::Error) -> ServeError {
    ServeError::Repo(chain(&error))
}

/// Makes the sample project with its cards in the backlog, in one transaction.
async fn with_sample(store: &Store, data: &Path) -> Result<(), ServeError> {
    let data = data.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let sample = sample::make_sample(&data, &git::sample::OwnGit)?;
        let found = project::inspect(&sample.path, Some(sample::BRANCH)).map_err(failed)?;
        Ok::<_, ServeError>((sample, found))
    });
    let (sample, found) = made.await.map_err(failed)??;
    let new = NewProject {
        name: Some(sample::NAME.to_owned()),
        check_command: Some(sample.check_command.to_owned()),
        ..NewProject::default()
    };
    let mut tx = store.begin().await.map_err(failed)?;
    let project = project::register(&mut tx, new, found, true).await.map_err(failed)?;
    for card in sample.cards {
        let new = NewCard { project_id: project.id, title: card.title, body: card.body };
        card::create(&mut tx, new).await.map_err(failed)?;
    }
    tx.commit().await.map_err(failed)
}

/// Registers a repository unless it is; naming it with `--repo` also trusts one that was only offered.
async fn offer(board: &Slipway, store: &Store, path: &Path, trusted: bool) -> Result<(), String> {
    let path = path.to_str().ok_or("the path is not valid Unicode")?.to_owned();
    let (given, inspected) = (path.clone(), tokio::task::spawn_blocking(move || project::inspect(path.as_ref(), None)));
    let found = inspected.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    match project::by_path(store.reader(), &found.path).await.map_err(|error| error.to_string())? {
        Some(known) if trusted && !known.trusted => {
            let edit = slipway_app::model::ProjectEdit { trusted: Some(true), ..Default::default() };
            board.edit_project(known.id, edit).await.map(drop).map_err(|problem| problem.detail)
        }
        Some(_) => Ok(()),
        None => {
            let new = NewProject { path: given, ..NewProject::default() };
            board.register(new, trusted).await.map(drop).map_err(|problem| problem.detail)
        }
    }
}

async fn listen(host: IpAddr, port: u16) -> Result<TcpListener, ServeError> {
    let address = SocketAddr::from((host, port));
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServeError::PortInUse {
            address,
            hint: ": another program listens there, perhaps another board. Choose another with --port (0 takes any free one).".to_owned(),
        },
        _ => ServeError::Listen { address, source },
    })
}

/// An address that a browser on this machine can open.
fn shown(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (std::net::Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

fn open_browser(link: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opened = std::process::Command::new(opener)
        .arg(link)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    if let Err(error) = opened {
        tracing::warn!(%error, opener, "no browser could be opened");
    }
}

async fn until_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {
            if io::stderr().is_terminal() {
                eprintln!("\nStopping; what is under way goes on at the next start.");
            }
        }
    }
    Ok(())
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
