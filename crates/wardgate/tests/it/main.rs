//! The binary from outside: what is typed, what is printed, which exit status; over real sockets.

#[cfg(test)]
mod demo;
#[cfg(test)]
mod process;
#[cfg(test)]
mod starter;
