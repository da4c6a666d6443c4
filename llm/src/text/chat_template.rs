//! Renders messages with the model's chat template, to the prompt format that the model was trained on.
//!
//! A template is a Jinja program from an untrusted file. It runs without files, without includes, with bounded fuel and
//! bounded output. It never sees what messages say, but a placeholder for each content; the contents replace the
//! placeholders afterwards. So nothing in a message can act as markup, neither for the template nor for the tokenizer.
//!
//! Does not support tools, images and thinking switches.

use std::borrow::Cow;
use std::io;

use domain::{Message, Role};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, ErrorKind, Value, context};

use crate::error::{LoadError, Source};
use crate::model::gguf::file::GgufFile;
use crate::text::prompt::PromptSegment;
use crate::text::vocabulary::Vocabulary;

/// Maximum instructions of a rendering; the longest templates take some hundred per message.
const FUEL: u64 = 2_000_000;
/// Maximum output of a template besides the contents.
const MAX_MARKUP_BYTES: usize = 1 << 20;

/// The template sees content `i` as the character `FIRST_PLACEHOLDER + i` between two [`PADDING`]s. It is of private
/// use plane 15, which no template uses.
const FIRST_PLACEHOLDER: u32 = 0xF_0000;
const MAX_MESSAGES: usize = 0xFFFD;
/// Whitespace that no template writes: where it is missing after rendering, the template has trimmed the content.
const PADDING: char = '\u{2003}';

/// For files of ChatML models (SmolLM, Qwen) that have no template.
const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + \
    message.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}\
    {% endif %}";

/// A compiled template.
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    /// The tokens that begin and end a text, for templates that write them themselves.
    bos: String,
    eos: String,
    /// The template does not support system messages: their text is put before the first user message.
    folds_system: bool,
}

impl ChatTemplate {
    /// Compiles the template of the file; ChatML for a file without one whose vocabulary has ChatML's markup.
    pub(crate) fn read(gguf: &GgufFile, vocabulary: &Vocabulary) -> Result<Self, LoadError> {
        let has_chatml = || vocabulary.iter().any(|(_, token, _)| token == "<|im_start|>");
        let source = match gguf.text("tokenizer.chat_template")? {
            Some(source) => source,
            None if has_chatml() => CHATML,
            None => return Err(LoadError::Template("the file has no chat template".into())),
        };
        Self::compile(source, vocabulary.token_text(vocabulary.bos), vocabulary.token_text(vocabulary.eos))
    }

    /// Compiles `source` and tries it on a small conversation.
    fn compile(source: &str, bos: &str, eos: &str) -> Result<Self, LoadError> {
        let refuse = |error: minijinja::Error| LoadError::Template(error.into());
        let mut environment = Environment::new();
        // As Hugging Face's tokenizers set up Jinja for chat templates.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(refuse)?;
        environment.set_syntax(syntax);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment.add_template_owned("chat", source.to_owned()).map_err(refuse)?;
        let mut template =
            Self { environment, bos: bos.to_owned(), eos: eos.to_owned(), folds_system: false };
        template.folds_system = !template.renders_all(&trial_messages(true));
        if template.folds_system && !template.renders_all(&trial_messages(false)) {
            let failure = template.render(&trial_messages(false)).err();
            let failure = failure.unwrap_or_else(|| "it does not render all messages".into());
            return Err(LoadError::Template(failure));
        }
        Ok(template)
    }

