package e2e

import (
	"fmt"
	"testing"
)

// pushApps is the chat, the pond and the endpoint of the repository, on ports of
// their own.
type pushApps struct {
	*service
	chat, chatText, pond, pondText, endpoint string // pages, text ports, http
	inner                                    int    // the first inner port of the chat
}

// newPushApps prepares them; the environment may have more.
func newPushApps(t *testing.T, env ...string) *pushApps {
	t.Helper()
	a := &pushApps{
		chat: freeAddress(t), chatText: freeAddress(t),
		pond: freeAddress(t), pondText: freeAddress(t), endpoint: freeAddress(t),
	}
	inner := portsInARow(t, 152)
	a.inner = inner
	a.service = newService(t, append(env,
		"WM_CHAT_PAGE="+a.chat, "WM_CHAT_TEXT="+a.chatText, "WM_CHAT_WEBSOCKET="+freeAddress(t),
		"WM_CHAT_REGISTER="+freeAddress(t), fmt.Sprintf("WM_CHAT_START_PORT=%d", inner),
		"WM_TODPOLE_PAGE="+a.pond, "WM_TODPOLE_TEXT="+a.pondText,
		"WM_TODPOLE_WEBSOCKET="+freeAddress(t), "WM_TODPOLE_REGISTER="+freeAddress(t),
		fmt.Sprintf("WM_TODPOLE_START_PORT=%d", inner+100),
		"WM_PUSH_HTTP="+a.endpoint)...)
	for _, port := range []int{0, 1, 50, 100, 101, 150} {
		a.ports = append(a.ports, fmt.Sprintf("127.0.0.1:%d", inner+port))
	}
	a.bin = built.sample
	return a
}
