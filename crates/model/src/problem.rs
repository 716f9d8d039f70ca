//! How an API of ours says that it will not: one table of codes an API, each with status, title and remedy (RFC 9457 §3.1). What the gate
//! refuses before stands in [`reason`](crate::reason).

/// Declares an enum of the ways in which an API refuses, a row each: code, status by its name in [`http::StatusCode`], what is wrong, what to do about it.
///
/// ```
/// wardgate_model::problems! {
///     /// Why no tea is made.
///     Cause {
///         /// It is a coffee pot.
///         Pot = "tea.pot", IM_A_TEAPOT, "this is no kettle", "ask a kettle";
///     }
/// }
/// assert_eq!((Cause::Pot.as_str(), Cause::Pot.status().as_u16()), ("tea.pot", 418));
/// ```
#[macro_export]
macro_rules! problems {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $variant:ident = $code:literal, $status:ident, $title:literal, $remedy:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every one, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as clients see it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The status of the answer.
            #[must_use]
            pub const fn status(self) -> $crate::problem::StatusCode {
                match self { $(Self::$variant => $crate::problem::StatusCode::$status,)* }
            }

            /// What is wrong, for people; the same for every occurrence (RFC 9457 §3.1.3).
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

pub use http::StatusCode;
