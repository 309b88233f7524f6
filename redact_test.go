package bearerkit_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	stdjson "encoding/json"
	"encoding/pem"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	goauth2 "golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
	"github.com/bearerkit/bearerkit/scope"
)

// planted is the secret in each value below. No way of printing may show it.
const planted = "correct-horse-battery-staple-0123456789"

// formsOf returns the forms in which fmt and JSON print a secret: as text, as
// decimal and hexadecimal numbers, in hexadecimal and in base64. Each form is
// long enough that it does not occur by chance.
func formsOf(secret []byte) []string {
	secret = secret[:min(len(secret), 12)]
	hexadecimal := hex.EncodeToString(secret)
	var numbers []string
	for _, b := range secret {
		numbers = append(numbers, fmt.Sprintf("0x%x", b))
	}
	return []string{
		string(secret), strings.Trim(fmt.Sprint(secret), "[]"), strings.Join(numbers, ", "),
		hexadecimal, strings.ToUpper(hexadecimal), base64.StdEncoding.EncodeToString(secret),
	}
}

// withToken is a transport with a credential in a field that fmt and JSON
// print.
type withToken struct{ Token string }

func (*withToken) RoundTrip(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed }

// theToken is a verifier that accepts one token, which fmt and JSON print.
type theToken string

func (t theToken) Verify(_ context.Context, token string) (*bearer.Principal, error) {
	if token != string(t) {
		return nil, bearer.ErrUnrecognized
	}
	p := bearer.Principal{Issuer: "https://login.example.com", Subject: "alice", ClientID: "app", TokenID: "jti-1", SessionID: "s-1", Scopes: scope.Of("orders:read")}
	p = p.WithClaims(`{"email":"` + planted + `"}`).WithAudience(planted).WithAMR(planted).WithRoles(planted)
	return &p, nil
}

// printed returns the texts of v for every way in which a program may print it.
func printed(v any) map[string]string {
	texts := map[string]string{}
	nested := struct{ Field any }{v}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%10.3v"} {
		texts[verb] = fmt.Sprintf(verb, v)
		texts[verb+" in a struct"] = fmt.Sprintf(verb, nested)
		texts[verb+" in a slice"] = fmt.Sprintf(verb, []any{v})
		texts[verb+" in a map"] = fmt.Sprintf(verb, map[string]any{"key": v})
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("message", "value", v, "list", []any{v}, "nested", nested)
		texts[name] = b.String()
	}
	for name, marshal := range map[string]func(any) ([]byte, error){
		"encoding/json":      stdjson.Marshal,
		"go-json-experiment": func(v any) ([]byte, error) { return json.Marshal(v) },
	} {
		for _, v := range []any{v, nested, []any{v}} {
			text, err := marshal(v)
			texts[name] += string(text)
			if err != nil {
				texts[name] += "ERROR: " + err.Error()
			}
		}
	}
	return texts
}

// both returns v and a pointer to it.
func both[T any](v T) []any { return []any{v, &v} }

