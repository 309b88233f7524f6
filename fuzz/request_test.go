package fuzz_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

// maxInput is the length of the longest connection. It is longer than the longest
// token.
const maxInput = 40 << 10

var standard = &issued{minted, made}

// request returns the bytes of a request with header field lines.
func request(line string, fields ...string) []byte {
	return []byte(line + " HTTP/1.1\r\nHost: api.example.com\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n")
}

func clientCert() string {
	return "Client-Cert: :" + base64.StdEncoding.EncodeToString(ownCert.Raw) + ":"
}

// seeds are connections that reach each kind of answer in some setup.
func seeds() (list [][]byte) {
	for _, fields := range [][]string{
		nil, {"Authorization: Bearer " + reader}, {"authorization: bearer   " + edward}, {"Authorization: Bearer " + weak},
		{"Authorization: Bearer " + reader[:len(reader)-1]}, {"Authorization: Bearer " + reader + "="}, {"Authorization: Bearer " + reader + "."},
		{"Authorization: Bearer " + opaqueReader}, {"Authorization: Bearer " + opaqueWeak}, {"Authorization: Bearer " + opaqueDown},
		{"Authorization: Bearer opq_0"}, {"Authorization: Bearer"}, {"Authorization: Basic eDp5"}, {"Authorization: Bearer a b"},
		{"Authorization: Bearer " + reader, "Authorization: Bearer " + weak},
		{"Authorization: DPoP " + boundToken, "DPoP: " + boundProof}, {"Authorization: Bearer " + boundToken, "DPoP: " + boundProof},
		{"Authorization: DPoP " + boundToken}, {"Authorization: DPoP " + boundToken, "DPoP: " + opaqueProof},
		{"Authorization: DPoP " + boundToken, "DPoP: " + boundProof, "DPoP: " + boundProof},
		{"Authorization: DPoP " + opaqueBound, "DPoP: " + opaqueProof}, {"Authorization: DPoP " + reader, "DPoP: " + boundProof},
		{"Authorization: Bearer " + pinned}, {"Authorization: Bearer " + pinned, clientCert()},
		{"Authorization: Bearer " + pinned, clientCert(), clientCert()}, {"Authorization: Bearer " + opaquePinned, clientCert()},
		{"Accept: application/problem+json", "Authorization: Bearer " + reader + "x"},
		{"Expect: 100-continue", "Content-Length: 3"}, {"Transfer-Encoding: chunked"}, {"Content-Length: 1", "Content-Length: 2"},
		{"Authorization: Bearer " + reader, "Connection: Upgrade", "Upgrade: websocket"},
		{"Authorization: Bearer " + strings.Repeat(".", 17<<10)},
	} {
		list = append(list, request("GET "+path, fields...))
	}
	twice := request("GET "+path, "Authorization: DPoP "+boundToken, "DPoP: "+boundProof)
	for _, line := range []string{
		"HEAD " + path, "POST " + path, "OPTIONS *", "CONNECT api.example.com:443", "get " + path, "GET //orders/../x?access_token=" + reader,
		"GET http://evil.example.com/orders", "GET /%6frders", "GET /orders#x", "PRI *",
	} {
		list = append(list, request(line, "Authorization: DPoP "+boundToken, "DPoP: "+boundProof), request(line, "Authorization: Bearer "+reader))
	}
	return append(list,
		append(twice, twice...),
		[]byte("GET /orders HTTP/1.0\nAuthorization: Bearer "+reader+"\n\n"),
		[]byte("GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization:\r\n Bearer "+reader+"\r\n\r\n"),
		[]byte("POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nGET /orders HTTP/1.1\r\nAuthorization: Bearer "+reader+"\r\n\r\n"),
		[]byte("POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\naaaaa\r\n0\r\nAuthorization: Bearer "+reader+"\r\n\r\n"),
	)
}

// FuzzRequest sends the bytes of a connection to a guarded API on each framework.
//
//   - The handler runs if the request has a token that the issuer made, byte for
//     byte, and what the token is bound to. It runs for no other request.
//   - Nothing panics, and each refusal has the challenges of its status.
//   - All frameworks answer and log the same bytes.
//   - Neither the answer nor the log has 12 characters of a token or a proof.
//   - The memory that is allocated is bounded by the length of the input.
func FuzzRequest(f *testing.F) {
	for i, input := range seeds() {
		f.Add(uint8(i), input)
	}
	f.Fuzz(func(t *testing.T, number uint8, input []byte) {
		if len(input) > maxInput {
			t.Skip("too long")
		}
		check(t, int(number)%len(setups), input, standard)
	})
}
