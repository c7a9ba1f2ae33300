//! Streams over real connections: resuming, keeping alive, bounds, and ends.

use std::{net::SocketAddr, time::Duration};

use axum::http::header;
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use super::{
    super::{
        serve::serve,
        stopping::Stop,
        stream::{STREAM_PAGE, Streams},
        stub::KNOWN,
        with_streams,
    },
    *,
};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server.
struct Running {
    stub: Arc<Stub>,
    address: SocketAddr,
    stop: Stop,
    served: JoinHandle<()>,
}

async fn start(streams: Streams) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stub = Arc::new(Stub::default());
    let (stop, stopping) = stopping();
    let access = AccessConfig::new(Hosts::loopback(address.port()), TOKEN);
    let router = with_streams(stub.clone(), access, None, stopping.clone(), streams);
    let served = tokio::spawn(serve(listener, router, stopping));
    Running { stub, address, stop, served }
}

fn unhurried(seats: usize) -> Streams {
    Streams::with(seats, Duration::from_secs(60), PATIENCE)
}

/// An event stream, as bytes come in.
struct Sse {
    connection: TcpStream,
    text: String,
}

impl Running {
    async fn sse(&self, query: &str, more: &str) -> Sse {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "GET /api/v1/events/stream{query} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n{more}\r\n",
            self.address
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        Sse { connection, text: String::new() }
    }

    async fn socket(&self, query: &str) -> WebSocketStream<TcpStream> {
        let connection = TcpStream::connect(self.address).await.unwrap();
        let address = format!("ws://{}/api/v1/events/socket{query}", self.address);
        let mut request = address.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, format!("Bearer {TOKEN}").parse().unwrap());
        headers.insert(header::ORIGIN, format!("http://{}", self.address).parse().unwrap());
        client_async(request, connection).await.unwrap().0
    }
}

