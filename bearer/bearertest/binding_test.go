package bearertest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// requestToken requests a token with any number of proofs.
func requestToken(t *testing.T, issuer *bearertest.Issuer, form url.Values, proofs ...string) (status int, answer map[string]any) {
	t.Helper()
	form.Set("grant_type", "client_credentials")
	r, err := http.NewRequest(http.MethodPost, issuer.URL()+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header["Dpop"] = proofs
	resp, err := issuer.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(body, &answer) != nil {
		t.Fatalf("%s, %v", body, err)
	}
	return resp.StatusCode, answer
}

// cnf returns the cnf claim of a JWT.
func cnf(t *testing.T, token any) map[string]any {
	t.Helper()
	jwt, _ := token.(string)
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %v", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Confirmation map[string]any `json:"cnf"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Confirmation
}

// RFC 9449, Section 5: the proof at the token endpoint binds the token, and its
// type is DPoP.
func TestProofBindsTheToken(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	key := newKey(t)
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	prove := func(method, url string) string {
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: method, URL: url})
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	endpoint := issuer.URL() + "/token"
	used := prove("POST", endpoint)
	status, answer := requestToken(t, issuer, url.Values{}, used)
	if got := cnf(t, answer["access_token"]); status != 200 || answer["token_type"] != "DPoP" || len(got) != 1 || got["jkt"] != jkt {
		t.Errorf("%d %v, cnf %v; want jkt %s", status, answer, got, jkt)
	}
	status, answer = requestToken(t, issuer, url.Values{"token_format": {"opaque"}}, prove("POST", endpoint+"?a#b"))
	opaque, _ := answer["access_token"].(string)
	claims := introspect(t, issuer, opaque)
	if bound, _ := claims["cnf"].(map[string]any); status != 200 || bound["jkt"] != jkt || claims["token_type"] != "DPoP" {
		t.Errorf("%d, introspection says %v", status, claims)
	}
	status, answer = requestToken(t, issuer, url.Values{})
	if got := cnf(t, answer["access_token"]); status != 200 || answer["token_type"] != "Bearer" || got != nil {
		t.Errorf("%d %v, cnf %v; want a token that is bound to nothing", status, answer, got)
	}

	// The issuer's own key signs what NewProof does not make.
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(issuer.KeySet(), &set); err != nil {
		t.Fatal(err)
	}
	jwk := ""
	for _, key := range set.Keys {
		if strings.Contains(string(key), `"P-256"`) {
			jwk = `,"jwk":` + string(key)
		}
	}
	const es256 = `{"alg":"ES256","typ":"dpop+jwt"`
	now := strconv.FormatInt(time.Now().Unix(), 10)
	sign := func(header, payload string) string {
		return issuer.Sign("ES256", []byte(header+"}"), []byte("{"+payload+"}"))
	}
	payload := func(jti, htu, iat string) string {
		return `"jti":` + jti + `,"htm":"POST","htu":"` + htu + `","iat":` + iat
	}
	ago := func(age time.Duration) string { return strconv.FormatInt(time.Now().Add(-age).Unix(), 10) }
	fresh := func() string { return `"` + rand.Text() + `"` }
	if status, answer := requestToken(t, issuer, url.Values{}, sign(es256+jwk, payload(fresh(), endpoint, now))); status != 200 {
		t.Errorf("the issuer's own key: %d %v", status, answer)
	}

	good := prove("POST", endpoint)
	parts := strings.Split(good, ".")
	forged := parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2]))
	for name, proofs := range map[string][]string{
		"used before":             {used},
		"two":                     {prove("POST", endpoint), prove("POST", endpoint)},
		"another method":          {prove("GET", endpoint)},
		"another URL":             {prove("POST", issuer.URL()+"/introspect")},
		"a forged signature":      {forged},
		"no JWS":                  {"proof"},
		"empty":                   {""},
		"an access token":         {issuer.Mint(bearertest.Token{})},
		"without its key":         {sign(es256, payload(fresh(), endpoint, now))},
		"without a typ":           {sign(`{"alg":"ES256"`+jwk, payload(fresh(), endpoint, now))},
		"of another type":         {sign(`{"alg":"ES256","typ":"JWT"`+jwk, payload(fresh(), endpoint, now))},
		"of long ago":             {sign(es256+jwk, payload(fresh(), endpoint, ago(2*time.Minute)))},
		"from the future":         {sign(es256+jwk, payload(fresh(), endpoint, ago(-2*time.Minute)))},
		"without iat":             {sign(es256+jwk, `"jti":`+fresh()+`,"htm":"POST","htu":"`+endpoint+`"`)},
		"iat is text":             {sign(es256+jwk, payload(fresh(), endpoint, `"`+now+`"`))},
		"iat beyond all":          {sign(es256+jwk, payload(fresh(), endpoint, "1e400"))},
		"without jti":             {sign(es256+jwk, `"htm":"POST","htu":"`+endpoint+`","iat":`+now)},
		"an empty jti":            {sign(es256+jwk, payload(`""`, endpoint, now))},
		"a long jti":              {sign(es256+jwk, payload(`"`+strings.Repeat("j", 513)+`"`, endpoint, now))},
		"jti is a number":         {sign(es256+jwk, payload("1", endpoint, now))},
		"jti twice":               {sign(es256+jwk, `"jti":"a",`+payload(fresh(), endpoint, now))},
		"without htm":             {sign(es256+jwk, `"jti":`+fresh()+`,"htu":"`+endpoint+`","iat":`+now)},
		"without htu":             {sign(es256+jwk, `"jti":`+fresh()+`,"htm":"POST","iat":`+now)},
		"a longer URL":            {sign(es256+jwk, payload(fresh(), endpoint+"/more", now))},
		"no object":               {issuer.Sign("ES256", []byte(es256+jwk+"}"), []byte(`["jti"]`))},
		"another algorithm":       {sign(`{"alg":"ES384","typ":"dpop+jwt"`+jwk, payload(fresh(), endpoint, now))},
		"none":                    {sign(`{"alg":"none","typ":"dpop+jwt"`+jwk, payload(fresh(), endpoint, now))},
		"HS256":                   {sign(`{"alg":"HS256","typ":"dpop+jwt"`+jwk, payload(fresh(), endpoint, now))},
		"a private key":           {sign(es256+strings.Replace(jwk, `"kty"`, `"d":"AAAA","kty"`, 1), payload(fresh(), endpoint, now))},
		"a key that is null":      {sign(es256+`,"jwk":null`, payload(fresh(), endpoint, now))},
		"crit":                    {sign(es256+`,"crit":["exp"]`+jwk, payload(fresh(), endpoint, now))},
		"typ twice":               {sign(es256+`,"typ":"dpop+jwt"`+jwk, payload(fresh(), endpoint, now))},
		"half a megabyte of dots": {strings.Repeat(".", 1<<19)},
	} {
		status, answer := requestToken(t, issuer, url.Values{}, proofs...)
		if status != 400 || answer["error"] != "invalid_dpop_proof" || answer["access_token"] != nil {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
}

// RFC 8705, Section 3.1.
func TestTokensAreBoundToACertificate(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	thumbprint := base64.RawURLEncoding.EncodeToString(sum[:])
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))

	status, answer := requestToken(t, issuer, url.Values{"client_certificate": {certificate}})
	if got := cnf(t, answer["access_token"]); status != 200 || answer["token_type"] != "Bearer" || len(got) != 1 || got["x5t#S256"] != thumbprint {
		t.Errorf("%d %v, cnf %v; want x5t#S256 %s", status, answer, got, thumbprint)
	}
	proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: "POST", URL: issuer.URL() + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	status, answer = requestToken(t, issuer, url.Values{"client_certificate": {certificate}}, proof)
	if got := cnf(t, answer["access_token"]); status != 200 || answer["token_type"] != "DPoP" || len(got) != 2 || got["x5t#S256"] != thumbprint {
		t.Errorf("%d %v, cnf %v; want both", status, answer, got)
	}
	for _, bad := range []string{
		"certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		strings.ReplaceAll(certificate, "CERTIFICATE", "PUBLIC KEY"),
	} {
		status, answer := requestToken(t, issuer, url.Values{"client_certificate": {bad}})
		if status != 400 || answer["error"] != "invalid_request" {
			t.Errorf("%.30q: %d %v", bad, status, answer)
		}
	}
}