// Reports G8: no verb, handler or JSON package prints a secret, and all of them
// print the other settings.
func TestSecretsAreNotPrinted(t *testing.T) {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := signer.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})

	sender := &http.Client{Transport: &withToken{planted}}
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{Key: []byte(planted)})
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{
		InMemory: true, Clients: []bearertest.Client{{ID: "api", Secret: planted}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	issuer.MintOpaque(bearertest.Token{Claims: map[string]any{"email": planted}})
	opaque := introspect.Config{
		Issuer: "https://login.example.com", Endpoint: "https://login.example.com/introspect?key=" + planted,
		Auth: introspect.ClientSecretBasic("api", planted), Audience: []string{"orders"}, SharedSecret: []byte(planted),
		Client: sender, Signed: &introspect.Signed{Audience: "api", JWKSURI: "https://a:" + planted + "@login.example.com"},
	}
	working := opaque
	working.Signed = nil
	verifier, err := introspect.New(working)
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	tokens := jwks.Config{
		Issuers: []jwks.Issuer{{
			URL: "https://login.example.com", Audience: []string{"orders"},
			Keys: jwks.KeysFromURL("https://a:" + planted + "@login.example.com/jwks?key=" + planted),
		}},
		Client: sender,
	}
	proofs := dpop.Config{Origin: "https://a:" + planted + "@api.example.com", Nonces: nonces}
	guarded := bearer.Config{
		Verifiers: []bearer.Verifier{theToken(planted)}, Realm: "orders",
		ResourceMetadata: "https://api.example.com/metadata?key=" + planted,
	}
	guard, err := bearer.New(guarded)
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Authorization", "Bearer "+planted)
	decision := func(c bearer.RouteConfig) bearer.Decision { return guard.MustRoute(c).Decide(request) }
	admitted := decision(bearer.RouteConfig{Rule: scope.None})
	principal, ok := admitted.Principal()
	if !ok {
		t.Fatal(admitted.Err())
	}
	metadata := resource.Config{Resource: "https://api.example.com"}
	events := denylist.ReceiverConfig{
		Verifier: new(jwks.Verifier), List: new(denylist.Memory), Audience: []string{"orders"}, MaxTokenLife: time.Hour, TransmitterToken: planted,
	}
	receiver, err := denylist.NewReceiver(events)
	if err != nil {
		t.Fatal(err)
	}

	callers := secretsOfClients(t, signer, keyPEM)
	tests := []struct {
		name   string
		values []any
		shown  []string // texts that every way of printing shows
	}{
		{"introspect.Config", both(opaque), []string{"https://login.example.com/introspect", "client_secret_basic api", "orders", "SharedSecret"}},
		{"introspect.Auth, basic", both(opaque.Auth), []string{"client_secret_basic api"}},
		{"introspect.Auth, post", both(introspect.ClientSecretPost("api", planted)), []string{"client_secret_post api"}},
		{"introspect.Auth, a key", both(introspect.PrivateKeyJWT("api", keyPEM)), []string{"private_key_jwt api"}},
		{"introspect.Auth, a token", both(introspect.BearerToken(goauth2.StaticTokenSource(&goauth2.Token{AccessToken: planted}))), []string{"bearer token"}},
		{"introspect.Signed", both(*opaque.Signed), []string{"api", "https://login.example.com"}},
		{"introspect.Verifier", []any{verifier}, []string{"https://login.example.com/introspect"}},
		{"jwks.Config", both(tokens), []string{"https://login.example.com", "keys from https://login.example.com/jwks"}},
		{"jwks.Issuer", both(tokens.Issuers[0]), []string{"https://login.example.com", "orders"}},
		{"jwks.KeySource", both(tokens.Issuers[0].Keys), []string{"keys from https://login.example.com/jwks"}},
		{"jwks.KeySource, metadata", both(jwks.KeysFromMetadata("https://a:" + planted + "@login.example.com/metadata?key=" + planted)),
			[]string{"keys by the metadata at https://login.example.com/metadata"}},
		{"jwks.KeySource, a file", both(jwks.KeysFromFile("keys.json")), []string{"keys from the file"}},
		{"dpop.Config", both(proofs), []string{"https://api.example.com", "Nonces"}},
		{"dpop.NoncesConfig", both(dpop.NoncesConfig{Key: []byte(planted)}), []string{"Key"}},
		{"dpop.ProofConfig", both(dpop.ProofConfig{Key: signer, Algorithm: "ES256", URL: "https://a:" + planted + "@api.example.com/orders?key=" + planted, AccessToken: planted, Nonce: planted}),
			[]string{"ES256", "https://api.example.com/orders", "Key", "AccessToken", "Nonce"}},
		{"dpop.Nonces", []any{nonces}, []string{"1m0s"}},
		{"dpop.MemoryConfig", both(dpop.MemoryConfig{Capacity: 4242}), []string{"4242"}},
		{"bearer.Config", both(guarded), []string{"orders", "https://api.example.com/metadata", "theToken"}},
		{"bearer.Guard", []any{guard}, []string{"orders", "https://api.example.com/metadata"}},
		{"bearer.Principal", both(principal), []string{"https://login.example.com", "alice", "app", "jti-1", "s-1", "orders:read"}},
		{"bearer.SecurityEvent", both(bearer.SecurityEvent{Type: "logout+jwt", Issuer: "https://login.example.com", TokenID: "jti-1", Audience: []string{planted}, Claims: planted}),
			[]string{"logout+jwt", "https://login.example.com", "jti-1"}},
		{"bearer.Decision", both(admitted), []string{"200", "alice"}},
		{"bearer.Decision, refused", both(decision(bearer.RouteConfig{Rule: scope.All("admin")})), []string{"403", "insufficient_scope"}},
		{"resource.Config", both(metadata), []string{"https://api.example.com"}},
		{"denylist.ReceiverConfig", both(events), []string{"jwks.Verifier", "denylist.Memory", "orders", "1h0m0s", "TransmitterToken"}},
		{"denylist.Receiver", []any{receiver}, []string{"jwks.Verifier", "orders", "TransmitterToken"}},
		{"denylist.MemoryConfig", both(denylist.MemoryConfig{Capacity: 4242}), []string{"4242"}},
		{"bearertest.Client", both(bearertest.Client{ID: "api", Secret: planted, PublicKey: signer.Public()}), []string{"api", "Secret"}},
		{"bearertest.IssuerConfig", both(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: planted}}}), []string{"api"}},
		{"bearertest.Issuer", []any{issuer}, []string{"https://issuer.example.com"}},
		{"client.Config", both(callers.config), []string{"https://api.example.com", "client.ClientCredentials", "Key"}},
		{"client.Transport", []any{callers.transport}, []string{"https://api.example.com", "client.ClientCredentials", "Key"}},
		{"client.Endpoint", both(callers.credentials.Endpoint), []string{"https://login.example.com/token", "app", "ClientSecret", "Key", "Params"}},
		{"client.Endpoint, a key", both(callers.refresh.Endpoint), []string{"https://login.example.com/token", "app", "PrivateKey"}},
		{"client.ClientCredentialsConfig", both(callers.credentials), []string{"https://login.example.com/token", "app", "orders:read"}},
		{"client.ClientCredentials", []any{callers.config.Tokens}, []string{"https://login.example.com/token", "app", "orders:read"}},
		{"client.RefreshTokenConfig", both(callers.refresh), []string{"https://login.example.com/token", "app", "Token"}},
		{"client.RefreshToken", []any{callers.refreshed}, []string{"https://login.example.com/token", "app"}},
		{"client.ExchangeConfig", both(callers.exchange), []string{"https://login.example.com/token", "https://login.example.com", "app", "stock:read", "client.ClientCredentials"}},
		{"client.Exchange", []any{callers.exchanging}, []string{"https://login.example.com/token", "app", "stock:read"}},
		{"client.RelayConfig", both(callers.relay), []string{"https://login.example.com", "https://stock.example.com", "stock:read"}},
		{"client.Relay", []any{callers.relaying}, []string{"https://login.example.com", "https://stock.example.com", "stock:read"}},
		{"client.Want", both(client.Want{Resource: "https://a:" + planted + "@api.example.com", Refused: planted, Scope: scope.Of("orders:read")}),
			[]string{"https://api.example.com", "Refused", "orders:read"}},
		{"client.LoginConfig", both(callers.login), []string{"app", "https://app.example.com/callback", "orders:read", "ClientSecret", "Session", "https://login.example.com"}},
		{"client.LoginConfig, a key", both(client.LoginConfig{ClientID: "app", PrivateKey: keyPEM, Key: signer}), []string{"app", "PrivateKey", "Key"}},
		{"client.Login", []any{callers.loggedIn}, []string{"app", "ClientSecret"}},
		{"client.DiscoveryConfig", both(callers.login.Discovery), []string{"https://login.example.com", "HTTP"}},
		{"client.DiscoveringConfig", both(client.DiscoveringConfig{Discovery: callers.login.Discovery}), []string{"https://login.example.com"}},
		{"client.CrossAppConfig", both(callers.crossApp), []string{"https://login.example.com/token", "app", "ClientSecret", "IDToken"}},
		{"client.CrossApp", []any{callers.crossed}, []string{"https://login.example.com/token", "app"}},
		{"compliance.Settings", both(compliance.Settings{Guard: &guarded, Tokens: &tokens, Opaque: &opaque, Proofs: &proofs, Metadata: &metadata}),
			[]string{"client_secret_basic api", "https://api.example.com/metadata"}},
	}
	secrets := slices.Concat(formsOf([]byte(planted)), formsOf(der), formsOf(scalar), formsOf([]byte(nonces.Current())))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, value := range tt.values {
				for way, text := range printed(value) {
					for _, secret := range secrets {
						if strings.Contains(text, secret) {
							t.Errorf("%T by %s shows %q: %s", value, way, secret, text)
						}
					}
					isVerb := strings.HasPrefix(way, "%")
					for _, shown := range tt.shown {
						if (!isVerb || way == "%v" || way == "%+v") && !strings.Contains(text, shown) {
							t.Errorf("%T by %s does not show %q: %s", value, way, shown, text)
						}
					}
				}
			}
		})
	}

	// Every type that may hold a secret must be listed above, or here with the
	// reason why it holds none.
	public := map[string]string{
		"bearer.RouteConfig":      "rules and limits only",
		"bearertest.HostileToken": "a token that no verifier accepts",
		"jwks.IssuerStats":        "counters only",
		"jwks.Fetch":              "counters, times and a URL without userinfo and query",
	}
	for name, field := range typesWithSecrets(t) {
		listed := slices.ContainsFunc(tests, func(tt struct {
			name   string
			values []any
			shown  []string
		}) bool {
			return tt.name == name || strings.HasPrefix(tt.name, name+",")
		})
		if !listed && public[name] == "" {
			t.Errorf("%s is not tested: its field %s may hold a secret", name, field)
		}
	}
}

