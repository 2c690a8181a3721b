package push

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/workerman-go/wm/gateway"
)

// push reads the body of POST /push.
func (p *pusher) push(body []byte) (job, error) {
	if len(body) > maxBodyBytes {
		return nil, refuse(http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the body has more than %d bytes", maxBodyBytes))
	}
	var in struct {
		To      json.RawMessage `json:"to"`
		Message json.RawMessage `json:"message"`
	}
	if err := strict(body, &in); err != nil {
		return nil, refuse(http.StatusBadRequest,
			`the body is {"to": ..., "message": ...} in JSON: `+err.Error())
	}
	to, err := target(in.To)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, err.Error())
	}
	message, err := text(in.Message)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, err.Error())
	}
	return func(ctx context.Context) (any, error) {
		return map[string]bool{"ok": true}, p.chat.SendTo(ctx, to, message)
	}, nil
}

// strict reads one value that has no fields but those of v.
func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows it")
	}
	return nil
}

// target reads who is meant: "all", or an object with one of uid, group, client.
func target(to json.RawMessage) (gateway.Target, error) {
	bad := fmt.Errorf(`"to" is "all", {"uid": "..."}, {"group": "..."} or {"client": "..."}`)
	var all string
	if json.Unmarshal(to, &all) == nil && all == "all" {
		return gateway.Target{All: true}, nil
	}
	var one struct{ UID, Group, Client *string }
	if len(to) == 0 || to[0] != '{' || strict(to, &one) != nil {
		return gateway.Target{}, bad
	}
	var t gateway.Target
	named := 0
	for _, choice := range []struct {
		name *string
		into *[]string
	}{{one.UID, &t.UIDs}, {one.Group, &t.Groups}, {one.Client, &t.Clients}} {
		if choice.name != nil {
			*choice.into = []string{*choice.name}
			named++
		}
	}
	if named != 1 {
		return gateway.Target{}, bad
	}
	return t, nil
}

// text is what the clients get: a string as it is, everything else as JSON, on one
// line for those that read lines.
func text(message json.RawMessage) (string, error) {
	if len(message) == 0 || string(message) == "null" {
		return "", fmt.Errorf(`"message" is missing`)
	}
	var s string
	if json.Unmarshal(message, &s) == nil {
		return s, nil
	}
	var line bytes.Buffer
	err := json.Compact(&line, message)
	return line.String(), err
}
