package bearer

import "time"

// checkAge judges how long ago a token was issued. No leeway stretches it, and
// a token that does not say may be of any age.
func checkAge(p *Principal, most time.Duration) *Error {
	if most <= 0 {
		return nil
	}
	expected := "issued within " + most.String() + " (MaxTokenAge)"
	if p.IssuedAt.IsZero() {
		return Invalid("iat", expected, "none")
	}
	if age := time.Since(p.IssuedAt); age > most {
		return Invalid("iat", expected, age.Truncate(time.Second).String()+" ago")
	}
	return nil
}
