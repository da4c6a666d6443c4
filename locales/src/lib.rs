//! The catalogue of messages: every text that a person sees, in each language.
