package jose_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// A digest of one algorithm or one token is never used for another.
func TestInput(t *testing.T) {
	secret, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	right, err := jose.NewKey(&secret.PublicKey, "")
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := jose.NewKey(&other.PublicKey, "")
	if err != nil {
		t.Fatal(err)
	}
	var in jose.Input
	for size := range 200 { // so that each length of a partial block occurs
		algorithm := []jose.Algorithm{jose.RS256, jose.PS512, jose.PS256, jose.RS384}[size%4]
		token, err := jose.Sign(secret, algorithm, []byte(`{"alg":"`+string(algorithm)+`"}`), []byte(strings.Repeat("p", size+1)))
		if err != nil {
			t.Fatal(err)
		}
		jws, err := jose.Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		in.Set([]byte(jws.SigningInput))
		if wrong.VerifyInput(jose.ES256, &in, jws.Signature[:64]) == nil {
			t.Fatal("another key verifies it")
		}
		if err := right.VerifyInput(algorithm, &in, jws.Signature); err != nil {
			t.Fatalf("%s of %d bytes: %v", algorithm, size, err)
		}
		if right.VerifyInput(algorithm, &in, bytes.ToUpper(jws.Signature)) == nil {
			t.Fatal("another signature")
		}
		if size%3 == 0 {
			in.Set([]byte(jws.SigningInput + " "))
			if right.VerifyInput(algorithm, &in, jws.Signature) == nil {
				t.Fatal("the signature of another input")
			}
			in.Set([]byte(jws.SigningInput))
			_ = right.VerifyInput(algorithm, &in, jws.Signature)
		}
		for range 2 {
			if in.SumToken([]byte(token)) != sha256.Sum256([]byte(token)) {
				t.Fatalf("%s: wrong SHA-256 of a token with %d bytes of claims", algorithm, size)
			}
		}
		if err := right.VerifyInput(algorithm, &in, jws.Signature); err != nil {
			t.Fatalf("%s: the second verification: %v", algorithm, err)
		}
		in.Clear()
	}
}

// Clear leaves no byte of a token in an Input, nor in its hash.
func TestInputForgets(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.NewKey(&private.PublicKey, "")
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.Repeat("secret", 30))
	signature := bytes.Repeat([]byte("secret"), 11)[:64]
	var in jose.Input
	for name, use := range map[string]func(){
		"verified": func() {},
		"hashed":   func() { in.SumToken(append(text, "secret secret"...)) },
		"replaced": func() {
			_ = key.VerifyInput(jose.ES256, &in, signature)
			in.Set(text[:6])
		},
	} {
		in.Set(text)
		if key.VerifyInput(jose.ES256, &in, signature) == nil {
			t.Fatal("it holds")
		}
		use()
		if !strings.Contains(remains(&in), "secret") {
			t.Fatalf("%s: the token was not there before Clear", name)
		}
		in.Clear()
		if left := remains(&in); strings.Contains(left, "secre") {
			t.Errorf("%s: %q", name, left)
		}
	}
}

// remains returns the bytes of an Input and of the values it points to.
func remains(in *jose.Input) string {
	var all strings.Builder
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
			all.WriteByte(' ')
		case reflect.Uint8:
			all.WriteByte(byte(v.Uint()))
		default:
			fmt.Fprint(&all, " ", v.Kind())
		}
	}
	walk(reflect.ValueOf(in))
	return all.String()
}
