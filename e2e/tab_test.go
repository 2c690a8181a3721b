package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// tabLimit is longer than any test may use a page.
const tabLimit = 2 * time.Minute

// tab is a page of the browser.
type tab struct {
	t       *testing.T
	ctx     context.Context
	visitor cdp.BrowserContextID // whose cookies it has
	console lockedBuffer         // what its scripts printed and did not catch
}

// newTab opens an empty page of a visitor who has no cookies yet.
func newTab(t *testing.T) *tab {
	t.Helper()
	chrome.need(t)
	ctx, cancel := context.WithTimeout(chrome.context, eventLimit)
	defer cancel()
	visitor, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(inBrowser(ctx))
	if err != nil {
		t.Fatalf("a new visitor: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(chrome.context, eventLimit)
		defer cancel()
		target.DisposeBrowserContext(visitor).Do(inBrowser(ctx))
	})
	return openTab(t, visitor)
}

// sibling opens another page of the same visitor.
func (p *tab) sibling() *tab {
	p.t.Helper()
	return openTab(p.t, p.visitor)
}

// inBrowser is for commands that are for no page.
func inBrowser(ctx context.Context) context.Context {
	return cdp.WithExecutor(ctx, chromedp.FromContext(chrome.context).Browser)
}

func openTab(t *testing.T, visitor cdp.BrowserContextID) *tab {
	t.Helper()
	limited, stop := context.WithTimeout(chrome.context, tabLimit)
	// The first page of a visitor needs a window.
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(visitor).
		WithNewWindow(true).Do(inBrowser(limited))
	if err != nil {
		stop()
		t.Fatalf("open a page: %v", err)
	}
	ctx, cancel := chromedp.NewContext(limited, chromedp.WithTargetID(id))
	p := &tab{t: t, ctx: ctx, visitor: visitor}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("--- console of a page\n%s", p.console.String())
		}
		cancel()
		stop()
	})
	chromedp.ListenTarget(ctx, p.note)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("attach to a page: %v", err)
	}
	return p
}

// note keeps what scripts say.
func (p *tab) note(event any) {
	switch e := event.(type) {
	case *cdpruntime.EventConsoleAPICalled:
		var words []string
		for _, arg := range e.Args {
			words = append(words, string(arg.Value)+arg.Description)
		}
		p.console.Write([]byte(strings.Join(words, " ") + "\n"))
	case *cdpruntime.EventExceptionThrown:
		p.console.Write([]byte(e.ExceptionDetails.Error() + "\n"))
	}
}

// do runs actions, within the limit of what happens by itself.
func (p *tab) do(what string, actions ...chromedp.Action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 2*eventLimit)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// open loads a page, to the end of its load event.
func (p *tab) open(url string) {
	p.t.Helper()
	p.do("open "+url, chromedp.Navigate(url))
}

// follow runs actions that lead to another page, to the end of its load event. A
// query that waits for the end of the old page may wait for ever.
func (p *tab) follow(what string, actions ...chromedp.Action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 2*eventLimit)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// value is what an expression says; of a promise, what comes of it.
func value[T any](p *tab, expression string) T {
	p.t.Helper()
	var out T
	await := func(e *cdpruntime.EvaluateParams) *cdpruntime.EvaluateParams {
		return e.WithAwaitPromise(true)
	}
	p.do(expression, chromedp.Evaluate(expression, &out, await))
	return out
}

// wait waits until an expression is true.
func (p *tab) wait(expression string) {
	p.t.Helper()
	if err := p.poll(expression); err != nil {
		p.t.Fatalf("never true: %s: %v", expression, err)
	}
}

func (p *tab) poll(expression string) error {
	ctx, cancel := context.WithTimeout(p.ctx, 2*eventLimit)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Poll(expression, nil,
		chromedp.WithPollingInterval(pollEvery), chromedp.WithPollingTimeout(eventLimit)))
}

// wantText waits until an element shows a text.
func (p *tab) wantText(selector, want string) {
	p.t.Helper()
	shown := "document.querySelector(" + quoted(selector) + ")?.textContent.trim()"
	if err := p.poll(shown + " === " + quoted(want)); err != nil {
		p.t.Fatalf("%s never shows %q: %v; it shows %q", selector, want, err,
			value[string](p, shown+" ?? 'nothing'"))
	}
}

// quoted is a string of JavaScript.
func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}
