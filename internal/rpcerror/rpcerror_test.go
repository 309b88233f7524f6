package rpcerror_test

import (
	"maps"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/rpcerror"
	"github.com/bearerkit/bearerkit/scope"
)

// The numbers are those of google.rpc.Code; the adapters' tests compare the names.
func TestRefusals(t *testing.T) {
	tests := []struct {
		e      bearer.PublicError
		code   uint32
		reason string
	}{
		{bearer.PublicError{Status: 400, Code: bearer.CodeInvalidRequest}, 3, "INVALID_REQUEST"},
		{bearer.PublicError{Status: 401}, 16, "MISSING_CREDENTIALS"},
		{bearer.PublicError{Status: 401, Code: bearer.CodeInvalidToken}, 16, "INVALID_TOKEN"},
		{bearer.PublicError{Status: 401, Code: bearer.CodeUseDPoPNonce}, 16, "USE_DPOP_NONCE"},
		{bearer.PublicError{Status: 401, Code: bearer.CodeInsufficientUserAuth}, 16, "INSUFFICIENT_USER_AUTHENTICATION"},
		{bearer.PublicError{Status: 403, Code: bearer.CodeInsufficientScope}, 7, "INSUFFICIENT_SCOPE"},
		{bearer.PublicError{Status: 403}, 7, "FORBIDDEN"},
		{bearer.PublicError{Status: 404}, 5, "NOT_FOUND"},
		{bearer.PublicError{Status: 429}, 8, "TOO_MANY_FAILURES"},
		{bearer.PublicError{Status: 431}, 3, "TOKEN_TOO_LONG"},
		{bearer.PublicError{Status: 500}, 13, "MISCONFIGURED"},
		{bearer.PublicError{Status: 503}, 14, "UNAVAILABLE"},
	}
	for _, tt := range tests {
		if code, reason := rpcerror.Code(tt.e), rpcerror.Reason(tt.e); code != tt.code || reason != tt.reason {
			t.Errorf("%d %s: %d %s, want %d %s", tt.e.Status, tt.e.Code, code, reason, tt.code, tt.reason)
		}
	}
	if got := rpcerror.Pushback(bearer.PublicError{RetryAfter: 7}); got != "7000" { // gRFC A6
		t.Errorf("pushback %s, want 7000", got)
	}
	got := rpcerror.Metadata(bearer.PublicError{RequestID: "id-1", Scope: scope.Of("b", "a")})
	if want := map[string]string{"request_id": "id-1", "scope": scope.Of("b", "a").String()}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := rpcerror.Metadata(bearer.PublicError{RequestID: "id-1"}); len(got) != 1 {
		t.Errorf("%v, want only the request ID", got)
	}
}
