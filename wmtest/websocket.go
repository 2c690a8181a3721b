package wmtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// socket speaks websocket.
type socket struct {
	conn     *websocket.Conn
	patience time.Duration
}

func dialWebSocket(f found, patience time.Duration) (*socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(f, patience)
		},
	}
	// TLS, if any, is below.
	conn, _, err := websocket.Dial(ctx, "ws://"+hostOf(f)+"/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	return &socket{conn, patience}, nil
}

func (s *socket) send(v any) error {
	message, err := encode(v)
	if err != nil {
		return err
	}
	kind := websocket.MessageText
	if _, ok := v.([]byte); ok {
		kind = websocket.MessageBinary
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	return s.conn.Write(ctx, kind, message)
}

func (s *socket) receive(_ string, until time.Time) (string, error) {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	_, message, err := s.conn.Read(ctx)
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		err = fmt.Errorf("%w with %d %q", errEnded, int(closed.Code), closed.Reason)
	case err != nil && ctx.Err() != nil:
		err = errSilence
	}
	return string(message), err
}

func (s *socket) close() {
	// An error says that the connection was closed before.
	_ = s.conn.Close(websocket.StatusNormalClosure, "")
}

func (s *socket) abort() { s.conn.CloseNow() }
