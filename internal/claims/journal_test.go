package claims_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/internal/claims"
)

// The log has one line for each malformed claim of an issuer. The line names
// the claim and what was found, and contains no value.
func TestJournal(t *testing.T) {
	var log strings.Builder
	names := claims.NewNames()
	scopes := names.Add("scope")
	journal := claims.NewJournal(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})), "https://issuer.example.com", names)
	note := func(document string) {
		v, err := names.Read([]byte(document))
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := v.Principal(); err != nil {
			t.Error(err)
		}
		if _, err := v.Scopes([]int{scopes}, func(int) bool { return true }); err != nil {
			t.Error(err)
		}
		journal.Note(&v)
	}
	note(`{"sub":"alice","scope":"a  b","unknown":null}`)
	if log.Len() > 0 {
		t.Errorf("a well-formed token was logged: %s", log.String())
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				note(`{"acr":["secret"],"auth_time":"secret","sub":null,"scope":"secret\t"}`)
			}
		})
	}
	wait.Wait()
	const line = `level=INFO msg="a claim of the issuer is malformed and is read as absent" issuer=https://issuer.example.com claim=`
	want := []string{
		line + `acr found="a JSON array instead of a string"`,
		line + `auth_time found="a JSON string instead of a number"`,
		line + `scope found="not scope names (RFC 6749, Section 3.3)"`,
		line + `sub found=null`,
	}
	got := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var silent *claims.Journal
	v, err := names.Read([]byte(`{"sub":null}`))
	if err != nil {
		t.Fatal(err)
	}
	silent.Note(&v)
}
