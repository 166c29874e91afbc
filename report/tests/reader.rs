//! Documents through the eyes of other programs.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository, wherever the package that reads is in it.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().find(|folder| folder.join("Cargo.lock").exists()).unwrap().to_owned()
}

/// Writes the document where a person can look at it.
pub(crate) fn kept(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = root().join("target/report");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, bytes).unwrap();
    file
}

/// What python-docx reads: `paragraphs`, `tables` (rows of cells' texts), `properties`, `parts`.
pub(crate) fn python_docx(file: &Path) -> Value {
    const SCRIPT: &str = r#"
import docx, json, sys, zipfile
d = docx.Document(sys.argv[1])
section = d.sections[0]
print(json.dumps({
  "paragraphs": [p.text for p in d.paragraphs],
  "styles": [p.style.name for p in d.paragraphs],
  "tables": [[[c.text for c in r.cells] for r in t.rows] for t in d.tables],
  "title": d.core_properties.title, "author": d.core_properties.author, "created": str(d.core_properties.created),
  "font": d.styles.element.xpath("//w:rPrDefault//w:rFonts/@w:ascii"),
  "edges_mm": [round(x.mm) for x in (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)],
  "page_mm": [round(section.page_width.mm), round(section.page_height.mm)],
  "first_page_differs": section.different_first_page_header_footer,
  "header": section.header._element.xpath("//w:fldSimple/@w:instr"),
  "charts": {n: zipfile.ZipFile(sys.argv[1]).read(n).decode() for n in zipfile.ZipFile(sys.argv[1]).namelist() if "chart" in n},
}))
"#;
    run("python-docx", SCRIPT, file)
}

/// What openpyxl reads: `sheets` (rows of values) and how many cells are formulas.
pub(crate) fn openpyxl(file: &Path) -> Value {
    const SCRIPT: &str = r#"
import json, sys, openpyxl
b = openpyxl.load_workbook(sys.argv[1])
print(json.dumps({
  "sheets": {s.title: [[c.value for c in r] for r in s.iter_rows()] for s in b},
  "formulas": sum(c.data_type == "f" for s in b for r in s.iter_rows() for c in r),
}))
"#;
    run("openpyxl", SCRIPT, file)
}

fn run(tool: &str, script: &str, file: &Path) -> Value {
    let python = root().join(format!("target/tools/python/{tool}/bin/python"));
    assert!(python.exists(), "{tool} is missing: run deploy/install test");
    let output = Command::new(python).args(["-c", script]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
