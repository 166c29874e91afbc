//! Tests on the real engine. They fail, not skip, where it is not installed: `npm ci --prefix deploy/engine`.

mod bridge;
mod crash;
mod events;
mod live;
