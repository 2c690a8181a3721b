package push

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/protocol/http1"
)

// refusal is an error with the status that tells it.
type refusal struct {
	status int
	text   string
	allow  string // the method to use, with 405
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, text string) error { return &refusal{status: status, text: text} }

// failure is the answer to a request that did not succeed: {"error": "..."}, and
// with 502 which Gateways did not answer.
func failure(err error) *http1.Response {
	answer := map[string]any{"error": err.Error()}
	var partial *gateway.PartialError
	if errors.As(err, &partial) {
		answer["missing"] = partial.Missing
	}
	body, _ := json.Marshal(answer) // strings always can be
	response := http1.NewResponse(statusOf(err), map[string]string{
		"Content-Type": "application/json",
	}, string(body))
	var r *refusal
	if errors.As(err, &r) && r.allow != "" {
		response.Header.Set("Allow", r.allow)
	}
	if response.Status == http.StatusUnauthorized {
		response.Header.Set("WWW-Authenticate", `Bearer realm="push"`)
	}
	return withHeaders(response)
}

// statusOf tells whose fault it was.
func statusOf(err error) int {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r.status
	case errors.Is(err, gateway.ErrUID), errors.Is(err, gateway.ErrGroup),
		errors.Is(err, gateway.ErrClientID):
		return http.StatusBadRequest
	case errors.Is(err, gateway.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadGateway
}

// withHeaders: answers are not for browsers, and not for caches.
func withHeaders(r *http1.Response) *http1.Response {
	r.Header.Set("Cache-Control", "no-store")
	r.Header.Set("X-Content-Type-Options", "nosniff")
	return r
}
