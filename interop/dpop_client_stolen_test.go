package interop_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// An attacker sends the client's proofs.
func TestDPoPClientProofsStolen(t *testing.T) {
	o := sharedNodeOP(t)
	a := newBoundAPI(t, boundConfig{issuer: o.issuer})
	c := sharedDPoPClient(t)
	const key = "ES256"
	token, later := c.token(t, o, a, key, ""), c.token(t, o, a, key, "")
	proof := func(t *testing.T, method, path, token string) string {
		return c.proof(t, method, a.url+path, token, key)
	}
	used := proof(t, "GET", "/me", token)
	if status, _ := a.raw(t, "GET", "/me", token, used); status != http.StatusOK {
		t.Fatalf("%d; want 200", status)
	}
	tests := []struct {
		name, method, path, token string
		proofs                    []string
		check                     string
	}{
		{"the same request again", "GET", "/me", token, []string{used}, "replay"},
		{"with another query", "GET", "/me?a=1", token, []string{used}, "replay"},
		{"at another path", "GET", "/orders", token, []string{proof(t, "GET", "/me", token)}, "htu"},
		{"an encoded slash, decoded", "GET", "/files/a/b", token, []string{proof(t, "GET", "/files/a%2Fb", token)}, "htu"},
		{"below a path", "GET", "/files/me", token, []string{proof(t, "GET", "/files/", token)}, "htu"},
		{"by another method", "POST", "/me", token, []string{proof(t, "GET", "/me", token)}, "htm"},
		{"with another token of the key", "GET", "/me", later, []string{proof(t, "GET", "/me", token)}, "ath"},
		{"two", "GET", "/me", token, []string{proof(t, "GET", "/me", token), proof(t, "GET", "/me", token)}, "DPoP"},
		{"none", "GET", "/me", token, nil, "DPoP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body := a.raw(t, tt.method, tt.path, tt.token, tt.proofs...)
			event := a.refusal(t, body)
			if status != http.StatusUnauthorized || event.Code != "invalid_dpop_proof" || event.Check != tt.check {
				t.Errorf("%d %s by check %q (expected %s, got %s); want 401 invalid_dpop_proof by %q",
					status, event.Code, event.Check, event.Expected, event.Got, tt.check)
			}
		})
	}
	t.Run("at the same time", func(t *testing.T) {
		const times = 16
		fresh := proof(t, "GET", "/me", token)
		statuses := make(chan int, times)
		for range times {
			go func() {
				status, _ := a.raw(t, "GET", "/me", token, fresh)
				statuses <- status
			}()
		}
		count := map[int]int{}
		for range times {
			count[<-statuses]++
		}
		if count[http.StatusOK] != 1 || count[http.StatusUnauthorized] != times-1 {
			t.Errorf("%v; want one 200 and %d times 401", count, times-1)
		}
	})
}

// raw sends a hand-written request with the DPoP scheme.
func (a *boundAPI) raw(t *testing.T, method, path, token string, proofs ...string) (status int, body []byte) {
	addr := a.server.Listener.Addr().String()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	defer conn.Close()
	text := method + " /api/v1" + path + " HTTP/1.1\r\nHost: " + addr + "\r\nConnection: close\r\nAuthorization: DPoP " + token + "\r\n"
	for _, proof := range proofs {
		text += "DPoP: " + proof + "\r\n"
	}
	if _, err = io.WriteString(conn, text+"\r\n"); err != nil {
		t.Error(err)
		return 0, nil
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), httptest.NewRequest(method, "/", nil))
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Error(err)
	}
	return resp.StatusCode, body
}
