package bearer

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/scope"
)

// form is the body of an answer in one media type, compiled up to the request_id.
type form struct {
	mediaType string
	prefix    string // the body up to the request_id's value
	length    length // of the whole body with a random request ID
}

// length is a Content-Length, as a number and as text.
type length struct {
	bytes int
	text  string
}

func lengthOf(bytes int) length { return length{bytes, strconv.Itoa(bytes)} }

// bodyEnd follows the request_id's value.
const bodyEnd = "\"}\n"

func newAnswer(status int, challenges []string, code Code, text string, needs scope.Set) answer {
	body := func(mediaType, start, textName string) form {
		b := append([]byte(start), `"status":`...)
		b = strconv.AppendInt(b, int64(status), 10)
		if code != "" {
			b = appendMember(b, "error", string(code))
		}
		b = appendMember(b, textName, text)
		if !needs.IsEmpty() {
			b = appendMember(b, "scope", needs.String())
		}
		b = append(b, `,"request_id":"`...)
		return form{mediaType, string(b), lengthOf(len(b) + randomIDLen + len(bodyEnd))}
	}
	return answer{
		status:     status,
		challenges: challenges,
		json:       body("application/json", `{`, "error_description"),
		problem: body("application/problem+json",
			`{"type":"about:blank","title":"`+http.StatusText(status)+`",`, "detail"),
		code:  code,
		text:  text,
		scope: needs,
	}
}

func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	b, _ = jsontext.AppendQuote(b, strings.ToValidUTF8(value, "\uFFFD")) // fails only for invalid UTF-8
	return b
}

// form returns the body of the answer in one of its two media types.
func (a *answer) form(problem bool) *form {
	if problem {
		return &a.problem
	}
	return &a.json
}

// maxAcceptLen bounds how many bytes of all Accept fields are read.
const maxAcceptLen = 1 << 10

// wantsProblem reports whether the client accepts application/problem+json (RFC
// 9457, Section 3) by name and does not prefer application/json.
func wantsProblem(accept []string) bool {
	problem, plain := 0.0, 0.0
	left := maxAcceptLen
	for _, line := range accept {
		if left -= len(line) + 1; left < 0 {
			break
		}
		for part := range strings.SplitSeq(line, ",") {
			mediaType, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			weight := 1.0
			if q, ok := params["q"]; ok {
				if weight, err = strconv.ParseFloat(q, 64); err != nil {
					continue
				}
			}
			switch mediaType {
			case "application/problem+json":
				problem = max(problem, weight)
			case "application/json":
				plain = max(plain, weight)
			}
		}
	}
	return problem > 0 && problem >= plain
}
