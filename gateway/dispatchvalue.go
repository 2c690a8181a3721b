package gateway

import (
	"errors"
	"fmt"

	"github.com/workerman-go/wm/gateway/phpserialize"
)

var errNoArray = errors.New("gateway: not the array that it has to be")

// decodeHandshake reads the body of ON_WEBSOCKET_CONNECT.
func decodeHandshake(body []byte) (Handshake, error) {
	v, err := phpserialize.Unmarshal(body)
	if err != nil {
		return Handshake{}, err
	}
	data, ok := v.(*phpserialize.Array)
	if !ok {
		return Handshake{}, fmt.Errorf("%w: %T", errNoArray, v)
	}
	return Handshake{
		Get: plainMap(data.Get("get")), Server: plainMap(data.Get("server")),
		Cookie: plainMap(data.Get("cookie")),
	}, nil
}

// plainMap is an array of PHP as a map; never nil.
func plainMap(v any) map[string]any {
	m := make(map[string]any)
	if a, ok := v.(*phpserialize.Array); ok {
		for k, v := range a.All() {
			m[k.String()] = plain(v)
		}
	}
	return m
}

// plain is a value of PHP as Go programs have it: lists are slices.
func plain(v any) any {
	a, ok := v.(*phpserialize.Array)
	if !ok {
		return v
	}
	if !a.IsList() {
		return plainMap(a)
	}
	list := make([]any, 0, a.Len())
	for _, v := range a.All() {
		list = append(list, plain(v))
	}
	return list
}
