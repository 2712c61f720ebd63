//! Typed ids. All are `UUIDv7` (RFC 9562), so they sort by creation time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sources::{Sources, Timestamp};

/// Number of bits of a `UUIDv7` after the milliseconds since 1970.
const MILLIS_SHIFT: u32 = 80;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Creates an id with the current time.
            pub fn new(sources: &Sources) -> Self {
                Self(sources.uuid())
            }

            /// The UUID, for the database.
            pub fn uuid(self) -> Uuid {
                self.0
            }

            /// When it was created, to the millisecond.
            pub fn created_at(self) -> Timestamp {
                let millis = i64::try_from(self.0.as_u128() >> MILLIS_SHIFT).unwrap_or_default();
                Timestamp::from_timestamp_millis(millis).unwrap_or_default()
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
    /// Id of a webhook.
    WebhookId;
    /// Id of an event.
    EventId;
    /// Id of a delivery. Receivers see it in the header `webhook-id`.
    DeliveryId;
    /// Id of an invocation.
    InvocationId;
    /// Id of a user.
    UserId;
    /// Id of a secret.
    SecretId;
    /// Id of an API token.
    TokenId;
}
