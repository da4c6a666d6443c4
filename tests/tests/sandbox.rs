//! The processes that parse: what they cannot do, how many there are, and what they leave behind.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // In a test it is the report.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use domain::PageReader;
use parse::{DocumentParser, SandboxOptions, Sandboxed};
use tests::daedap::Daedap;
use tests::environment::build_folder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// How long something may take that happens soon.
const LONG: Duration = Duration::from_secs(120);

fn sandboxed(children: usize) -> Sandboxed {
    let program = build_folder().join("daedap");
    Sandboxed::new(SandboxOptions { program, children, is_confinement_required: true })
}

/// A file of a process, as the system shows it.
fn shown(process: &str, file: &str) -> Option<String> {
    std::fs::read_to_string(Path::new("/proc").join(process).join(file)).ok()
}

/// The processes that parse for `parent`.
fn children_of(parent: u32) -> Vec<String> {
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_child = |process: &String| {
        let is_parser = shown(process, "cmdline").is_some_and(|line| line.contains("\0parse\0--parent\0"));
        let status = shown(process, "status").unwrap_or_default();
        is_parser && value(&status, "PPid:") == parent.to_string() && value(&status, "State:") != "Z"
    };
    processes.filter(is_child).collect()
}

/// The first word behind `name` in a file of the form `name: value`.
fn value<'a>(file: &'a str, name: &str) -> &'a str {
    let line = file.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()).unwrap_or_default()
}

async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < LONG, "{what} does not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_process_that_parses_reaches_no_file_no_network_and_no_process() {
    let data_dir = tempfile::tempdir().unwrap();
    std::fs::write(data_dir.path().join("daedap.db"), "secret").unwrap();
    let output = Daedap::on(data_dir.path()).run(&["parse", "--self-test"]).await;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    for tried in [
        "/etc/passwd",
        "/proc/self/environ",
        &data_dir.path().display().to_string(),
        "write",
        "connect",
        "start",
    ] {
        let line =
            printed.lines().find(|line| line.contains(tried)).unwrap_or_else(|| panic!("{tried}: {printed}"));
        assert!(line.starts_with("prevented: "), "{line}");
    }
}

/// All in one test: the children of a process are told apart by nothing but their number.
#[tokio::test]
async fn few_processes_serve_many_documents_and_each_is_confined() {
    let parser = std::sync::Arc::new(sandboxed(2));
    let me = std::process::id();
    let parsing = (0..20).map(|number| {
        let parser = parser.clone();
        tokio::spawn(async move {
            let name = format!("secret-name-{number}.md");
            parser.parse(format!("# 휴가 {number}\n\n15일").into_bytes().into(), &name).await
        })
    });
    for (number, parsed) in futures::future::join_all(parsing).await.into_iter().enumerate() {
        assert_eq!(parsed.unwrap().unwrap().title, Some(format!("휴가 {number}")));
    }
    let links = parser.links(b"<!doctype html><a href=a>a</a>", "https://example.com/").await.unwrap();
    assert_eq!(links.targets, ["https://example.com/a"]);
    let children = children_of(me);
    assert!((1..=2).contains(&children.len()), "{children:?}");
    for child in &children {
        let status = shown(child, "status").unwrap();
        assert_eq!(value(&status, "NoNewPrivs:"), "1");
        assert_eq!(value(&status, "Seccomp:"), "2");
        assert_eq!(shown(child, "oom_score_adj").unwrap().trim(), "1000");
        let limits = shown(child, "limits").unwrap();
        for none in ["Max core file size", "Max file size"] {
            assert_eq!(value(&limits, none), "0", "{limits}");
        }
        assert_eq!(value(&limits, "Max open files"), "6");
        assert!(!shown(child, "cmdline").unwrap().contains("secret-name"));
        // Only root may look: the process is not to be looked into.
        if let Ok(open) = std::fs::read_dir(format!("/proc/{child}/fd")) {
            assert_eq!(open.count(), 3);
        }
    }

    // Each short line of this block is repeated with the marks of the quotes around it: 0.8 MB become 14.
    let growing = "> ".repeat(500) + "<div>" + &"<p>a".repeat(200_000);
    let costly = parser.parse(growing.into_bytes().into(), "a.md").await.unwrap_err();
    assert_eq!(costly.code(), "too_costly");

    // A long document is dropped half-way: its process ends, and the next one has its place.
    let long = "<p>가나다 <b>라</b>\n\n".repeat(1_000_000);
    let waiting = tokio::spawn({
        let parser = parser.clone();
        async move { parser.parse(long.into_bytes().into(), "a.html").await }
    });
    until("the start of a process", || !children_of(me).is_empty()).await;
    let busy = |child: &String| {
        shown(child, "statm")
            .is_some_and(|pages| pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() > 30_000)
    };
    until("the parsing", || children_of(me).iter().any(busy)).await;
    let parsing: Vec<String> = children_of(me).into_iter().filter(busy).collect();
    waiting.abort();
    until("its end", || !parsing.iter().any(|child| children_of(me).contains(child))).await;
    assert!(parser.parse(b"# a".to_vec().into(), "a.md").await.is_ok());
    drop(parser);
    until("the end of all", || children_of(me).is_empty()).await;
}

#[tokio::test]
async fn a_process_that_parses_does_not_outlive_its_parent() {
    let program = build_folder().join("daedap");
    // The shell is the parent; the test holds the other ends of the pipes, so that it is not their end that is noticed.
    let script = format!("'{}' parse --parent $$ <&3 & wait", program.display());
    let mut parent = Command::new("/bin/sh")
        .args(["-c", &format!("exec 3<&0; {script}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut input, mut output) = (parent.stdin.take().unwrap(), parent.stdout.take().unwrap());
    let mut greeting = [0; 8];
    output.read_exact(&mut greeting).await.unwrap();
    let child = children_of(parent.id().unwrap());
    assert_eq!(child.len(), 1);
    parent.kill().await.unwrap();
    until("the child's end", || shown(&child[0], "cmdline").is_none_or(|line| line.is_empty())).await;
    // Still open: had the child lived, it would have been waiting.
    let _ = input.write_all(b"x").await;
}
