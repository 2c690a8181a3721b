package push

import (
	"context"
	"net/http"
	"strings"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

// pusher is the endpoint. Its fields are set before the first request.
type pusher struct {
	token string // empty: nobody is let in
	chat  *gateway.Client
}

// job asks the Gateways; it runs on a goroutine of its own. What it returns goes
// out as JSON.
type job func(ctx context.Context) (any, error)

// onRequest checks what can be checked at once; the Gateways are asked beside the
// loop.
func (p *pusher) onRequest(c *worker.Connection, r *http1.Request) {
	work, err := p.job(r)
	if err != nil {
		c.Send(failure(err))
		return
	}
	worker.Go(c.Context(), func(ctx context.Context) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return work(ctx)
	}, func(answer any, err error) {
		if err != nil {
			c.Send(failure(err))
			return
		}
		c.Send(withHeaders(http1.JSON(answer)))
	})
}

// job finds out what a request wants, and whether it may.
func (p *pusher) job(r *http1.Request) (job, error) {
	method := map[string]string{"/push": http.MethodPost, "/online": http.MethodGet}[r.Path()]
	switch {
	case method == "":
		return nil, refuse(http.StatusNotFound, "there are POST /push and GET /online")
	case p.token == "":
		return nil, refuse(http.StatusServiceUnavailable, "there is no token, the log says why")
	case !p.allowed(r.Header("Authorization")):
		return nil, refuse(http.StatusUnauthorized, "send the header Authorization: Bearer TOKEN")
	case r.Method() != method:
		return nil, &refusal{http.StatusMethodNotAllowed, r.Path() + " takes " + method, method}
	case method == http.MethodGet:
		return p.online(r)
	}
	return p.push(r.RawBody())
}

// allowed says that the header has the token.
func (p *pusher) allowed(header string) bool {
	scheme, given, _ := strings.Cut(header, " ")
	return strings.EqualFold(scheme, "Bearer") && same(strings.TrimSpace(given), p.token)
}

// online counts: all clients, those of a group, or says whether a uid is there.
func (p *pusher) online(r *http1.Request) (job, error) {
	uid, group := r.Get("uid"), r.Get("group")
	switch {
	case uid != "" && group != "":
		return nil, refuse(http.StatusBadRequest, "ask for a uid or for a group")
	case uid != "":
		return func(ctx context.Context) (any, error) {
			ids, err := p.chat.ClientIDByUID(ctx, uid)
			return map[string]any{"uid": uid, "online": len(ids) > 0, "clients": len(ids)}, err
		}, nil
	case group != "":
		return func(ctx context.Context) (any, error) {
			n, err := p.chat.ClientCountByGroup(ctx, group)
			return map[string]any{"group": group, "clients": n}, err
		}, nil
	}
	return func(ctx context.Context) (any, error) {
		n, err := p.chat.AllClientCount(ctx)
		return map[string]any{"clients": n}, err
	}, nil
}
