package jose_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// The keys and tokens of RFC 7515, Appendix A, RFC 8037, Appendix A and
// RFC 7638, Section 3.1.
const (
	a2N = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-" +
		"Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWv" +
		"G6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs" +
		"LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9" +
		"kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kz" +
		"k2PAcDTW9gb54h4FRWyuXpoQ"
	a3X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	a3Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	a4X = "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk"
	a4Y = "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"
	edX = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

	rsaMembers  = `"kty":"RSA","n":"` + a2N + `","e":"AQAB"`
	p256Members = `"kty":"EC","crv":"P-256","x":"` + a3X + `","y":"` + a3Y + `"`
	p521Members = `"kty":"EC","crv":"P-521","x":"` + a4X + `","y":"` + a4Y + `"`
	edMembers   = `"kty":"OKP","crv":"Ed25519","x":"` + edX + `"`

	joePayload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	joeClaims  = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"

	a1Token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + joePayload + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	a2Token = "eyJhbGciOiJSUzI1NiJ9." + joePayload +
		".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7" +
		"AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4" +
		"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K" +
		"0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv" +
		"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB" +
		"p0igcN_IoypGlUPQGe77Rw"
	a3Token = "eyJhbGciOiJFUzI1NiJ9." + joePayload +
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	a4Token = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA" +
		".AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZq" +
		"wqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8Kp" +
		"EHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
	a5Token = "eyJhbGciOiJub25lIn0." + joePayload + "."
	edToken = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc" +
		".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

func mustKey(t testing.TB, members string) *jose.Key {
	t.Helper()
	key, err := jose.ParseKey([]byte("{" + members + "}"))
	if err != nil {
		t.Fatalf("ParseKey: %v", err)
	}
	return key
}

// K3, K7; RFC 7515, Appendices A.2 to A.4; RFC 8037, Appendix A.4.
func TestTokensOfTheRFCsAreValid(t *testing.T) {
	tests := []struct {
		name, token, members, payload string
		alg                           jose.Algorithm
	}{
		{"RFC 7515 A.2 RS256", a2Token, rsaMembers, joeClaims, jose.RS256},
		{"RFC 7515 A.3 ES256", a3Token, p256Members, joeClaims, jose.ES256},
		{"RFC 7515 A.4 ES512", a4Token, p521Members, "Payload", jose.ES512},
		{"RFC 8037 A.4 EdDSA", edToken, edMembers, "Example of Ed25519 signing", jose.EdDSA},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			jws, err := jose.Parse(tt.token)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if got := jose.Algorithm(jws.Header.Algorithm); got != tt.alg {
				t.Errorf("alg %q, want %q", got, tt.alg)
			}
			if got := string(jws.Payload); got != tt.payload {
				t.Errorf("payload %q, want %q", got, tt.payload)
			}
			key := mustKey(t, tt.members)
			if err := key.Verify(tt.alg, jws.SigningInput, jws.Signature); err != nil {
				t.Errorf("Verify: %v", err)
			}
			// J3: changing any byte invalidates the signature.
			if err := key.Verify(tt.alg, jws.SigningInput+"A", jws.Signature); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("Verify of another input: %v, want ErrSignature", err)
			}
			for i := range jws.Signature {
				forged := append([]byte(nil), jws.Signature...)
				forged[i] ^= 1
				if err := key.Verify(tt.alg, jws.SigningInput, forged); !errors.Is(err, jose.ErrSignature) {
					t.Fatalf("Verify with byte %d of the signature changed: %v, want ErrSignature", i, err)
				}
			}
		})
	}
}

// A1, J2: RFC 7515, Appendix A.1 is an HS256 token. It is a JWS, and no key
// verifies it.
func TestNoKeyVerifiesHS256(t *testing.T) {
	jws, err := jose.Parse(a1Token)
	if err != nil {
		t.Fatal(err)
	}
	for _, members := range []string{rsaMembers, p256Members, p521Members, edMembers} {
		key := mustKey(t, members)
		if err := key.Verify(jose.Algorithm(jws.Header.Algorithm), jws.SigningInput, jws.Signature); err == nil || errors.Is(err, jose.ErrSignature) {
			t.Errorf("Verify: %v, want an error that is not ErrSignature", err)
		}
	}
}

// A1, J2: RFC 7515, Appendix A.5 is an unsecured JWS, with an empty signature.
func TestUnsecuredTokenIsMalformed(t *testing.T) {
	_, err := jose.Parse(a5Token)
	wantMalformed(t, err, "signature")
	// With a signature it can be parsed, and no key may verify it.
	jws, err := jose.Parse(a5Token + "AA")
	if err != nil {
		t.Fatal(err)
	}
	if jose.Algorithm(jws.Header.Algorithm).Supported() {
		t.Errorf("%q is supported", jws.Header.Algorithm)
	}
}

// C13: RFC 7515, Appendices A.6 and A.7 are JSON serializations.
func TestJSONSerializationIsNotJWS(t *testing.T) {
	part := strings.Split(a3Token, ".")
	for _, token := range []string{
		`{"payload":"` + part[1] + `","signatures":[{"protected":"` + part[0] + `","header":{"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"},"signature":"` + part[2] + `"}]}`,
		`{"payload":"` + part[1] + `","protected":"` + part[0] + `","header":{"kid":"e9bc097a-ce51-4036-9562-d2ade882db0d"},"signature":"` + part[2] + `"}`,
		`{"payload":"` + part[1] + `","signatures":[{}],"a":".","b":"."}`, // two dots, CVE-2024-21664
	} {
		if _, err := jose.Parse(token); !errors.Is(err, jose.ErrNotJWS) {
			t.Errorf("Parse: %v, want ErrNotJWS", err)
		}
	}
}

// RFC 7638, Section 3.1; RFC 8037, Appendix A.3.
func TestThumbprintsOfTheRFCs(t *testing.T) {
	tests := []struct{ name, members, want string }{
		{"RSA", `"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"`, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"Ed25519", edMembers, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustKey(t, tt.members).Thumbprint(); got != tt.want {
				t.Errorf("Thumbprint() = %q, want %q", got, tt.want)
			}
		})
	}
}
