//! No route without a decision, no decision without a route.

use super::*;

#[test]
fn every_documented_route_has_a_line_in_the_table_and_every_line_a_route() {
    let document: serde_json::Value = serde_json::from_str(&crate::openapi()).unwrap();
    let mut documented = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            documented.push((method.to_uppercase(), path.clone()));
        }
    }
    let pages = ["/api/openapi.json", "/api/docs", "/api/docs/page.js", "/api/docs/page.css"];
    documented.extend(pages.map(|path| ("GET".to_owned(), path.to_owned())));
    for (path, methods, _) in crate::taxii::routes() {
        documented.extend(methods.iter().map(|method| ((*method).to_owned(), path.to_owned())));
    }
    documented.sort();
    let mut decided: Vec<_> = TABLE.iter().map(|line| (line.0.to_owned(), line.1.to_owned())).collect();
    decided.sort();
    assert_eq!(documented, decided);
}
