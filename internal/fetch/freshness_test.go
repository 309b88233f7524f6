package fetch_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

func TestFreshness(t *testing.T) {
	const most = 10 * 365 * 24 * time.Hour
	for _, tt := range []struct {
		name  string
		lines []string
		age   string
		want  time.Duration
		ok    bool
	}{
		{"nothing", nil, "", 0, false},
		{"max-age", []string{"max-age=600"}, "", 10 * time.Minute, true},
		{"among others", []string{"public, Max-Age=600 , must-revalidate"}, "", 10 * time.Minute, true},
		{"quoted", []string{`max-age="600"`}, "", 10 * time.Minute, true},
		{"two lines", []string{"public", "max-age=600"}, "", 10 * time.Minute, true},
		{"two max-age", []string{"max-age=600, max-age=60"}, "", time.Minute, true},
		{"less its age", []string{"max-age=600"}, "60", 9 * time.Minute, true},
		{"older than its max-age", []string{"max-age=600"}, "6000", 0, true},
		{"a junk age", []string{"max-age=600"}, "-5", 10 * time.Minute, true},
		{"zero", []string{"max-age=0"}, "", 0, true},
		{"no-store", []string{"no-store, max-age=600"}, "", 0, true},
		{"no-cache behind", []string{"max-age=600", "NO-CACHE"}, "", 0, true},
		{"no-cache about a field", []string{`no-cache="Set-Cookie, max-age=1", max-age=600`}, "", 10 * time.Minute, true},
		{"huge", []string{"max-age=99999999999999999999999999"}, "", most, true},
		{"huge age", []string{"max-age=99999999999999999999999999"}, "99999999999999999999999999", 0, true},
		{"negative", []string{"max-age=-1"}, "", 0, false},
		{"a fraction", []string{"max-age=1.5"}, "", 0, false},
		{"words", []string{"max-age=soon"}, "", 0, false},
		{"no value", []string{"max-age"}, "", 0, false},
		{"for shared caches", []string{"s-maxage=600"}, "", 0, false},
		{"an open quote", []string{`private="max-age=600`, `"`, `\`, `"\`}, "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{"Cache-Control": tt.lines}
			if tt.age != "" {
				h.Set("Age", tt.age)
			}
			if got, ok := fetch.Freshness(h); got != tt.want || ok != tt.ok {
				t.Errorf("got %v, %t, want %v, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzFreshness(f *testing.F) {
	f.Add("public, max-age=600", "60")
	f.Add(`no-cache="a,b", max-age="1"`, "-1")
	f.Fuzz(func(t *testing.T, control, age string) {
		d, ok := fetch.Freshness(http.Header{"Cache-Control": {control}, "Age": {age}})
		if d < 0 || !ok && d != 0 {
			t.Errorf("got %v, %t", d, ok)
		}
	})
}
