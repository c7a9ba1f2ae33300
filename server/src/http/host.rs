//! By which names this server may be addressed. A page that rebinds its own name to this address sends
//! that name as `Host`, and is turned away.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use slipway_app::error::ErrorCode;

use super::problem::Refusal;

/// The port that a browser leaves out of `Host`.
const HTTP_PORT: u16 = 80;

/// The names and addresses we answer to, all with our own port.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// The port that was bound, which is not 0.
    pub port: u16,
    /// Names and addresses beside the loopback ones; only with `--allow-remote`.
    pub remote: Vec<String>,
    /// Whether any address literal will do: we listen on every interface. A literal cannot be rebound,
    /// because no name is looked up for it.
    pub any_address: bool,
}

impl Hosts {
    /// Loopback names and addresses only.
    pub fn loopback(port: u16) -> Self {
        Hosts { port, remote: Vec::new(), any_address: false }
    }

    /// Those, and the host that a person chose to listen on with `--allow-remote`.
    pub fn remote(port: u16, host: &str) -> Self {
        let any_address = host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
        Hosts { port, remote: vec![host.trim_matches(['[', ']']).to_owned()], any_address }
    }

    /// Whether a request is addressed to us, by its one `Host` and, where it has one, its absolute target
    /// (RFC 9112, section 3.2).
    fn are_meant_by(&self, headers: &HeaderMap, target: &Uri) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let is_target_ours = target.authority().is_none_or(|authority| self.include(authority.as_str()));
        is_target_ours && host.to_str().is_ok_and(|host| self.include(host))
    }

    fn include(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') || authority.port_u16().unwrap_or(HTTP_PORT) != self.port {
            return false;
        }
        let host = authority.host().trim_matches(['[', ']']);
        if let Ok(address) = host.parse::<IpAddr>() {
            return address.is_loopback() || self.any_address || self.remote.iter().any(|ours| ours == host);
        }
        host.eq_ignore_ascii_case("localhost") || self.remote.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }
}

/// The axum layer: `misdirected_request` (421) for any other name.
pub async fn check_host(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.are_meant_by(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    let port = hosts.port;
    let detail = format!("Address this server as 127.0.0.1:{port} or localhost:{port}.");
    Refusal::new(ErrorCode::MisdirectedRequest, detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hosts: &Hosts, ours: &[&str], foreign: &[&str]) {
        for host in ours {
            assert!(hosts.include(host), "{host}");
        }
        for host in foreign {
            assert!(!hosts.include(host), "{host}");
        }
    }

    #[test]
    fn loopback_goes_by_its_own_names() {
        check(
            &Hosts::loopback(4747),
            &["localhost:4747", "LOCALHOST:4747", "127.0.0.1:4747", "127.1.2.3:4747", "[::1]:4747"],
            &[
                "evil.example",
                "evil.example:4747",
                "localhost",
                "localhost:80",
                "localhost.evil.example:4747",
                "127.0.0.1.evil.example:4747",
                "user@localhost:4747",
                "localhost:4747@evil.example",
                "192.168.0.7:4747",
                "0.0.0.0:4747",
                "[::]:4747",
                "",
            ],
        );
        check(&Hosts::loopback(80), &["localhost", "127.0.0.1", "[::1]"], &["evil.example"]);
    }

    #[test]
    fn a_remote_host_adds_itself() {
        check(&Hosts::remote(4747, "board.example"), &["Board.Example:4747", "localhost:4747"], &["evil.example:4747"]);
        check(&Hosts::remote(4747, "192.168.0.7"), &["192.168.0.7:4747"], &["192.168.0.8:4747"]);
        check(&Hosts::remote(4747, "0.0.0.0"), &["192.168.0.8:4747", "[fe80::1]:4747"], &["evil.example:4747"]);
    }

    #[test]
    fn a_request_names_its_host_once() {
        let hosts = Hosts::loopback(4747);
        let meant = |values: &[&str], target: &str| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::HOST, value.parse().unwrap());
            }
            hosts.are_meant_by(&headers, &target.parse().unwrap())
        };
        assert!(meant(&["localhost:4747"], "/"));
        assert!(meant(&["localhost:4747"], "http://localhost:4747/"));
        assert!(!meant(&[], "/"));
        assert!(!meant(&["localhost:4747", "localhost:4747"], "/"));
        assert!(!meant(&["localhost:4747"], "http://evil.example/"));
    }
}
