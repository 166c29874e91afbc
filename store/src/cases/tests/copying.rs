//! What is copied from either database is the same in either.

use super::*;

async fn lines(cases: &Cases) -> Vec<String> {
    let mut lines = Vec::new();
    cases
        .copy()
        .await
        .unwrap()
        .write(|line| {
            lines.push(line.to_owned());
            Ok(())
        })
        .await
        .unwrap();
    lines
}

async fn filled() -> Opened {
    let opened = open().await;
    let cases = &opened.cases;
    cases.ensure_admin(Some("mật khẩu đủ dài".into()), NOW).await.unwrap();
    let incidents: Vec<Incident> =
        (0..450).map(|n| incident(n, vec![alert(1000 + n, 1), alert(5000 + n, 2)])).collect();
    cases.upsert_incidents(&incidents, &[], NOW).await.unwrap();
    let text = "\"dấu\" \\ \n {\"table\": 1} \u{2400} 'ngoặc'";
    cases.comment(&by(), &id(3), text).await.unwrap();
    cases.audit(&by(), "a", "đích", "done", text).await.unwrap();
    opened
}

async fn into(place: &Place, lines: Vec<String>) -> Result<u64, Error> {
    restore(&place.target, &Config::default(), &by(), "a copy", lines.into_iter().map(Ok)).await
}

#[tokio::test]
async fn a_copy_put_into_an_empty_database_is_copied_the_same_and_the_trail_goes_on() {
    let opened = filled().await;
    let copied = lines(&opened.cases).await;
    let head = opened.cases.audit_head().await.unwrap();
    let places = [Place::new(), Place::file()];
    for place in places {
        let rows = into(&place, copied.clone()).await.unwrap();
        assert!(rows > 1350, "{rows} rows");
        let cases = Cases::open(&place.target, Config::default()).await.unwrap();
        let report = cases.audit_verify(Some(&head)).await.unwrap();
        assert_eq!((report.broken_at, report.head.seq), (None, head.seq + 1));
        let last = cases.audit_entries(None, 1).await.unwrap().remove(0);
        assert_eq!((last.action.as_str(), last.detail.as_str()), ("backup.restore", "a copy"));
        sql("DELETE FROM audit WHERE seq > $1").bind(head.seq).execute(&cases.write).await.unwrap();
        let mut again = lines(&cases).await;
        // A cursor has no order; within a table the rows' own does not matter.
        let mut before = copied.clone();
        again.sort();
        before.sort();
        assert_eq!(again, before);
        assert!(cases.upsert_incidents(&[incident(900, vec![alert(9, 1)])], &[], NOW).await.is_ok());
    }
}

#[tokio::test]
async fn a_copy_shows_one_moment_whatever_is_written_meanwhile() {
    let opened = filled().await;
    let before = lines(&opened.cases).await.len();
    let copy = opened.cases.copy().await.unwrap();
    opened.cases.upsert_incidents(&[incident(900, vec![alert(9, 1)])], &[], NOW).await.unwrap();
    let mut count = 0;
    copy.write(|_| {
        count += 1;
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(count, before);
    assert!(lines(&opened.cases).await.len() > before);
}

#[tokio::test]
async fn every_table_is_copied_but_for_who_is_signed_in() {
    let opened = filled().await;
    let session =
        sql("INSERT INTO sessions (token, user_id, created_ms, used_ms) VALUES ('a token', 'u', 0, 0)");
    session.execute(&opened.cases.write).await.unwrap();
    let copied = lines(&opened.cases).await;
    for table in ["incidents", "alerts", "comments", "users", "audit", "indicators_state", "registry_version"]
    {
        assert!(copied.iter().any(|line| line.starts_with(&format!("{{\"table\":\"{table}\""))), "{table}");
    }
    assert!(!copied.iter().any(|line| line.contains("a token")));
}

#[tokio::test]
async fn a_database_that_has_tables_or_a_copy_that_does_not_read_is_refused_and_nothing_is_left() {
    let opened = filled().await;
    let copied = lines(&opened.cases).await;
    let refused = into(&opened.place, copied.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("has tables already"), "{refused}");
    assert_eq!(lines(&opened.cases).await, copied);
    let broken: [(Vec<String>, &str); 6] = [
        (vec![], "it is empty"),
        (vec!["{\"steps\":[1,9999]}".into()], "run the newer program"),
        (vec!["{\"steps\":[1,6]}".into()], "step 6"),
        (
            ["{\"steps\":[1]}", "{\"table\":\"users; DROP TABLE users\",\"columns\":[\"a\"]}"]
                .map(String::from)
                .into(),
            "no table",
        ),
        (
            ["{\"steps\":[1]}", "{\"table\":\"users\",\"columns\":[\"a) --\"]}"].map(String::from).into(),
            "no table",
        ),
        (copied[..copied.len() - 3].iter().cloned().chain(["[1,".to_owned()]).collect(), "does not read"),
    ];
    let place = Place::new();
    for (lines, why) in broken {
        let refused = into(&place, lines).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    assert!(into(&place, copied).await.is_ok(), "nothing of those was left");
}

#[tokio::test]
async fn what_a_newer_program_wrote_is_seen_without_a_change() {
    let place = Place::file();
    assert!(Cases::check(&place.target, &Config::default()).await.is_ok(), "nothing there");
    let cases = Cases::open(&place.target, Config::default()).await.unwrap();
    sql("INSERT INTO schema_steps (number) VALUES (999)").execute(&cases.write).await.unwrap();
    cases.close().await;
    let before = place.content();
    let found = Cases::check(&place.target, &Config::default()).await;
    assert!(matches!(found, Err(Error::Newer { found: 999, .. })), "{found:?}");
    assert_eq!(place.content(), before);
    let names: Vec<_> =
        std::fs::read_dir(place.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["cases.sqlite"], "no file more");
}

#[tokio::test]
async fn a_database_is_kept_as_it_was_before_its_schema_is_changed() {
    let place = Place::file();
    let pool = connection::bare(&place.target, &Config::default()).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    migration::up_to(&mut tx, &[1, 2, 3]).await.unwrap();
    sql("INSERT INTO users VALUES ('u', 'an', '', 'admin', '', 0, 'vi', 0, 0)")
        .execute(&mut tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    pool.close().await;
    Cases::open(&place.target, Config::default()).await.unwrap().close().await;
    let kept = Target::File(place.folder.path().join("cases.before-upgrade.sqlite"));
    assert_eq!(connection::look(&kept, &Config::default()).await.unwrap(), [1, 2, 3]);
    let now = connection::look(&place.target, &Config::default()).await.unwrap();
    assert_eq!(now.last(), Some(&Cases::schema()));
    let opened = connection::bare(&kept, &Config::default()).await.unwrap();
    let users = sql("SELECT username FROM users").fetch_all(&opened).await.unwrap();
    assert_eq!(users[0].get::<String>(0).unwrap(), "an");
}
