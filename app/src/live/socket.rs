//! The event stream over a WebSocket (browsers allow few event streams to one host, and ten windows must
//! work). It is opened again whenever it falls, and goes on after the last event that the page knows.

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, WebSocket};

use super::{Connection, Live};
use crate::model::Batch;

/// The first wait before trying again; a restarted server is back within that.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait: a server that has been gone for long costs one attempt every few seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

struct Follower {
    live: Live,
    socket: Option<WebSocket>,
    wait: Duration,
    retry: Option<TimeoutHandle>,
}

type Shared = Rc<RefCell<Follower>>;

pub(super) fn follow(live: Live) {
    let shared = Rc::new(RefCell::new(Follower { live, socket: None, wait: FIRST_WAIT, retry: None }));
    open(&shared);
    // A laptop that wakes up or a network that returns should not wait for the next attempt.
    let woken = shared.clone();
    let wake = Closure::<dyn Fn()>::new(move || {
        let waiting = woken.borrow_mut().retry.take();
        if let Some(retry) = waiting {
            retry.clear();
            open(&woken);
        }
    });
    for event in ["online", "focus"] {
        let _ = window().add_event_listener_with_callback(event, wake.as_ref().unchecked_ref());
    }
    wake.forget(); // The page follows the stream for as long as it lives.
}

fn address(live: Live) -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}/api/v1/events/socket?view=board&after={}", location.host().ok()?, live.seq()))
}

fn open(shared: &Shared) {
    let live = shared.borrow().live;
    let Some(socket) = address(live).and_then(|address| WebSocket::new(&address).ok()) else {
        return fall(shared);
    };
    let opened = shared.clone();
    let on_open = Closure::once_into_js(move || {
        opened.borrow_mut().wait = FIRST_WAIT;
        live.connection().set(Connection::Live);
    });
    socket.set_onopen(Some(on_open.unchecked_ref()));
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
        let Some(text) = message.data().as_string() else {
            return;
        };
        match serde_json::from_slice::<Batch>(text.as_bytes()) {
            Ok(batch) => live.apply(batch),
            // A newer server speaks differently: the page must be loaded anew to understand it.
            Err(error) => {
                leptos::logging::error!("a frame of the event stream could not be read: {error}")
            }
        }
    });
    let closed = shared.clone();
    let listener = on_message.as_ref().unchecked_ref::<js_sys::Function>().clone();
    socket.set_onmessage(Some(&listener));
    let on_close = Closure::once_into_js(move || {
        drop(on_message);
        fall(&closed);
    });
    socket.set_onclose(Some(on_close.unchecked_ref()));
    shared.borrow_mut().socket = Some(socket);
}

/// The stream fell: says so and tries again after a while that doubles each time.
fn fall(shared: &Shared) {
    let (live, wait) = {
        let mut follower = shared.borrow_mut();
        follower.socket = None;
        let wait = follower.wait;
        follower.wait = (wait * 2).min(LONGEST_WAIT);
        (follower.live, wait)
    };
    live.connection().set(Connection::Lost);
    let retried = shared.clone();
    let retry = set_timeout_with_handle(
        move || {
            retried.borrow_mut().retry = None;
            open(&retried);
        },
        wait,
    );
    shared.borrow_mut().retry = retry.ok();
}
