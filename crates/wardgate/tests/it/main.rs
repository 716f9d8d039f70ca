//! The binary from outside: what is typed, what is printed, which exit status; over real sockets.

#[cfg(test)]
mod demo;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod http;
#[cfg(test)]
mod process;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod starter;
#[cfg(test)]
mod upstream;
