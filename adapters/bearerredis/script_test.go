package bearerredis

import (
	"crypto/sha1"
	"encoding/hex"
	"testing"
)

func TestScriptHashes(t *testing.T) {
	for _, s := range []script{setScript, forgetScript, useScript, countScript, denyScript, liftScript, changesScript} {
		sum := sha1.Sum([]byte(s.source))
		if got := hex.EncodeToString(sum[:]); got != s.sha1 {
			t.Errorf("the SHA-1 of a script is %s, not %s:\n%s", got, s.sha1, s.source)
		}
	}
}
