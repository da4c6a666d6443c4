//! Migrations are embedded by a macro, which cannot see that a file was added; this can.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
