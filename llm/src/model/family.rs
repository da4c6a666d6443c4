//! The model families that the decoder runs.

/// A family of models, by its architecture in GGUF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Llama 2 and 3, SmolLM2, Mistral, Solar, Kanana, Bllossom.
    Llama,
    /// Qwen2 and Qwen2.5.
    Qwen2,
    /// Qwen3 without experts.
    Qwen3,
    /// The text part of Gemma 3.
    Gemma3,
    /// EXAONE 3 and 3.5.
    Exaone,
}

impl Family {
    const ALL: [Self; 5] = [Self::Llama, Self::Qwen2, Self::Qwen3, Self::Gemma3, Self::Exaone];

    /// Its name in GGUF, which is also the prefix of its metadata keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Gemma3 => "gemma3",
            Self::Exaone => "exaone",
        }
    }

    /// The family that GGUF calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// Whether the rows of the query and key matrices are ordered so that RoPE rotates neighbours, as llama.cpp writes
    /// Llama's. All other families rotate a number with the one half a head further.
    pub(crate) fn has_interleaved_rope(self) -> bool {
        self == Self::Llama
    }
}
