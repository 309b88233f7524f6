package dev

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// pollInterval is how often a device may ask for its tokens.
const pollInterval = 5 * time.Second

// device is a device that waits for its user (RFC 8628).
type device struct {
	client    *Client
	code      digest
	scope     string
	resources []string
	expires   time.Time

	mu       sync.Mutex
	interval time.Duration
	polled   time.Time
	denied   bool
	used     bool
	grant    *grant // nil: the user has not decided
}

// userAlphabet has no vowels, so that codes are no words, and no letters that look
// alike (RFC 8628, Section 6.1).
const userAlphabet = "BCDFGHJKLMNPQRSTVWXZ"

// newUserCode returns a code that the user types.
func newUserCode() string {
	var text strings.Builder
	for _, b := range []byte(rand.Text())[:8] { // each is one of 32
		text.WriteByte(userAlphabet[int(b)%len(userAlphabet)])
	}
	return text.String()[:4] + "-" + text.String()[4:]
}

// plainUserCode removes what users may leave out or add.
func plainUserCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(userAlphabet, r) {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
}

// startDevice is the device authorization endpoint (RFC 8628, Section 3.1).
func (i *issuer) startDevice(r *http.Request) (any, *refusal) {
	client, refused := i.authenticate(r)
	if refused != nil {
		return nil, refused
	}
	if client == nil {
		return nil, invalidClient("client_id is missing")
	}
	if !client.may(deviceGrant) {
		return nil, badRequest("unauthorized_client", "the client may not use this grant type")
	}
	granted, refused := client.limit(r.PostForm.Get("scope"))
	if refused == nil {
		refused = checkResources(r.PostForm["resource"])
	}
	if refused != nil {
		return nil, refused
	}
	secret, userCode := randomText(), newUserCode()
	d := &device{
		client: client, code: digestOf(secret), scope: granted, resources: r.PostForm["resource"],
		expires: time.Now().Add(deviceLife), interval: pollInterval,
	}
	i.devices.put(d.code, d, 2*deviceLife)
	i.userCodes.put(plainUserCode(userCode), d, deviceLife)
	return map[string]any{
		"device_code": secret, "user_code": userCode, "verification_uri": i.url + "/device",
		"verification_uri_complete": i.url + "/device?" + url.Values{"user_code": {userCode}}.Encode(),
		"expires_in":                int(deviceLife.Seconds()), "interval": int(pollInterval.Seconds()),
	}, nil
}

// redeemDevice is the device grant (RFC 8628, Section 3.4).
func (i *issuer) redeemDevice(client *Client, form url.Values, _ string) (redemption, *refusal) {
	d, ok := i.devices.get(digestOf(form.Get("device_code")))
	switch {
	case form.Get("device_code") == "":
		return redemption{}, invalidRequest("device_code is missing")
	case !ok || d.client.ID != client.ID:
		return redemption{}, invalidGrant("the device code is unknown or another client's")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	tooFast := now.Sub(d.polled) < d.interval
	d.polled = now
	switch {
	case d.denied:
		return redemption{}, badRequest("access_denied", "the user refused")
	case d.used || d.grant != nil && !d.grant.active():
		return redemption{}, invalidGrant("the device code was used, or its grant is revoked")
	case now.After(d.expires):
		return redemption{}, badRequest("expired_token", "the device code is expired; start again")
	case d.grant == nil && tooFast:
		d.interval += pollInterval // RFC 8628, Section 3.5
		return redemption{}, badRequest("slow_down", "wait five seconds more between requests")
	case d.grant == nil:
		return redemption{}, badRequest("authorization_pending", "the user has not decided yet")
	}
	return redemption{d.grant, d.use}, nil
}

func (d *device) use() *refusal {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.used {
		return invalidGrant("the device code was used")
	}
	d.used = true
	return nil
}

// devicePage is the page where the user types the code (RFC 8628, Section 3.3).
func (i *issuer) devicePage(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		i.decideDevice(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		i.page(w, http.StatusMethodNotAllowed, errorPage("Open this page in a browser."))
		return
	}
	i.page(w, http.StatusOK, i.askCode(w, r, r.FormValue("user_code")))
}

func (i *issuer) askCode(w http.ResponseWriter, r *http.Request, userCode string) page {
	p := page{
		Title: "Connect a device", Text: "Continue only if you see this code on your device.", Action: i.config.Path + "/device",
		Form: i.newForm(w, r, form{}), AsksCode: true, UserCode: shownUserCode(userCode),
		Choices: i.choices(i.sessionOf(r)), Cancel: "Refuse the device",
	}
	if p.UserCode == "" {
		p.Text = "Type the code that your device shows, and choose who to be."
	}
	p.Choices[0].First = p.UserCode != ""
	return p
}

// shownUserCode returns a code as the device shows it, or nothing.
func shownUserCode(typed string) string {
	plain := plainUserCode(typed)
	if len(plain) != 8 {
		return ""
	}
	return plain[:4] + "-" + plain[4:]
}

// decideDevice takes the form of the page.
func (i *issuer) decideDevice(w http.ResponseWriter, r *http.Request) {
	if _, problem := i.takeForm(r); problem != "" {
		i.page(w, http.StatusBadRequest, errorPage(problem))
		return
	}
	d, ok := i.userCodes.take(plainUserCode(r.PostForm.Get("user_code")))
	if !ok {
		p := i.askCode(w, r, "")
		p.Text, p.Problem = "No device shows this code. Compare the letters; codes are good for ten minutes.", true
		i.page(w, http.StatusBadRequest, p)
		return
	}
	note(r, d.client)
	u := i.server.user(r.PostForm.Get("user"))
	if u == nil {
		d.mu.Lock()
		d.denied = true
		d.mu.Unlock()
		i.page(w, http.StatusOK, page{Title: "Device refused", Text: "The device gets no access. You may close this page."})
		return
	}
	noteUser(r, u)
	s := i.sessionOf(r)
	if s == nil || s.user.Name != u.Name {
		s = i.newSession(w, u, "")
	}
	s.use(d.client)
	d.mu.Lock()
	d.grant = &grant{client: d.client, user: u, session: s, scope: d.scope, resources: d.resources, authTime: s.at, acr: s.acr}
	d.mu.Unlock()
	i.page(w, http.StatusOK, page{Title: "Device connected", Text: "The device continues as " + u.Name + ". You may close this page."})
}
