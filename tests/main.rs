//! Whole-pipeline tests, in one binary so that the stack links once.

mod tidy;
