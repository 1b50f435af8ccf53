//! Reference evaluator, packet generator and engines under test