// clients are the values of package client that hold secrets.
type clients struct {
	config      client.Config
	transport   *client.Transport
	credentials client.ClientCredentialsConfig
	refresh     client.RefreshTokenConfig
	refreshed   *client.RefreshToken
	login       client.LoginConfig
	loggedIn    *client.Login
	crossApp    client.CrossAppConfig
	crossed     *client.CrossApp
	exchange    client.ExchangeConfig
	exchanging  *client.Exchange
	relay       client.RelayConfig
	relaying    *client.Relay
}

func secretsOfClients(t *testing.T, signer *ecdsa.PrivateKey, keyPEM []byte) (c clients) {
	t.Helper()
	httpClient := &http.Client{Transport: &withToken{planted}}
	c.credentials = client.ClientCredentialsConfig{Scope: scope.Of("orders:read"), Endpoint: client.Endpoint{
		URL: "https://login.example.com/token?key=" + planted, ClientID: "app", ClientSecret: planted, Key: signer,
		Params: map[string][]string{"assertion": {planted}}, HTTP: httpClient,
	}}
	c.refresh = client.RefreshTokenConfig{Token: planted, Endpoint: client.Endpoint{
		URL: "https://login.example.com/token", ClientID: "app", PrivateKey: keyPEM, HTTP: httpClient,
	}}
	source, err := client.NewClientCredentials(c.credentials)
	if err != nil {
		t.Fatal(err)
	}
	c.config = client.Config{Tokens: source, Resource: "https://api.example.com", Base: httpClient.Transport, Key: signer}
	if c.transport, err = client.New(c.config); err != nil {
		t.Fatal(err)
	}
	if c.refreshed, err = client.NewRefreshToken(c.refresh); err != nil {
		t.Fatal(err)
	}
	c.login = client.LoginConfig{
		Open:     func(context.Context, string) error { return nil },
		ClientID: "app", ClientSecret: planted, RedirectURL: "https://app.example.com/callback", Scope: scope.Of("orders:read"), Key: signer,
		Discovery: client.DiscoveryConfig{Issuers: []string{"https://login.example.com"}, HTTP: httpClient},
		Session: []byte(`{"api":"https://api.example.com","issuer":"https://login.example.com","token_endpoint":"https://login.example.com/token","client_id":"app","refresh_token":"` +
			planted + `"}`),
	}
	if c.loggedIn, err = client.NewLogin(c.login); err != nil {
		t.Fatal(err)
	}
	c.crossApp = client.CrossAppConfig{
		IDToken:  func(context.Context) (string, error) { return planted, nil },
		Provider: client.Endpoint{URL: "https://idp.example.com/token", ClientID: "app", ClientSecret: planted},
		Server:   client.Endpoint{URL: "https://login.example.com/token", ClientID: "app", ClientSecret: planted, Issuer: "https://login.example.com"},
	}
	if c.crossed, err = client.NewCrossApp(c.crossApp); err != nil {
		t.Fatal(err)
	}
	c.exchange = client.ExchangeConfig{Endpoint: c.refresh.Endpoint, Issuers: []string{"https://login.example.com"}, Scope: scope.Of("stock:read"), Actor: source}
	if c.exchanging, err = client.NewExchange(c.exchange); err != nil {
		t.Fatal(err)
	}
	c.relay = client.RelayConfig{Issuers: c.exchange.Issuers, Audience: "https://stock.example.com", Exchange: c.exchanging}
	if c.relaying, err = client.NewRelay(c.relay); err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	configName = regexp.MustCompile(`(Config|Settings)$`)
	secretName = regexp.MustCompile(`(?i)secret|password|passphrase|private|credential|^signer$|^token$|^(shared)?keys?$`)
)