    /// Renders the prompt for the next answer. The error is the template's own.
    pub(crate) fn render<'a>(&self, messages: &'a [Message]) -> Result<Vec<PromptSegment<'a>>, Source> {
        let (roles, contents) = self.fold_system(messages);
        if contents.len() > MAX_MESSAGES {
            return Err(format!("too many messages: {}, more than {MAX_MESSAGES}", contents.len()).into());
        }
        let shown = roles.into_iter().zip(&contents).zip(FIRST_PLACEHOLDER..).map(
            |((role, content), placeholder)| {
                // Templates test whether a content is empty, so empty and blank ones are shown as they are.
                let blank = content.trim().is_empty();
                let content = if blank { content.to_string() } else { placeholder_text(placeholder) };
                context! { role => role, content => content }
            },
        );
        let variables = context! {
            messages => shown.collect::<Vec<Value>>(),
            add_generation_prompt => true,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
        };
        let mut markup = BoundedBuffer::default();
        let template = self.environment.get_template("chat")?;
        template.render_captured_to(variables, &mut markup)?;
        let markup = String::from_utf8(markup.0)?;
        Ok(fill_placeholders(&markup, &contents))
    }

    fn fold_system<'a>(&self, messages: &'a [Message]) -> (Vec<&'static str>, Vec<Cow<'a, str>>) {
        let mut roles: Vec<_> = messages.iter().map(|message| role_name(message.role)).collect();
        let mut contents: Vec<_> =
            messages.iter().map(|message| Cow::from(message.content.as_str())).collect();
        if let ([system, user, ..], true) = (messages, self.folds_system)
            && system.role == Role::System
            && user.role == Role::User
        {
            roles.remove(0);
            contents.splice(..2, [Cow::from(format!("{}\n\n{}", system.content, user.content))]);
        }
        (roles, contents)
    }

    /// Whether rendering works and includes every content.
    fn renders_all(&self, messages: &[Message]) -> bool {
        let Ok(prompt) = self.render(messages) else { return false };
        messages.iter().all(|message| {
            prompt.iter().any(
                |segment| matches!(segment, PromptSegment::Text(text) if text.contains(&message.content)),
            )
        })
    }
}

fn trial_messages(with_system: bool) -> Vec<Message> {
    let roles = [Role::System, Role::User, Role::Assistant, Role::User];
    let message = |(role, number)| Message { role, content: format!("content {number}") };
    roles.into_iter().zip(0..).skip(usize::from(!with_system)).map(message).collect()
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

fn placeholder_text(placeholder: u32) -> String {
    char::from_u32(placeholder).map(|mark| format!("{PADDING}{mark}{PADDING}")).unwrap_or_default()
}

/// Replaces the placeholders by the contents.
fn fill_placeholders<'a>(markup: &str, contents: &[Cow<'a, str>]) -> Vec<PromptSegment<'a>> {
    let content_of = |mark: char| contents.get((mark as u32).checked_sub(FIRST_PLACEHOLDER)? as usize);
    let mut prompt = Vec::new();
    let mut rest = markup;
    while let Some((at, mark, content)) =
        rest.char_indices().find_map(|(at, c)| Some((at, c, content_of(c)?)))
    {
        let (before, after) = (&rest[..at], &rest[at + mark.len_utf8()..]);
        let (before, keeps_start) = before.strip_suffix(PADDING).map_or((before, false), |text| (text, true));
        let (after, keeps_end) = after.strip_prefix(PADDING).map_or((after, false), |text| (text, true));
        push_markup(&mut prompt, before);
        prompt.push(PromptSegment::Text(trimmed(content, keeps_start, keeps_end)));
        rest = after;
    }
    push_markup(&mut prompt, rest);
    prompt
}

fn push_markup(prompt: &mut Vec<PromptSegment<'_>>, markup: &str) {
    if !markup.is_empty() {
        prompt.push(PromptSegment::Markup(markup.to_owned()));
    }
}

fn trimmed<'a>(content: &Cow<'a, str>, keeps_start: bool, keeps_end: bool) -> Cow<'a, str> {
    let cut = |text: &str| {
        let start = if keeps_start { 0 } else { text.len() - text.trim_start().len() };
        let end = if keeps_end { text.len() } else { text.trim_end().len() };
        start..end.max(start)
    };
    match content {
        Cow::Borrowed(text) => Cow::Borrowed(&text[cut(text)]),
        Cow::Owned(text) => Cow::Owned(text[cut(text)].to_owned()),
    }
}

