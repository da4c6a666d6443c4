//! Tests how the layers of settings are read, checked and shown.

use retriever::{Fusion, RetrievalOptions};

use super::*;
use crate::config::settings::RetrievalConfig;

fn load(overrides: &Overrides, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(overrides, environment.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

#[test]
fn each_layer_overrides_the_one_below() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("daedap.toml");
    std::fs::write(&file, "model = \"from-file\"\n[chat]\npassages = 3\nanswer_tokens = 99\n").unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    let config = load(&overrides, &[("DAEDAP_CHAT__PASSAGES", "7"), ("DAEDAP_TEST_MODELS", "/x")]).unwrap();
    assert_eq!((config.chat.answer_tokens, config.chat.passages), (99, 7));
    assert_eq!(config.model, "from-file");
    let overrides = Overrides { model: Some("from-flag".to_owned()), ..overrides };
    assert_eq!(load(&overrides, &[("DAEDAP_MODEL", "from-env")]).unwrap().model, "from-flag");
}

#[test]
fn a_misspelt_setting_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("daedap.toml"), "[chat]\npasages = 3\n").unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    assert!(load(&overrides, &[]).unwrap_err().to_string().contains("pasages"));
    let missing = Overrides { file: Some(dir.path().join("absent.toml")), ..Overrides::default() };
    assert!(load(&missing, &[]).is_err());
}

#[test]
fn other_machines_are_refused_while_there_are_no_keys() {
    let dir = tempfile::tempdir().unwrap();
    let overrides = |listen: &str| Overrides {
        data_dir: Some(dir.path().to_owned()),
        listen: Some(listen.to_owned()),
        ..Overrides::default()
    };
    for listen in ["0.0.0.0:8787", "192.168.0.10:80", "[::]:8787"] {
        let error = load(&overrides(listen), &[]).unwrap_err();
        assert!(matches!(error, ConfigError::OutOfBounds { setting: "listen", .. }), "{listen}");
    }
    assert!(load(&overrides("[::1]:0"), &[]).is_ok());
}

#[test]
fn the_default_search_is_the_one_that_was_measured() {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    let RetrievalConfig { fusion, dense_share, evidence_threshold, parallel, queue_length } =
        load(&overrides, &[]).unwrap().retrieval;
    let measured = RetrievalOptions::default();
    assert_eq!((parallel, queue_length), (measured.parallel, measured.queue_length));
    assert_eq!((fusion, dense_share), (measured.fusion, measured.dense_share));
    assert_eq!(evidence_threshold, measured.evidence_threshold);
}

#[test]
fn shares_lie_between_nothing_and_all() {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    for (variable, value) in [
        ("DAEDAP_RETRIEVAL__DENSE_SHARE", "1.5"),
        ("DAEDAP_RETRIEVAL__EVIDENCE_THRESHOLD", "-0.1"),
        ("DAEDAP_RETRIEVAL__EVIDENCE_THRESHOLD", "nan"),
        ("DAEDAP_RETRIEVAL__FUSION", "sum"),
    ] {
        assert!(load(&overrides, &[(variable, value)]).is_err(), "{variable}={value}");
    }
    let config = load(&overrides, &[("DAEDAP_RETRIEVAL__FUSION", "reciprocal_rank")]).unwrap();
    assert_eq!(config.retrieval.fusion, Fusion::ReciprocalRank);
}

#[test]
fn a_reranker_is_off_and_has_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    assert_eq!(load(&overrides, &[]).unwrap().reranker.model, "");
    for (variable, value) in [
        ("DAEDAP_RERANKER__CANDIDATES", "1"),
        ("DAEDAP_RERANKER__CANDIDATES", "201"),
        ("DAEDAP_RERANKER__DEADLINE_MS", "0"),
        ("DAEDAP_RERANKER__DEADLINE_MS", "60001"),
        ("DAEDAP_RERANKER__MAX_TOKENS", "31"),
    ] {
        assert!(load(&overrides, &[(variable, value)]).is_err(), "{variable}={value}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    let config = load(
        &overrides,
        &[
            ("DAEDAP_DATABASE_URL", "postgres://ann:hunter2@db/daedap?password=hunter2"),
            ("DAEDAP_ORIGINALS_URL", "s3://key:hunter2@bucket/prefix"),
            ("DAEDAP_VECTORS__URL", "http://key:hunter2@qdrant:6334"),
            ("DAEDAP_VECTORS__API_KEY", "hunter2"),
            ("DAEDAP_GENERATOR__URL", "http://key:hunter2@llm/v1"),
            ("DAEDAP_GENERATOR__API_KEY", "hunter2"),
        ],
    )
    .unwrap();
    let printed = config.to_toml().unwrap();
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("postgres://(set)@db/daedap?password=(set)"), "{printed}");
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
}

