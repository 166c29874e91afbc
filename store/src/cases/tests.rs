//! The cases against a real SQLite file.
