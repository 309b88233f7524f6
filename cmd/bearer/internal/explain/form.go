package explain

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// maxTokenBytes is the default of bearer.Config.MaxTokenBytes.
const maxTokenBytes = 16 << 10

// checkRequest checks what the guard checks before it reads the token.
func (j *judge) checkRequest() {
	j.verdict("length", len(j.token) <= maxTokenBytes, Check{
		Log: "token length", Expected: fmt.Sprintf("at most %d bytes", maxTokenBytes), Got: fmt.Sprintf("%d bytes", len(j.token)),
	})
	log := "token"
	if j.token == "" {
		log = "Authorization"
	}
	j.verdict("characters", isToken68(j.token), Check{
		Log: log, Expected: "letters, digits and -._~+/ only, and = at the end", Got: strangers(j.token),
	})
}

const token68 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~+/"

func isToken68(s string) bool {
	s = strings.TrimRight(s, "=")
	return s != "" && strings.Trim(s, token68) == "" && strangers(s) == "no other characters"
}

// strangers names the characters of a token that no token has. It shows none of
// the others.
func strangers(s string) string {
	if s == "" {
		return "no token"
	}
	names := map[rune]string{' ': "a space", '\n': "a line break", '\r': "a line break", '\t': "a tab", '"': "a quote", '\'': "a quote", '%': "a percent sign", ',': "a comma", '=': "an equals sign before the end"}
	var found []string
	for _, c := range strings.TrimRight(s, "=") {
		if strings.ContainsRune(token68, c) {
			continue
		}
		name := names[c]
		if name == "" {
			name = fmt.Sprintf("%q", c)
		}
		if !slices.Contains(found, name) && len(found) < 4 {
			found = append(found, name)
		}
	}
	if found == nil {
		return "no other characters"
	}
	return strings.Join(found, ", ")
}

// checkForm checks the parts of the compact serialization.
func (j *judge) checkForm() {
	_, err := jose.Parse(j.token)
	malformed, _ := errors.AsType[*jose.MalformedError](err)
	isJWS := err == nil || malformed != nil
	j.verdict("form", isJWS, Check{
		Log: "form", Expected: "a JWT: three parts of base64url with dots between them", Got: j.formText(),
	})
	if !isJWS {
		j.skip("", "header", "crit", "encoding")
		return
	}
	j.parsed = err == nil
	segments := strings.Split(j.token, ".")
	j.readHeader(segments[0], malformed)
	j.readSegments(segments)
}

// formText says how many parts the token has.
func (j *judge) formText() string {
	switch n := strings.Count(j.token, "."); {
	case j.token == "":
		return "nothing"
	case n == 0:
		return fmt.Sprintf("one part of %d characters", len(j.token))
	default:
		return fmt.Sprintf("%d parts", n+1)
	}
}

func (j *judge) readHeader(segment string, malformed *jose.MalformedError) {
	document, _ := jose.DecodeBase64URL(segment) // Parse has decoded it
	header := map[string]strictjson.Value{}
	err := strictjson.Object(document, func(name []byte, value strictjson.Value) error {
		header[string(name)] = value
		return nil
	})
	if err == nil {
		j.rawHeader = header
	}
	reason, isHeader := "", malformed != nil && malformed.Part == "header"
	if isHeader {
		reason = malformed.Reason
	}
	j.verdict("header", !isHeader, Check{
		Log: "header", Expected: "a JSON object with alg", Got: cmpOr(reason, j.headerText()),
	})
	if isHeader {
		j.skip("the header cannot be read", "crit")
		return
	}
	isCrit := malformed != nil && malformed.Part == "crit"
	got := "none"
	if isCrit {
		got = "a list of extensions, which the SDK does not support"
	}
	j.verdict("crit", !isCrit, Check{Log: "crit", Expected: "no critical extension", Got: got})
	for name, to := range map[string]*string{"alg": &j.header.Algorithm, "kid": &j.header.KeyID, "typ": &j.header.Type} {
		*to = textOf(header[name])
	}
	j.header.HasKeyID, j.header.HasType = header["kid"] != nil, header["typ"] != nil
}

// headerText lists what the header says, in the order that people look for it.
func (j *judge) headerText() string {
	var parts []string
	for _, name := range []string{"alg", "typ", "kid"} {
		if value := j.rawHeader[name]; value != nil {
			parts = append(parts, name+" "+shown(textOf(value)))
		}
	}
	return strings.Join(parts, ", ")
}

func (j *judge) readSegments(segments []string) {
	var failures []string
	log := ""
	for i, part := range []string{"payload", "signature"} {
		bytes, err := jose.DecodeBase64URL(segments[i+1])
		if err == nil && len(bytes) == 0 {
			err = errors.New("empty")
		}
		if err != nil {
			failures = append(failures, "the "+part+" is "+strings.TrimPrefix(err.Error(), "the "+part+" is "))
			log = cmpOr(log, part)
			continue
		}
		if part == "payload" {
			j.payload = bytes
		} else {
			j.signature = bytes
		}
	}
	got := strings.Join(failures, "; ")
	if failures == nil {
		got = fmt.Sprintf("a payload of %d bytes and a signature of %d", len(j.payload), len(j.signature))
	}
	j.verdict("encoding", failures == nil, Check{Log: log, Expected: "base64url without padding", Got: got})
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// textOf returns a JSON string, or the JSON of any other value.
func textOf(v strictjson.Value) string {
	if v == nil {
		return ""
	}
	s, err := strictjson.String(v)
	if err != nil {
		return string(v)
	}
	return s
}
