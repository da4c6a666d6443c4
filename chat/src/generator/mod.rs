//! What writes answers: the engine in this process, or a server that speaks OpenAI's chat completions.

pub mod local;
pub mod openai;

pub use local::LocalGenerator;
pub use openai::{OpenAiGenerator, OpenAiOptions};
