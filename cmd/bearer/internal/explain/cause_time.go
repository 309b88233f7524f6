package explain

import (
	"fmt"
	"time"
)

func (j *judge) causeOfTime(c *Check) cause {
	claim := map[string]string{"not before": "nbf", "issued": "iat", "expiry": "exp"}[c.Name]
	at, err := dateOf(j.claims[claim])
	if err != nil {
		return j.causeOfClaims(c)
	}
	off := at.Sub(j.now).Abs()
	distance := durationText(off)
	sync := "synchronize the clocks of the issuer and of this machine (NTP), or raise jwks.Config.Leeway, to at most 5 min."
	switch {
	case c.Name == "expiry" && off < 2*time.Minute:
		return because("expired-now", "it expired "+distance+" ago", Advice{
			Client: "get a new token before the old one expires.", Operator: "if the token is new, " + sync,
		})
	case c.Name == "expiry":
		return because("expired", "it expired "+distance+" ago", Advice{
			Client: "get a new token: with the refresh token, or by logging in. A 401 with invalid_token asks for that.",
		})
	case wholeHours(off):
		return because("time-zone", fmt.Sprintf("its %s is %s in the future: probably local time was taken for UTC", claim, distance), Advice{
			Issuer: "write times as seconds since 1970 in UTC, and check the machine's time zone.",
		})
	case off <= 5*time.Minute:
		return because("clock", fmt.Sprintf("it is used before it is valid: its %s is %s in the future, so the clocks differ", claim, distance), Advice{
			Operator: sync, Go: "jwks.Config{Leeway: " + leewayGo(off) + "}",
		})
	}
	return because("not-yet-valid", fmt.Sprintf("its %s is %s in the future", claim, distance), Advice{
		Operator: "compare this machine's clock with the issuer's.", Issuer: "check the issuer's clock, and that the times are seconds.",
	})
}

// wholeHours reports whether d is close to a number of hours that two time zones
// may differ by.
func wholeHours(d time.Duration) bool {
	hours := d.Round(time.Hour)
	return hours > 0 && hours <= 14*time.Hour && (d-hours).Abs() < time.Minute
}

// leewayGo returns a leeway in Go that tolerates a distance of clocks.
func leewayGo(off time.Duration) string {
	return fmt.Sprintf("%d * time.Second", min(int(off.Seconds())/30*30+60, 300))
}
