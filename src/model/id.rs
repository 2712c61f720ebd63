//! Typed identifiers: `UUIDv7` (RFC 9562), so that they sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sources::Sources;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one, of this moment.
            pub fn new(sources: &Sources) -> Self {
                Self(sources.uuid())
            }

            /// The plain UUID, for the database.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A webhook: where and how to send.
    WebhookId;
    /// An access-request event as received.
    EventId;
    /// One event on its way to one webhook. Receivers see it as `webhook-id`.
    DeliveryId;
    /// One HTTP exchange of a delivery or of a test.
    InvocationId;
    /// A person who signs in.
    UserId;
    /// An API token.
    TokenId;
}
