//! The `haidang` binary: one file per subcommand.

fn main() {}
