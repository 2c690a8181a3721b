package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// enterChat opens the chat in a window of its own, under a name.
func enterChat(t *testing.T, a *pushApps, name string) *tab {
	t.Helper()
	p := newTab(t)
	p.open("http://" + a.chat + "/")
	p.wait(`document.getElementById("hello").open`)
	p.do("enter the name", chromedp.SendKeys("#nick", name+kb.Enter))
	p.wait(`document.body.dataset.state === "online"`)
	p.wantText("#people button[disabled] .label", name)
	return p
}

// say types a message.
func (p *tab) say(text string) {
	p.t.Helper()
	p.do("say "+text, chromedp.SendKeys("#text", text+kb.Enter))
}

// wantHeard waits until the last message is of somebody and has a text.
func (p *tab) wantHeard(from, text string) {
	p.t.Helper()
	const last = "#messages article:last-of-type"
	p.wantText(last+" .bubble", text)
	p.wantText(last+" .name", from)
}

// person is the entry of the list with a name.
func person(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#people button")].find(
		(b) => b.querySelector(".label").textContent === %s)`, quoted(name))
}

// Two windows chat: in the room, alone with each other, and with markup that stays
// text. Who closes the window has left.
func TestChatInTwoWindows(t *testing.T) {
	t.Parallel()
	a := newPushApps(t)
	a.start("--app", "chat")
	tom, ann := enterChat(t, a, "Tom"), enterChat(t, a, "Ann")
	tom.wait(person("Ann") + " !== undefined")
	ann.wait(person("Tom") + " !== undefined")
	ann.wantText("#about", "2 people")

	tom.say("hi, all !")
	tom.wantHeard("You", "hi, all !")
	ann.wantHeard("Tom", "hi, all !")
	const markup = `<img src=x onerror=alert(1)> & "quotes"`
	ann.say(markup)
	tom.wantHeard("Ann", markup)
	if got := value[int](tom, `document.querySelectorAll("#messages img").length`); got != 0 {
		t.Errorf("a message became %d pictures", got)
	}

	ann.do("choose Tom", chromedp.Evaluate(person("Tom")+".click()", nil))
	ann.wantText("#place", "Tom")
	ann.say("only for you")
	ann.wantHeard("You", "only for you")
	tom.wait(person("Ann") + `.querySelector(".badge")?.firstChild.textContent === "1"`)
	tom.wait(`document.title.startsWith("(1)")`)
	tom.wantHeard("Ann", markup)
	tom.do("choose Ann", chromedp.Evaluate(person("Ann")+".click()", nil))
	tom.wantHeard("Ann", "only for you")
	tom.wait(person("Ann") + `.querySelector(".badge") === null`)

	ann.open("about:blank")
	tom.wait(person("Ann") + " === undefined")
	tom.wantText("#about", "Not in this room now")
}

// In another room nobody hears what is said in the first one.
func TestChatHasRooms(t *testing.T) {
	t.Parallel()
	a := newPushApps(t)
	a.start("--app", "chat")
	tom, ann := enterChat(t, a, "Tom"), enterChat(t, a, "Ann")
	ann.do("go to another room", chromedp.SendKeys("#room-name", "tea"+kb.Enter))
	ann.wantText("#place", "#tea")
	ann.wantText("#about", "Only you are here")
	tom.wantText("#about", "Only you are here")
	tom.say("anybody?")
	tom.wantHeard("You", "anybody?")
	tom.do("follow", chromedp.Evaluate(`location.hash = "tea"`, nil))
	tom.wantText("#about", "2 people")
	tom.say("here you are")
	ann.wantHeard("Tom", "here you are")
	if got := value[int](ann, `document.querySelectorAll("#messages article").length`); got != 1 {
		t.Errorf("%d messages in the other room, want 1", got)
	}
}

// The page comes back by itself after the Gateways were away, as the same person.
func TestChatReconnects(t *testing.T) {
	t.Parallel()
	a := newPushApps(t)
	a.start("--app", "chat")
	tom, ann := enterChat(t, a, "Tom"), enterChat(t, a, "Ann")
	const own = `document.querySelector("#people button[disabled]").dataset.uid`
	before := value[string](tom, own)
	a.run("restart", "-d", "--app", "chat").wantCode(0)
	for _, p := range []*tab{tom, ann} {
		p.wait(`document.body.dataset.state === "online"`)
		p.wantText("#about", "2 people")
	}
	ann.say("still here")
	tom.wantHeard("Ann", "still here")
	if after := value[string](tom, own); after != before {
		t.Errorf("uid %s after the break, %s before", after, before)
	}
}
