package cli_test

import (
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// A token in the wrong place is never repeated, and the exit code is that of a mistake.
func TestNoMistakeRepeatsAToken(t *testing.T) {
	token := newIssuer(t).Mint(bearertest.Token{})
	for _, args := range [][]string{
		{token}, {"help", token}, {"completion", token}, {"completion", "bash", token}, {"trigger", token}, {"trigger", "up", token},
		{"token", token}, {"proof", token}, {"certificate", token}, {"dev", token}, {"probe", token}, {"probe", "a", token}, {"issuer", "a", token},
		{"explain", token, token}, {"explain", token, "--issuer", token}, {"explain", "x", "--profile", token}, {"explain", "x", "--at", token},
		{"explain", "x", "--issuer", "https://a.example/", "--audience", "b", "--keys", token}, {"explain", "--" + token}, {"explain", "--leeway", token},
		{"token", "--profile", token}, {"token", "--claim", token}, {"token", "--issuer", token}, {"token", "--valid-for", token},
		{"dev", "--profile", token}, {"dev", "--listen", token}, {"dev", "--config", token}, {"dev", "--issuer", token},
		{"trigger", "--server", token}, {"proof", "--key", token}, {"issuer", token, "--token", token}, {"issuer", "https://" + token + ".example:0/", "--timeout", token},
	} {
		got := on("", args...)
		if got.code == 0 {
			t.Errorf("%.60q: exit code 0", args)
		}
		if part := partOf(token, got.out+got.stderr); part != "" {
			t.Errorf("%.60q: the output contains %q of the token", args, part)
		}
	}
}

// partOf returns 16 characters of the token that the output contains, or nothing.
func partOf(token, output string) string {
	for i := 0; i+16 <= len(token); i++ {
		if strings.Contains(output, token[i:i+16]) {
			return token[i : i+16]
		}
	}
	return ""
}

// A mistake says what to do.
func TestMistakesSayWhatToDo(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"expalin", "did you mean explain?"},
		{"nonsense", "bearer help lists them"},
		{"probe", "want one URL, as in: bearer probe https://"},
		{"issuer a b", "want one URL, as in: bearer issuer https://"},
		{"trigger rotat", "want one of rotate, withdraw"},
		{"explain --isuer x", "bearer explain --help lists the flags"},
		{"help nonsense", "bearer help lists the commands"},
	} {
		if got := on("", strings.Fields(tt.args)...); got.code != 2 || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: %+v, want %q", tt.args, got, tt.want)
		}
	}
}

// Shells complete the names of profiles.
func TestCompletionOfProfiles(t *testing.T) {
	for _, command := range []string{"explain", "token", "dev"} {
		if got := on("", "__complete", command, "--profile", "clou"); got.code != 0 || !strings.Contains("\n"+got.out, "\ncloudflare\n") {
			t.Errorf("%s: %+v", command, got)
		}
	}
}
