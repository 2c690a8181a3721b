package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// enterPond opens the pond in a window of its own, under a name, and says who is who.
func enterPond(t *testing.T, a *pushApps, name string) (p *tab, id string) {
	t.Helper()
	p = newTab(t)
	p.open("http://" + a.pond + "/")
	p.wait(`document.querySelector("#swimmers [data-me]") !== null`)
	p.do("change the name", chromedp.SetValue("#name", name),
		chromedp.Evaluate(`document.getElementById("name").dispatchEvent(new Event("change"))`, nil))
	return p, value[string](p, `document.querySelector("#swimmers [data-me]").dataset.id`)
}

// swimmer is the entry of the list for a tadpole.
func swimmer(id string) string {
	return fmt.Sprintf(`document.querySelector("#swimmers [data-id='%s']")`, id)
}

// Two windows see each other swim, speak and leave, and so does a program on the
// text port.
func TestTadpolesSeeEachOther(t *testing.T) {
	t.Parallel()
	a := newPushApps(t)
	a.start("--app", "todpole")
	tom, tomID := enterPond(t, a, "Tom")
	ann, annID := enterPond(t, a, "Ann")
	tom.wantText(fmt.Sprintf("#swimmers [data-id='%s']", annID), "Ann")
	ann.wantText(fmt.Sprintf("#swimmers [data-id='%s']", tomID), "Tom")
	ann.wantText("#state-text", "2 swimmers")

	x := value[float64](ann, "Number("+swimmer(tomID)+".dataset.x)")
	key, way := "ArrowRight", 1
	if x > 0 { // away from the nearer shore
		key, way = "ArrowLeft", -1
	}
	tom.do("hold an arrow", chromedp.Evaluate(
		`dispatchEvent(new KeyboardEvent("keydown", {key: "`+key+`"}))`, nil))
	ann.wait(fmt.Sprintf("%d * (%s.dataset.x - %v) > 150", way, swimmer(tomID), x))
	tom.do("let it go", chromedp.Evaluate(`dispatchEvent(new Event("blur"))`, nil))

	ann.do("say", chromedp.SendKeys("#text", "<b>wait</b>"+kb.Enter))
	tom.wantText("#heard p:last-child", "Ann: <b>wait</b>")

	program := newClient(t, a.pondText)
	fmt.Fprintln(program.conn, `{"type":"update","x":7,"y":8,"angle":0,"momentum":0,"name":"telnet"}`)
	tom.wait(`[...document.querySelectorAll("#swimmers li")].some(
		(li) => li.textContent === "telnet" && li.dataset.x === "7" && li.dataset.y === "8")`)
	for seen := ""; !strings.Contains(seen, tomID); {
		line, err := program.in.ReadString('\n')
		if err != nil {
			t.Fatalf("the program never sees Tom: %v", err)
		}
		seen = line
	}

	ann.open("about:blank")
	tom.wait(swimmer(annID) + " === null")
}
