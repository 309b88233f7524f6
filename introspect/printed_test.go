package introspect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/introspect"
)

// Reports G8: fmt, log/slog and encoding/json print the settings of a value, and no
// secret.
func TestPrinted(t *testing.T) {
	tests := []struct {
		name  string
		value any
		text  string
		json  string
	}{
		{"no Auth", introspect.Auth{}, "none", `"none"`},
		{"Basic", introspect.ClientSecretBasic("api", "s3cret"), "client_secret_basic api", `"client_secret_basic api"`},
		{"mutual TLS", introspect.MutualTLS("api"), "tls_client_auth api", `"tls_client_auth api"`},
		{"a bearer token", introspect.BearerToken(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "s3cret"})), "bearer token", `"bearer token"`},
		{"an empty Signed", introspect.Signed{}, "introspect.Signed{}", `{}`},
		{
			"Signed", introspect.Signed{Audience: "api", JWKSURI: "https://u:s3cret@login.example.com/keys?s3cret", Algorithms: []string{"ES256"}},
			`introspect.Signed{Audience:"api" JWKSURI:"https://login.example.com/keys" Algorithms:["ES256"]}`,
			`{"Audience":"api","JWKSURI":"https://login.example.com/keys","Algorithms":["ES256"]}`,
		},
		{"an empty Config", introspect.Config{}, `introspect.Config{Auth:"none"}`, `{"Auth":"none"}`},
		{
			"a full Config", introspect.Config{
				Issuer: "https://login.example.com", AllowNonHTTPSIdentifier: true, Endpoint: "https://u:s3cret@login.example.com/introspect?s3cret",
				Auth: introspect.ClientSecretPost("api", "s3cret"), Audience: []string{"a"}, InsecureAudienceNotSent: true, Roles: []string{"/r"},
				JWTs: true, Accept: func(string) bool { return true }, Signed: &introspect.Signed{Audience: "api"}, Leeway: 1, Timeout: 2, MaxConcurrent: 3,
				MaxAge: 4, NegativeAge: 5, ServeStale: 6, CacheEntries: 7, CacheBytes: 8, Shared: newMemory(), SharedSecret: []byte("s3cret"),
				Client: http.DefaultClient, InsecureAllowHTTP: true,
			},
			`introspect.Config{Issuer:"https://login.example.com" AllowNonHTTPSIdentifier:true Endpoint:"https://login.example.com/introspect" ` +
				`Auth:"client_secret_post api" Audience:["a"] InsecureAudienceNotSent:true Roles:["/r"] JWTs:true Accept:"[set]" Signed:{Audience:"api"} ` +
				`Leeway:1ns Timeout:2ns MaxConcurrent:3 MaxAge:4ns NegativeAge:5ns ServeStale:6ns CacheEntries:7 CacheBytes:8 Shared:"[set]" ` +
				`SharedSecret:"[set]" Client:"[set]" InsecureAllowHTTP:true}`,
			`{"Issuer":"https://login.example.com","AllowNonHTTPSIdentifier":true,"Endpoint":"https://login.example.com/introspect",` +
				`"Auth":"client_secret_post api","Audience":["a"],"InsecureAudienceNotSent":true,"Roles":["/r"],"JWTs":true,"Accept":"[set]","Signed":{"Audience":"api"},` +
				`"Leeway":"1ns","Timeout":"2ns","MaxConcurrent":3,"MaxAge":"4ns","NegativeAge":"5ns","ServeStale":"6ns","CacheEntries":7,"CacheBytes":8,"Shared":"[set]",` +
				`"SharedSecret":"[set]","Client":"[set]","InsecureAllowHTTP":true}`,
		},
	}
	for _, tt := range tests {
		if got := fmt.Sprintf("%v", tt.value); got != tt.text {
			t.Errorf("%s: %%v prints\n%s, want\n%s", tt.name, got, tt.text)
		}
		if got := fmt.Sprintf("%#v", tt.value); got != tt.text {
			t.Errorf("%s: %%#v prints\n%s, want\n%s", tt.name, got, tt.text)
		}
		got, err := json.Marshal(tt.value)
		if err != nil || string(got) != tt.json {
			t.Errorf("%s: as JSON\n%s, want\n%s (%v)", tt.name, got, tt.json, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("configured", "value", tt.value)
		if strings.Contains(log.String(), "s3cret") || !strings.Contains(log.String(), "api") && strings.Contains(tt.text, "api") {
			t.Errorf("%s: logged as %s", tt.name, log.String())
		}
	}
}

// The defaults that the fields of Config document. A Verifier prints its settings.
func TestDefaults(t *testing.T) {
	config := introspect.Config{
		Issuer: "https://login.example.com", Audience: []string{"a"}, Auth: introspect.ClientSecretBasic("api", "secret"),
	}
	negative := config
	negative.Leeway, negative.MaxAge, negative.NegativeAge, negative.ServeStale, negative.Roles = -1, -1, -1, -1, []string{}
	const begin = `introspect.Verifier{Issuer:"https://login.example.com" Auth:"client_secret_basic api" Audience:["a"] `
	for name, tt := range map[string]struct {
		config introspect.Config
		want   string
	}{
		"zero": {config, begin + `Roles:["/roles"] Leeway:5s Timeout:5s MaxConcurrent:64 MaxAge:1m0s NegativeAge:10s CacheEntries:10000 CacheBytes:33554432}`},
		// A negative value means none.
		"negative": {negative, begin + `Timeout:5s MaxConcurrent:64 CacheEntries:10000 CacheBytes:33554432}`},
	} {
		v, err := introspect.New(tt.config)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(v); got != tt.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, tt.want)
		}
		if text, err := json.Marshal(v); err != nil || !strings.Contains(string(text), `"MaxConcurrent":64`) {
			t.Errorf("%s: as JSON %s, %v", name, text, err)
		}
		v.Close()
	}
}

// The verifier copies the lists of its Config: changing them later changes nothing.
func TestConfigIsCopied(t *testing.T) {
	names, roles := []string{audience}, []string{"/groups"}
	c := introspect.Config{
		Issuer: "https://issuer.example.com", Endpoint: "https://issuer.example.com/introspect", Audience: names, Roles: roles,
		Auth:   introspect.ClientSecretBasic("api", "secret"),
		Client: &http.Client{Transport: roundTripper(answers(200, nil, `{"active":true,"aud":"`+audience+`","groups":["staff"],"roles":["admin"]}`))},
	}
	v, err := introspect.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	names[0], roles[0] = "other", "/roles"
	if p, err := v.Verify(t.Context(), "token"); err != nil || len(p.Roles()) != 1 || p.Roles()[0] != "staff" {
		t.Errorf("%v, %v", p, err)
	}
}
