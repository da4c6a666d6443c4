//! Converts messages to tokens, and tokens to text.
//!
//! ```text
//! messages --chat template--> markup and texts --tokenizer--> tokens --model--> tokens --detokenize--> text --stop
//! ```
//!
//! Text from people never becomes special tokens; see [`chat_template`] and [`tokenizer`].

pub(crate) mod chat_template;
pub(crate) mod detokenize;
pub(crate) mod prompt;
pub(crate) mod stop;
pub(crate) mod tokenizer;
pub(crate) mod vocabulary;