/// Templates call it for conversations that they do not allow.
fn raise_exception(message: &str) -> Result<Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message.to_owned()))
}

/// Today's date, formatted as by `strftime`; Llama 3 templates tell it to the model.
fn strftime_now(format: &str, _options: Kwargs) -> Result<String, minijinja::Error> {
    jiff::fmt::strtime::format(format, &jiff::ZonedDateTime::now())
        .map_err(|error| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

/// Refuses to grow past [`MAX_MARKUP_BYTES`]: fuel bounds a template's steps, not what each step writes.
#[derive(Default)]
struct BoundedBuffer(Vec<u8>);

impl io::Write for BoundedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_MARKUP_BYTES {
            return Err(io::Error::other("the output of the chat template exceeds the limit"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: Role, content: &str) -> Message {
        Message { role, content: content.to_owned() }
    }

    fn template(source: &str) -> ChatTemplate {
        ChatTemplate::compile(source, "<s>", "</s>").expect("a sound template")
    }

    /// The prompt with contents in brackets, to see which text came from where.
    fn shown(prompt: &[PromptSegment<'_>]) -> String {
        let show = |segment: &PromptSegment<'_>| match segment {
            PromptSegment::Markup(markup) => markup.clone(),
            PromptSegment::Text(text) => format!("[{text}]"),
        };
        prompt.iter().map(show).collect()
    }

    #[test]
    fn contents_stay_apart_from_markup_and_untouched() {
        let messages = [message(Role::User, " <|im_end|> {{ 7 * 7 }} \u{F0000} ")];
        let prompt = template(CHATML).render(&messages).expect("rendered");
        let expected =
            "<|im_start|>user\n[ <|im_end|> {{ 7 * 7 }} \u{F0000} ]<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(shown(&prompt), expected);
    }

    #[test]
    fn a_template_that_trims_trims_the_content_itself() {
        let trims = "{% for m in messages %}{{ m.role }}: {{ m.content | trim }} {{ m.content.lstrip() }};{% endfor %}";
        let messages = [message(Role::User, "\n 질문 ")];
        assert_eq!(shown(&template(trims).render(&messages).expect("rendered")), "user: [질문] [질문 ];");
    }

    #[test]
    fn an_empty_content_is_empty_for_the_template() {
        let asks = "{% for m in messages %}{% if m.content %}{{ m.content }}{% else %}nothing{% endif %}{% endfor %}";
        assert_eq!(shown(&template(asks).render(&[message(Role::User, "")]).expect("rendered")), "nothing");
    }

    #[test]
    fn a_system_message_the_template_does_not_support_goes_to_the_first_question() {
        let mistral = "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]\
            {% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}{% else %}\
            {{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}";
        let messages = [message(Role::System, "Be brief."), message(Role::User, "Hi")];
        let prompt = template(mistral).render(&messages).expect("rendered");
        assert_eq!(shown(&prompt), "<s>[INST] [Be brief.\n\nHi] [/INST]");
    }

    #[test]
    fn what_hugging_face_templates_use_is_there() {
        let uses = "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ m['content'] }}\
            {% if m['role'].startswith('us') and loop.last %}{{ strftime_now('%Y') | length }}{% endif %}{% endfor %}\
            {{ ns.n }}{% if tools is defined %}tools{% endif %}";
        assert_eq!(shown(&template(uses).render(&[message(Role::User, "a")]).expect("rendered")), "[a]41");
    }

    #[test]
    fn a_hostile_template_is_refused() {
        let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
        let verbose = "{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}";
        let broken = "{% for %}";
        let forgetful = "{{ messages[0].content }}";
        let reads_files = "{% include '/etc/passwd' %}";
        let bad_date = "{{ strftime_now('%') }}";
        for source in [endless, verbose, broken, forgetful, reads_files, bad_date] {
            let refused = ChatTemplate::compile(source, "", "");
            assert!(matches!(refused, Err(LoadError::Template(_))), "{source}");
        }
    }
}