// typesWithSecrets returns the exported structs of the module that may hold a
// secret, with the field: configurations, and structs with a field that is
// named like a secret.
func typesWithSecrets(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, p := range goList(t, "./...") {
		dir, _ := inModule(p.ImportPath)
		if strings.HasPrefix(dir, "internal/") || strings.HasPrefix(dir, "adapters/") {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(source, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok || !spec.Name.IsExported() {
					return true
				}
				fields, ok := spec.Type.(*ast.StructType)
				if !ok {
					return true
				}
				name := source.Name.Name + "." + spec.Name.Name
				if configName.MatchString(name) {
					found[name] = "(any)"
				}
				for _, field := range fields.Fields.List {
					for _, ident := range field.Names {
						if secretName.MatchString(ident.Name) {
							found[name] = ident.Name
						}
					}
				}
				return true
			})
		}
	}
	if len(found) < 10 {
		t.Fatalf("found only %v", found)
	}
	return found
}

// fmt prints a value in an unexported field of another struct field by field,
// without calling its methods. These types do not show their secrets even then.
func TestSecretsInUnexportedFields(t *testing.T) {
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{Key: []byte(planted)})
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		auth   introspect.Auth
		nonces *dpop.Nonces
	}{introspect.ClientSecretBasic("api", planted), nonces}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		text := fmt.Sprintf(verb, holder)
		for _, secret := range formsOf([]byte(planted)) {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q: %s", verb, secret, text)
			}
		}
	}
}

