package interop_test

// altered returns the token with another character in its last part, which is the
// signature of a JWT.
func altered(token string) string {
	b := []byte(token)
	i := len(b) - 8
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}
