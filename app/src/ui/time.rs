//! Times as people read them: relative, with the exact one on hover. Every one of them follows the page's
//! one clock, which starts at the server's time, so that a browser whose clock is wrong shows true ages.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use leptos::prelude::*;

/// The page's clock, ticking once a second. From context.
#[derive(Clone, Copy)]
pub struct Clock {
    now: RwSignal<DateTime<Utc>>,
}

impl Clock {
    /// Makes it, sets it to the server's time and puts it into context.
    pub fn provide(server_now: DateTime<Utc>) -> Self {
        let clock = Clock { now: RwSignal::new(server_now) };
        provide_context(clock);
        #[cfg(feature = "hydrate")]
        clock.run(server_now);
        clock
    }

    pub fn now(self) -> DateTime<Utc> {
        self.now.get()
    }

    #[cfg(feature = "hydrate")]
    fn run(self, server_now: DateTime<Utc>) {
        use std::time::Duration;

        let local_start = js_sys::Date::now();
        let tick = move || {
            let passed = TimeDelta::milliseconds((js_sys::Date::now() - local_start) as i64);
            self.now.try_set(server_now + passed);
        };
        if let Ok(interval) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || interval.clear());
        }
    }
}

/// How long something has been going on: `42 s`, `3 min`, `1 h 5 min`, `2 d`.
pub fn duration(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 if seconds % 3_600 < 60 => format!("{} h", seconds / 3_600),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long ago something was: `just now`, `3 min ago`.
pub fn ago(span: TimeDelta) -> String {
    if span.num_seconds() < 5 { "just now".to_owned() } else { format!("{} ago", duration(span)) }
}

/// The exact time, for hovering: RFC 3339 in UTC, to the second.
pub fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Time since `at`, growing.
#[component]
pub fn Elapsed(at: DateTime<Utc>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let text = Memo::new(move |_| duration(clock.now() - at));
    view! { <time class="time" datetime=exact(at) title=format!("since {}", exact(at))>{move || text.get()}</time> }
}

/// `3 min ago`.
#[component]
pub fn Ago(at: DateTime<Utc>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let text = Memo::new(move |_| ago(clock.now() - at));
    view! { <time class="time" datetime=exact(at) title=exact(at)>{move || text.get()}</time> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        let check = |seconds, want| assert_eq!(duration(TimeDelta::seconds(seconds)), want);
        check(-3, "0 s");
        check(0, "0 s");
        check(59, "59 s");
        check(60, "1 min");
        check(3_599, "59 min");
        check(3_600, "1 h");
        check(3_900, "1 h 5 min");
        check(86_400 * 2 + 5, "2 d");
        assert_eq!(ago(TimeDelta::seconds(2)), "just now");
        assert_eq!(ago(TimeDelta::seconds(90)), "1 min ago");
    }
}
