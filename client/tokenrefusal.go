package client

import (
	"fmt"
	"net/http"
)

// tokenRefusal returns the error for an answer of a token endpoint (RFC 6749,
// Section 5.2). Its text quotes the code and not the body, which may repeat secrets
// of the request.
func tokenRefusal(status int, code string) *sourceError {
	e := &sourceError{remedy: FixRequest, text: fmt.Sprintf("the token endpoint answered %d", status)}
	if code = printable(code, maxCode); code != "" {
		e.text += fmt.Sprintf(", %q", code)
	}
	switch code {
	case "invalid_grant", "login_required", "interaction_required", "consent_required":
		e.remedy = SignIn
	case "invalid_scope", "access_denied":
		e.remedy = AskForScope
	case "insufficient_user_authentication", "unmet_authentication_requirements": // RFC 9470, Section 4
		e.remedy = StepUpLogin
	case "temporarily_unavailable", "server_error", "slow_down":
		e.remedy = Unavailable
	case "":
		if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
			e.remedy = Unavailable
		}
	}
	return e
}
