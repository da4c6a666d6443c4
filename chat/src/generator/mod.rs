//! Generators: the engine in this process, or a server with OpenAI's chat completions API.

pub mod local;
pub mod openai;

pub use local::LocalGenerator;
pub use openai::{OpenAiGenerator, OpenAiOptions};
