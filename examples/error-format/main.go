// Command error-format is an API whose errors all have one format of its own,
// the refusals of the guard included.
//
//	go run ./examples/error-format
//
// prints where the API and a development issuer listen, as assignments. Paste
// these into another terminal, and then:
//
//	TOKEN=$(curl -s $ISSUER/token -d grant_type=client_credentials -d client_id=app -d sub=alice -d scope=orders:read |
//	    sed 's/.*"access_token":"\([^"]*\)".*/\1/')
//	curl -i $API/orders -H "Authorization: Bearer $TOKEN"            # 200
//	curl -i $API/orders                                              # 401, in the API's format
//	curl -i -X DELETE $API/orders -H "Authorization: Bearer $TOKEN"  # 403, in the API's format
//	curl -i $API/carts                                               # 404, in the API's format
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/internal/devserver"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

const audience = "https://api.example.com"

// newAPI returns the API.
func newAPI(issuer, _ string) (http.Handler, error) {
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{tokens},
		Logger:    slog.Default(),
		ErrorBody: func(_ *http.Request, e bearer.PublicError) (string, []byte) {
			return mediaType, errorBody(e.Status, e.Text, e.RequestID)
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(list)))
	mux.Handle("DELETE /orders", bearerhttp.Require(guard, scope.All("orders:write"))(http.HandlerFunc(list)))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write(errorBody(http.StatusNotFound, "There is no such page.", ""))
	})
	return mux, nil
}

func list(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	fmt.Fprintf(w, "The orders, for %s.\n", p.Subject)
}

const mediaType = "application/json"

// errorBody writes an error in the API's format.
func errorBody(status int, message, trace string) []byte {
	body, _ := json.Marshal(map[string]any{ // these types always marshal
		"error": map[string]any{"status": status, "message": message, "trace": trace},
	})
	return append(body, '\n')
}

func main() { devserver.Run(serve) }

func serve(address string, stdout io.Writer) error {
	return devserver.ServeWithIssuer(address, stdout, bearertest.IssuerConfig{Audience: []string{audience}}, newAPI)
}
