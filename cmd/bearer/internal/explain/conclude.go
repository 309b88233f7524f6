package explain

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// conclude gives the verdict and the advice.
func (j *judge) conclude() {
	r := &j.report
	failure := r.firstFailure()
	v := &r.Verdict
	switch {
	case r.Answer != nil:
		v.Status, v.Code, v.Check = r.Answer.Status, string(j.refusal.Code), j.refusal.Check
	case failure != nil:
		v.Status, v.Check = statusOf(failure), failure.Log
	}
	if failure == nil {
		v.Text = "An API would let this token in."
		if len(j.config.Scope)+len(j.config.Roles) == 0 {
			v.Text += " A route that needs a scope or a role may refuse it: name them by --scope and --role."
		}
		if !j.knowsAPI() {
			v.Text = "Nothing is wrong with this token by itself; whether an API accepts it depends on its issuer and audience."
			r.Advice = Advice{Command: j.command()}
		}
		return
	}
	c := j.causeOf(failure)
	v.Cause = c.id
	r.Advice = c.advice
	v.Text = fmt.Sprintf("An API would answer %s: %s.", statusText(v.Status, v.Code), c.text)
	switch {
	case r.Answer != nil:
	case slices.Contains([]string{"opaque", "github-token", "google-token"}, c.id):
		v.Status, v.Check, v.Text = 0, "", "Nobody can tell from the token itself: "+c.text+"."
	case j.claims != nil:
		v.Text = fmt.Sprintf("Any API would answer %d: %s (unverified).", v.Status, c.text)
	default:
		v.Text = fmt.Sprintf("Any API would answer %d: %s.", v.Status, c.text)
	}
}

// statusOf returns the status of the answer to a check that failed.
func statusOf(c *Check) int {
	switch c.Name {
	case "length":
		return http.StatusRequestHeaderFieldsTooLarge
	case "characters":
		return http.StatusBadRequest
	}
	return http.StatusUnauthorized
}

func statusText(status int, code string) string {
	text := fmt.Sprint(status)
	if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusBadRequest {
		if code != "" && code != "forbidden" {
			text += " " + code
		}
	}
	return text
}

// command returns the command that explains the token for the API that it names.
// A value that a shell would read is left out.
func (j *judge) command() string {
	if j.iss == "" {
		return ""
	}
	list := j.claims.list(j.audienceClaim())
	audience := "AUDIENCE"
	if len(list) == 1 && isPlain(list[0]) {
		audience = list[0]
	}
	issuer := "URL"
	if isPlain(j.iss) {
		issuer = j.iss
	}
	command := `bearer explain "$TOKEN" --issuer ` + issuer + " --audience " + audience
	if j.isLikely {
		command += " --profile " + j.likely.Name
	}
	return command
}

// isPlain reports whether a shell takes s as it is.
func isPlain(s string) bool {
	return s != "" && s[0] != '-' && len(s) <= maxShown &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/._-") == ""
}

// addLikely adds what an API would do with the profile that the token seems to
// follow, if the profile is the reason of the refusal.
func (j *judge) addLikely(ctx context.Context) error {
	failure := j.report.firstFailure()
	if failure == nil || !j.knowsAPI() || j.report.Verdict.Cause != "wrong-profile" {
		return nil
	}
	c := j.config
	c.Profile, c.Transport = j.likely, j.memo
	other, err := newJudge(j.token, c)
	if err != nil {
		return err
	}
	if err := other.judge(ctx); err != nil {
		return err
	}
	v := other.report.Verdict
	text := fmt.Sprintf(" With the profile %s, it would answer %s.", j.likely.Name, statusText(v.Status, v.Code))
	if v.Status == http.StatusOK {
		text = fmt.Sprintf(" With the profile %s, it would let the token in.", j.likely.Name)
	} else if first := other.report.firstFailure(); first != nil {
		text = strings.TrimSuffix(text, ".") + ": " + other.causeOf(first).text + "."
	}
	j.report.Verdict.Text += text
	return nil
}

// WithAPI adds what the API itself says: its answer, if the token was sent, comes
// first.
func (r *Report) WithAPI(a *API) {
	r.API = a
	if a == nil {
		return
	}
	if r.Advice.Command != "" && len(a.Scope) > 0 && !slices.ContainsFunc(a.Scope, func(name string) bool { return !isPlain(name) }) {
		r.Advice.Command += ` --scope "` + strings.Join(a.Scope, " ") + `"`
	}
	s := a.Sent
	if s == nil {
		return
	}
	text := fmt.Sprintf("The API answered %s. ", statusText(s.Status, find(s.Challenges, "Bearer", "DPoP")["error"]))
	if as := r.Verdict.Status; as != 0 && as != s.Status && (as != http.StatusOK || s.Status >= 300) {
		r.Verdict.Text = text + "That is not what its settings, as far as they are known, lead to. " + s.Advice
		return
	}
	r.Verdict.Text = text + r.Verdict.Text
}
