package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/supervisor"
)

// rounds are the builds and reloads of a watcher, one after another.
type rounds struct {
	in      *invocation
	tree    *sourceTree
	failure string // what the last round has shown; empty after a good one
}

// asItWas ends every failure that has changed nothing.
const asItWas = "everything keeps running as it was"

// round builds the tree and has the master reload from it unless that is what
// runs. changed is what the watcher saw; nothing in its first round, which takes
// in what was written before it began to look.
func (r *rounds) round(changed []string) {
	shop, err := r.tree.enter(r.in.ctx)
	if err != nil {
		r.fail(changed, err.Error(), "not built, "+asItWas)
		return
	}
	defer shop.leave()
	began := time.Now()
	var said bytes.Buffer
	if err := shop.build(r.in.ctx, &said); err != nil {
		shop.discard()
		if !errors.Is(err, errBuild) {
			fmt.Fprintln(&said, err)
		}
		r.fail(changed, said.String(), "the build failed, "+asItWas)
		return
	}
	built, began := time.Since(began), time.Now()
	news := r.reload(shop)
	switch {
	case news.live != "":
		r.failure = ""
		r.tell(changed, fmt.Sprintf("%s, built in %s, reloaded in %s",
			news.live, seconds(built), seconds(time.Since(began))))
		return // the master gives the binary its name
	case news.err == nil && changed != nil:
		r.failure = ""
		r.tell(changed, news.text)
	case news.err != nil && news.mixed:
		r.fail(changed, news.err.Error(), "the reload failed, generations are mixed")
	case news.err != nil:
		r.fail(changed, news.err.Error(), "not reloaded, "+asItWas)
	}
	shop.discard()
}

// reloadNews is how a reload goes.
type reloadNews struct {
	live  string // the new generation is live, in the master's words
	text  string // why there was nothing to reload
	mixed bool   // it could not be put back
	err   error
}

// reload waits until the new generation is live or refused. The old processes
// may take longer to leave; nobody waits for them here.
func (r *rounds) reload(shop *workshop) reloadNews {
	first := make(chan reloadNews, 2)
	go func() { // ends with the result of the master, or with ctx
		var last reloadNews
		result, err := r.in.ask(question{
			request: ipc.Request{
				Command: ipc.CommandReload, IfNew: true,
				Binary: shop.next(), InstallAs: shop.target,
			},
			silence: reloadPatience, patient: true,
			each: func(m ipc.Message) {
				switch step, _ := m.(*ipc.Progress); {
				case step == nil:
				case step.Kind == "live":
					first <- reloadNews{live: step.Text}
				case step.Kind == "mixed":
					last.mixed = true
				}
			},
		})
		switch {
		case err != nil:
			last.err = err
		case result.Code != ipc.CodeDone:
			result.Text = strings.TrimSuffix(result.Text, "\n"+supervisor.Unchanged)
			last.err = resultError(*result) // the line of the round says the rest
		default:
			last.text = result.Text
		}
		first <- last
	}()
	return <-first
}

// fail shows a failure once: the same one again is only named.
func (r *rounds) fail(changed []string, text, sentence string) {
	text = strings.TrimRight(text, "\n")
	if text == r.failure {
		r.tell(changed, "as before, "+sentence)
		return
	}
	r.failure = text
	r.print(text + "\n" + subject(changed) + ": " + sentence + "\n")
}

// tell prints the line of a round.
func (r *rounds) tell(changed []string, sentence string) {
	if !r.in.quiet {
		r.print(subject(changed) + ": " + sentence + "\n")
	}
}

// print writes at once, because the master writes to the same terminal. At the
// end of the service nobody wants to know.
func (r *rounds) print(text string) {
	if r.in.ctx.Err() == nil {
		fmt.Fprint(r.in.stdout, text)
	}
}

// subject names what has changed.
func subject(changed []string) string {
	switch len(changed) {
	case 0:
		return "changed meanwhile"
	case 1:
		return "changed " + changed[0]
	}
	return fmt.Sprintf("changed %s and %d more", changed[0], len(changed)-1)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