// Reports G8: go-json-experiment encodes a scope.Set as its text, as
// encoding/json does.
func TestScopesInJSON(t *testing.T) {
	want := scope.Of("profile", "orders:read")
	text, err := json.Marshal(map[string]scope.Set{"scopes": want})
	if err != nil || string(text) != `{"scopes":"orders:read profile"}` {
		t.Fatalf("%s, %v", text, err)
	}
	var got map[string]scope.Set
	if err := json.Unmarshal(text, &got); err != nil || got["scopes"] != want {
		t.Errorf("read back: %v, %v", got, err)
	}
}

// Reports G8: an error about a URL does not show credentials or keys in the
// URL.
func TestMistakesDoNotShowSecrets(t *testing.T) {
	for _, url := range []string{
		"https://user:" + planted + "@login.example.com",
		"https://login.example.com?key=" + planted,
		"https://login.example.com#" + planted,
		"https://user:" + planted + "%zz@login.example.com",
		"https://login.example.com:" + planted,
		"http://login.example.com/?" + planted,
		"ftp://user:" + planted + "@login.example.com",
	} {
		issuer := jwks.Issuer{URL: url, Keys: jwks.KeysFromURL(url)}
		_, tokens := jwks.New(jwks.Config{Issuers: []jwks.Issuer{issuer, issuer}})
		_, opaque := introspect.New(introspect.Config{Issuer: url, Endpoint: url, Signed: &introspect.Signed{Audience: "a", JWKSURI: url}})
		_, guard := bearer.New(bearer.Config{ResourceMetadata: url})
		_, proofs := dpop.New(dpop.Config{Origin: url})
		_, metadata := resource.New(resource.Config{
			Resource: url, AuthorizationServers: []string{url, url}, JWKSURI: url, Documentation: url, PolicyURI: url, TOSURI: url,
		})
		for name, err := range map[string]error{"jwks": tokens, "introspect": opaque, "bearer": guard, "dpop": proofs, "resource": metadata} {
			if err == nil || strings.Contains(err.Error(), planted) {
				t.Errorf("%s of %s: %v", name, url, err)
			}
		}
	}
}
