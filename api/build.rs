//! Makes the folder that is embedded, so that the crate builds before the dashboards do, and again after they did.

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("../dashboards/dist")?;
    println!("cargo::rerun-if-changed=../dashboards/dist");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