impl Sse {
    /// Reads until the text fulfils the condition.
    async fn until(&mut self, condition: impl Fn(&str) -> bool) -> &str {
        let mut buffer = vec![0; 65536];
        while !condition(&self.text) {
            let count =
                timeout(PATIENCE, self.connection.read(&mut buffer)).await.expect("the stream is silent").unwrap();
            assert!(count > 0, "the stream ended: {}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        &self.text
    }

    /// The numbers of `id:` lines so far.
    fn ids(&self) -> Vec<i64> {
        self.text.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect()
    }

    async fn ids_until(&mut self, last: i64) -> Vec<i64> {
        self.until(|text| text.contains(&format!("id: {last}\n"))).await;
        self.ids()
    }

    /// Whether the server ends the stream.
    async fn ends(&mut self) -> bool {
        let mut rest = Vec::new();
        timeout(PATIENCE, self.connection.read_to_end(&mut rest)).await.is_ok()
    }
}

async fn json(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("the socket is silent").unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Catching up over several pages, then live, then resuming by either way: no gap and no repeat.
#[tokio::test]
async fn an_event_stream_resumes_without_gap_or_repeat() {
    let running = start(unhurried(8)).await;
    let many = i64::from(STREAM_PAGE) * 2 + 50;
    running.stub.commit(many as usize, 0);
    let mut first = running.sse("", "").await;
    assert_eq!(first.ids_until(many).await, (1..=many).collect::<Vec<_>>());
    running.stub.commit(2, 0);
    assert_eq!(first.ids_until(many + 2).await, (1..=many + 2).collect::<Vec<_>>());
    let text = &first.text;
    assert!(text.contains("content-type: text/event-stream") && text.contains("cache-control: no-store"), "{text}");
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let event: Value = serde_json::from_str(data).unwrap();
    assert_eq!((event["seq"].as_i64(), event["kind"].as_str()), (Some(1), Some("agent.progress")));
    assert!(text.contains("event: agent.progress\n"));

    let mut resumed = running.sse("?after=1", &format!("Last-Event-ID: {many}\r\n")).await;
    assert_eq!(resumed.ids_until(many + 2).await, [many + 1, many + 2]);
    let mut asked = running.sse(&format!("?after={}&card_id={KNOWN}", many - 3), "").await;
    running.stub.commit(2, 0);
    assert_eq!(asked.ids_until(many + 4).await, [many - 2, many, many + 2, many + 4]);
}

/// Writers and readers at once: every reader sees every event once, whenever it came.
#[tokio::test]
async fn readers_see_everything_while_it_is_written() {
    let running = start(unhurried(8)).await;
    let mut readers = Vec::new();
    for _ in 0..4 {
        running.stub.commit(10, 0);
        readers.push(running.sse("", "").await);
    }
    let stub = running.stub.clone();
    let writer = tokio::spawn(async move {
        for _ in 0..200 {
            stub.commit(1, 0);
            tokio::task::yield_now().await;
        }
    });
    for reader in &mut readers {
        assert_eq!(reader.ids_until(240).await, (1..=240).collect::<Vec<_>>());
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_lives() {
    let running = start(Streams::with(4, Duration::from_millis(50), PATIENCE)).await;
    let mut stream = running.sse("", "").await;
    stream.until(|text| text.matches(": beat\n\n").count() >= 3).await;
    assert_eq!(super::super::stream::BEAT, Duration::from_secs(15));

    let mut socket = running.socket("").await;
    for _ in 0..3 {
        let message = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(message, Message::Ping(_)), "{message:?}");
    }
}

/// A commit whose wake-up was lost is found on the next beat.
#[tokio::test]
async fn a_lost_wake_up_loses_nothing() {
    let running = start(Streams::with(4, Duration::from_millis(100), PATIENCE)).await;
    let mut stream = running.sse("", "").await;
    stream.until(|text| text.contains(": open")).await;
    let mut event = {
        running.stub.commit(1, 0);
        running.stub.events.lock().unwrap()[0].clone()
    };
    event.seq = 2;
    running.stub.events.lock().unwrap().push(event);
    assert_eq!(stream.ids_until(2).await, [1, 2]);
}

#[tokio::test]
async fn a_socket_carries_the_same_events() {
    let running = start(unhurried(8)).await;
    running.stub.commit(3, 0);
    let mut socket = running.socket("?after=1").await;
    assert_eq!(json(&mut socket).await["seq"], 2);
    assert_eq!(json(&mut socket).await["seq"], 3);
    running.stub.commit(1, 0);
    assert_eq!(json(&mut socket).await["seq"], 4);

    let mut board = running.socket("?view=board&after=2").await;
    let batch = json(&mut board).await;
    assert_eq!(batch["seq"], 4);
    let seqs: Vec<_> = batch["events"].as_array().unwrap().iter().map(|event| event["seq"].as_i64()).collect();
    assert_eq!(seqs, [Some(3), Some(4)]);
    assert_eq!(batch["cards"][0]["id"], KNOWN.to_string());
    running.stub.commit(1, 0);
    assert_eq!(json(&mut board).await["seq"], 5);
}

/// The socket only sends: whoever talks on it is shown out.
#[tokio::test]
async fn a_socket_takes_no_orders() {
    let running = start(unhurried(1)).await;
    let mut socket = running.socket("").await;
    socket.send(Message::text("{\"move\":\"ship\"}")).await.unwrap();
    let message = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    let Message::Close(Some(close)) = message else { panic!("{message:?}") };
    assert_eq!(u16::from(close.code), 1008);
}

/// Streams are counted, and a seat is free again once its reader has gone.
#[tokio::test]
async fn streams_are_bounded() {
    let running = start(Streams::with(2, Duration::from_millis(50), PATIENCE)).await;
    let mut first = running.sse("", "").await;
    first.until(|text| text.contains(": open")).await;
    let mut socket = running.socket("").await;
    let mut third = running.sse("", "Connection: close\r\n").await;
    let text = third.until(|text| text.contains("too_many_streams")).await;
    assert!(text.starts_with("HTTP/1.1 503") && text.contains("retry-after: 5"), "{text}");
    drop(first);
    socket.close(None).await.unwrap();
    let opens = async {
        loop {
            let mut again = running.sse("", "Connection: close\r\n").await;
            if again.until(|text| text.contains(": open") || text.contains("too_many")).await.contains(": open") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, opens).await.expect("a seat that is left is free");
}

/// A socket whose client answers no ping any more is closed, and its seat is free.
#[tokio::test]
async fn a_silent_client_is_noticed() {
    let running = start(Streams::with(1, Duration::from_millis(50), PATIENCE)).await;
    // It is never read from again, so it never answers.
    let _silent = running.socket("").await;
    let freed = async {
        while !running
            .sse("", "Connection: close\r\n")
            .await
            .until(|text| text.len() > 200)
            .await
            .starts_with("HTTP/1.1 200")
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, freed).await.expect("the silent client keeps its seat");
}

/// A client that stops reading is closed after a while; it comes back with what it has.
#[tokio::test]
async fn a_blocked_reader_is_closed_and_resumes() {
    let running = start(Streams::with(1, Duration::from_secs(60), Duration::from_millis(200))).await;
    // More than the buffers of both ends of a loopback connection hold.
    running.stub.commit(400, 100_000);
    let mut blocked = running.socket("").await;
    let freed = async {
        while running.stub.committed.receiver_count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, freed).await.expect("the blocked reader is still served");
    let mut last = 0;
    while let Some(Ok(Message::Text(text))) = timeout(PATIENCE, blocked.next()).await.unwrap() {
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["seq"].as_i64(), Some(last + 1));
        last += 1;
    }
    assert!(last < 400, "it was never blocked");
    let mut resumed = running.socket(&format!("?after={last}")).await;
    for seq in last + 1..=400 {
        assert_eq!(json(&mut resumed).await["seq"], seq);
    }
}

/// Stopping ends every stream and every idle connection, and then the server.
#[tokio::test]
async fn stopping_ends_everything() {
    let running = start(unhurried(4)).await;
    let mut stream = running.sse("", "").await;
    stream.until(|text| text.contains(": open")).await;
    let mut socket = running.socket("").await;
    let _idle = TcpStream::connect(running.address).await.unwrap();
    running.stop.stop();
    assert!(stream.ends().await);
    let message = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    let Message::Close(Some(close)) = message else { panic!("{message:?}") };
    assert_eq!(u16::from(close.code), 1001);
    drop(socket);
    timeout(Duration::from_secs(5), running.served).await.expect("the server goes on").unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

/// HTTP/1 alone, and a head has to come in time and size; a refused upgrade is an answer and no hang-up.
#[tokio::test]
async fn odd_connections_get_answers() {
    let running = start(unhurried(4)).await;
    let talk = async |text: &str| {
        let mut connection = TcpStream::connect(running.address).await.unwrap();
        let _ = connection.write_all(text.as_bytes()).await;
        let mut answer = String::new();
        let mut buffer = [0; 4096];
        let count = timeout(PATIENCE, connection.read(&mut buffer)).await.unwrap().unwrap_or(0);
        answer.push_str(&String::from_utf8_lossy(&buffer[..count]));
        answer
    };
    assert!(!talk("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    assert!(talk("GET /healthz HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 421"));
    let head = |length| {
        format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nX-Long: {}\r\n\r\n", running.address, "x".repeat(length))
    };
    assert!(talk(&head(30_000)).await.starts_with("HTTP/1.1 200"));
    // The refusal (431) may be lost with the connection, which closes on what is still being sent.
    assert!(!talk(&head(1 << 20)).await.starts_with("HTTP/1.1 200"));

    let connection = TcpStream::connect(running.address).await.unwrap();
    let request = format!("ws://{}/api/v1/events/socket", running.address).into_client_request().unwrap();
    let error = client_async(request, connection).await.unwrap_err();
    assert!(matches!(&error, tungstenite::Error::Http(answer) if answer.status().as_u16() == 403), "{error:?}");
}

/// A body that is too large gets its answer although it is still being sent.
#[tokio::test]
async fn a_large_body_reads_its_refusal() {
    let running = start(unhurried(4)).await;
    let mut connection = TcpStream::connect(running.address).await.unwrap();
    let length = 10 << 20;
    let head = format!(
        "POST /api/v1/cards HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n",
        running.address
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&vec![b'x'; length]).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("payload_too_large"), "{answer}");
}
