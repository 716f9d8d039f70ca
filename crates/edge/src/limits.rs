//! Every bound of the doors, in one place. All are finite.

use std::time::Duration;

/// Bounds on what a door takes in and how long it waits (STANDARDS "Limits (ours)").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeLimits {
    /// Open connections of clients per process. Above it new ones are closed at once. Default 10,000.
    pub connections_max: usize,
    /// Of these, open connections of one source (an IPv4 address, an IPv6 /64). Above it new ones are closed at once. The admin door
    /// is not counted. Default 2,500: behind a balancer that hides its clients' addresses, set it to `connections_max`.
    pub source_connections_max: usize,
    /// Requests on one HTTP/1 connection, after which it is closed in good order. Default 100,000.
    pub connection_requests_max: u64,
    /// Bytes of an HTTP/1 head (request line and fields), or of an HTTP/2 header list. Default 32 KiB.
    pub head_bytes_max: usize,
    /// Fields of a head. Default 100, which is also what the HTTP/1 engine takes at most.
    pub fields_max: usize,
    /// Bytes of a request target. Default 8 KiB.
    pub target_bytes_max: usize,
    /// Bytes of a method. Default 32.
    pub method_bytes_max: usize,
    /// Bytes of all chunk extensions of one body. Default 4 KiB.
    pub extension_bytes_max: usize,
    /// Bytes of a trailer section. Default 8 KiB.
    pub trailer_bytes_max: usize,
    /// Fields of a trailer section. Default 32.
    pub trailer_fields_max: usize,
    /// Bytes of a request's body. Default 1 GiB.
    pub body_bytes_max: u64,
    /// Bytes of a body that is collected: for an API in this process, or for the judge. Default 1 MiB.
    pub collected_bytes_max: usize,
    /// Bodies that are collected for the judge at a time, per thread; of one source (an IPv4 address, an IPv6 /64) half of them. Further
    /// requests are refused, to come again. Default 128.
    pub collecting_max: usize,
    /// How long one of them may take. Default 30 s.
    pub collecting: Duration,
    /// From a head's first byte to its last; also for TLS handshakes and the first byte of a connection. Default 10 s.
    pub head_timeout: Duration,
    /// Between two requests of a connection. Default 75 s.
    pub keep_alive: Duration,
    /// Between two pieces of a request's body. Default 30 s.
    pub body_idle: Duration,
    /// Bytes a second that a client must send of a body while it is waited for, and take of an answer that lies there, on the average.
    /// Streams of gRPC are let be. Default 240.
    pub rate_min: u64,
    /// How long a client may be waited for before that counts: who only begins slowly is let be. Default 30 s.
    pub rate_grace: Duration,
    /// How long a client may leave an answer lying. Default 60 s.
    pub client_idle: Duration,
    /// How long a request goes on after its client closed its sending side. Default 2 s.
    pub half_close: Duration,
    /// How long and how much is read and thrown away after an early answer, so that it arrives. Default 2 s.
    pub linger: Duration,
    /// See [`EdgeLimits::linger`]. Default 1 MiB.
    pub linger_bytes_max: usize,
    /// How long and for how much the body of a refused request is waited for before the answer. Default 100 ms.
    pub settle: Duration,
    /// See [`EdgeLimits::settle`]. Default 64 KiB.
    pub settle_bytes_max: usize,
    /// Concurrent HTTP/2 streams of a connection. Default 100.
    pub streams_max: u32,
    /// Streams that a client reset before we took them up, before the connection is ended (CVE-2023-44487). Default 20.
    pub pending_resets_max: usize,
    /// Streams that we had to reset, before the connection is ended (CVE-2025-8671). Default 100.
    pub local_resets_max: usize,
    /// PING frames of an HTTP/2 client in ten seconds; as many SETTINGS, as many of other kinds that carry nothing, and as many
    /// WINDOW_UPDATE besides ten for each DATA frame that it is sent. Default 500.
    pub control_frames_max: u32,
    /// Streams that an HTTP/2 client resets in ten seconds. Default 100.
    pub resets_max: u32,
    /// Empty DATA frames of an HTTP/2 client in ten seconds that end no stream. Default 100.
    pub empty_frames_max: u32,
    /// CONTINUATION frames of one header section. Default 8.
    pub continuations_max: u32,
    /// Idle connections kept per upstream and thread. Default 64.
    pub upstream_idle_max: usize,
    /// How long an idle connection to an upstream is kept. Default 30 s.
    pub upstream_idle: Duration,
    /// How long a request waits for a connection when all are in use. Default 1 s.
    pub upstream_wait: Duration,
    /// Requests that wait for a connection, per upstream and thread. Default 256.
    pub upstream_waiters_max: usize,
    /// Requests of one source (an IPv4 address, an IPv6 /64) that wait for the keys or the word of a trust source. Further ones are refused, to come
    /// again: there is room for so many in all, and no source is to take it up alone. Default 256.
    pub asking_max: usize,
    /// How long a source that is over its limit waits for being told so. Default 1 s.
    pub refusal_pause: Duration,
    /// Requests of one source (an IPv4 address, an IPv6 /64) that wait so on connections that they share: streams of HTTP/2, and what a
    /// trusted proxy passes on. What goes beyond is told at once. Default 256.
    pub paused_source_max: usize,
    /// Of these, streams of a client's own connection. If more would wait, it takes no further stream. Default 8.
    pub paused_streams_max: usize,
    /// Requests that wait so on connections that they share, per thread. Default 1,000.
    pub paused_max: usize,
    /// Requests that are being slowed, per thread; as many that wait for more of a task's budget. Default 1,000.
    pub slowed_max: usize,
    /// Of these, requests of one source (an IPv4 address, an IPv6 /64), in the whole process. Default 128.
    pub slowed_source_max: usize,
    /// Longest delay that is granted to a `slow` ruling. Default 30 s.
    pub slow_max: Duration,
    /// How long a request to an API of `audit: durable` waits for its event to outlast the machine. Default 5 s: a disk that is well
    /// takes milliseconds.
    pub durable: Duration,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            source_connections_max: 2_500,
            connection_requests_max: 100_000,
            head_bytes_max: 32 * 1024,
            fields_max: 100,
            target_bytes_max: 8 * 1024,
            method_bytes_max: 32,
            extension_bytes_max: 4 * 1024,
            trailer_bytes_max: 8 * 1024,
            trailer_fields_max: 32,
            body_bytes_max: 1024 * 1024 * 1024,
            collected_bytes_max: 1024 * 1024,
            collecting_max: 128,
            collecting: Duration::from_secs(30),
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            body_idle: Duration::from_secs(30),
            rate_min: 240,
            rate_grace: Duration::from_secs(30),
            client_idle: Duration::from_secs(60),
            half_close: Duration::from_secs(2),
            linger: Duration::from_secs(2),
            linger_bytes_max: 1024 * 1024,
            settle: Duration::from_millis(100),
            settle_bytes_max: 64 * 1024,
            streams_max: 100,
            pending_resets_max: 20,
            local_resets_max: 100,
            control_frames_max: 500,
            resets_max: 100,
            empty_frames_max: 100,
            continuations_max: 8,
            upstream_idle_max: 64,
            upstream_idle: Duration::from_secs(30),
            upstream_wait: Duration::from_secs(1),
            upstream_waiters_max: 256,
            asking_max: 256,
            refusal_pause: Duration::from_secs(1),
            paused_source_max: 256,
            paused_streams_max: 8,
            paused_max: 1_000,
            slowed_max: 1_000,
            slowed_source_max: 128,
            slow_max: Duration::from_secs(30),
            durable: Duration::from_secs(5),
        }
    }
}