#[test]
fn a_secret_comes_from_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    let (file, empty) = (dir.path().join("key"), dir.path().join("empty"));
    std::fs::write(&file, "hunter2\n").unwrap();
    std::fs::write(&empty, "\n").unwrap();
    let file = file.to_str().unwrap();
    let config = load(
        &overrides,
        &[
            ("DAEDAP_GENERATOR__API_KEY_FILE", file),
            ("DAEDAP_VECTORS__API_KEY_FILE", file),
            ("DAEDAP_DATABASE_URL_FILE", file),
        ],
    )
    .unwrap();
    let Config { database_url, vectors, generator, .. } = &config;
    assert_eq!([database_url.expose(), vectors.api_key.expose(), generator.api_key.expose()], ["hunter2"; 3]);
    for (name, refused) in
        [("absent", dir.path().join("absent")), ("empty", empty), ("folder", dir.path().into())]
    {
        let error =
            load(&overrides, &[("DAEDAP_GENERATOR__API_KEY_FILE", refused.to_str().unwrap())]).unwrap_err();
        assert!(error.to_string().contains("generator.api_key"), "{name}: {error}");
    }
    let both = [("DAEDAP_GENERATOR__API_KEY_FILE", file), ("DAEDAP_GENERATOR__API_KEY", "other")];
    assert!(load(&overrides, &both).unwrap_err().to_string().contains("generator.api_key_file"));
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_concerns_only_a_setting() {
    use std::os::unix::ffi::OsStringExt as _;

    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    let bytes = || OsString::from_vec(b"\xff\xb0\xa1".to_vec());
    let foreign = [(OsString::from("X"), bytes()), (bytes(), OsString::from("x"))];
    assert!(Config::load(&overrides, foreign).is_ok());
    let error = Config::load(&overrides, [(OsString::from("DAEDAP_MODEL"), bytes())]).unwrap_err();
    assert!(error.to_string().contains("DAEDAP_MODEL"), "{error}");
}

/// Every number of the defaults, by its variable.
fn numbers() -> Vec<(String, toml::Value)> {
    let defaults: toml::Table = DEFAULT_TOML.parse().unwrap();
    let is_number = |value: &toml::Value| value.is_integer() || value.is_float();
    let mut numbers = Vec::new();
    for (section, value) in defaults {
        assert!(!is_number(&value), "a number without a section: {section}");
        let toml::Value::Table(settings) = value else { continue };
        for (name, value) in settings.into_iter().filter(|(_, value)| is_number(value)) {
            numbers.push((format!("DAEDAP_{section}__{name}").to_uppercase(), value));
        }
    }
    numbers
}

#[test]
fn every_number_has_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    assert!(numbers().len() > 20);
    for (name, default) in numbers() {
        let mut outside = vec!["-1", "9000000000000000000", "1e30", "inf"];
        if default.is_float() {
            outside.push("nan");
        }
        for value in outside {
            assert!(load(&overrides, &[(&name, value)]).is_err(), "{name}={value}");
        }
        assert!(load(&overrides, &[(&name, &default.to_string())]).is_ok(), "{name}={default}");
    }
}

#[test]
fn a_document_is_never_larger_than_the_parser_takes() {
    let dir = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    let error = load(&overrides, &[("DAEDAP_INGEST__DOCUMENT_BYTES", "200000000")]).unwrap_err();
    assert!(error.to_string().contains("ingest.document_bytes"), "{error}");
    let largest = parse::MAX_DOCUMENT_BYTES.to_string();
    assert!(load(&overrides, &[("DAEDAP_INGEST__DOCUMENT_BYTES", &largest)]).is_ok());
}

#[test]
fn a_public_name_is_the_name_of_a_host() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("daedap.toml");
    let overrides = Overrides { data_dir: Some(dir.path().to_owned()), ..Overrides::default() };
    for (name, is_valid) in [
        ("chat.example.com", true),
        ("대답.example", true),
        ("", false),
        ("*", false),
        ("chat.example.com:443", false),
        ("https://chat.example.com", false),
        ("a b", false),
    ] {
        std::fs::write(&file, format!("[server]\npublic_names = [\"{name}\"]\n")).unwrap();
        assert_eq!(load(&overrides, &[]).is_ok(), is_valid, "{name}");
    }
    let names = load(&overrides, &[("DAEDAP_SERVER__PUBLIC_NAMES", "a.example,b.example")]);
    assert_eq!(names.unwrap().server.public_names, ["a.example", "b.example"]);
}
