//! The engine's process alone, as `haidang engine` runs it: the tests start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let options = std::env::args().next_back().unwrap_or_default();
    match store::engine::ServeOptions::from_argument(&options)
        .and_then(|options| store::engine::serve(&options))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}
