package main

import "fmt"

// sysTolerance is how much system time above the floor's still counts as the
// same: it is measured by samples.
const sysTolerance = 1.1

// bar is one thing that a row must reach.
type bar struct {
	text string
	// judge gets the row's figures and those of all rows; measured, when not
	// empty, is what it looked at, where the table does not show it.
	judge func(f figures, all map[string]figures) (reached bool, measured string)
	// beside is the row it looks at, when that may be skipped.
	beside string
}

// verdict is what the table says of one bar.
func (b bar) verdict(f figures, all map[string]figures) string {
	if all[b.beside].skipped != "" {
		return b.text + " not compared"
	}
	reached, measured := b.judge(f, all)
	word := "ok"
	if !reached {
		word = "BELOW"
	}
	if measured != "" {
		word += " (" + measured + ")"
	}
	return b.text + " " + word
}

// rateAtLeast wants messages a second, of the median round.
func rateAtLeast(rate float64) bar {
	return bar{text: ">= " + thousands(rate) + "/s",
		judge: func(f figures, _ map[string]figures) (bool, string) { return f.median >= rate, "" }}
}

// shareOf wants a part of another row's rate, median against median.
func shareOf(part float64, other string) bar {
	return bar{text: fmt.Sprintf(">= %g of floor", part),
		judge: func(f figures, all map[string]figures) (bool, string) {
			got := ratio(f.median, all[other].median)
			return got >= part, fmt.Sprintf("%.2f", got)
		}}
}

// fastAs wants another row's rate, of a program that may be missing.
func fastAs(called, other string) bar {
	b := shareOf(1, other)
	b.text, b.beside = ">= "+called, other
	return b
}

// capacityOf wants a part of what another row could do with a core of its own:
// messages for a second of the server's processor time. Rates do not show it
// where the clients are the limit, as they are over TLS.
func capacityOf(part float64, other string) bar {
	return bar{text: fmt.Sprintf(">= %g of %s", part, other),
		judge: func(f figures, all map[string]figures) (bool, string) {
			got := ratio(all[other].user+all[other].system, f.user+f.system)
			return got >= part, fmt.Sprintf("%.2f", got)
		}}
}

// handshakesAtLeast wants a part of the handshakes that were to be made beside
// the row; with fewer of them the row says little.
func handshakesAtLeast(part float64, rate int) bar {
	return bar{text: fmt.Sprintf("%d handshakes/s", rate),
		judge: func(f figures, _ map[string]figures) (bool, string) {
			return f.handshakes >= part*float64(rate), fmt.Sprintf("%.0f", f.handshakes)
		}}
}

// userAtMost wants microseconds of user time for a message.
func userAtMost(limit float64) bar {
	return bar{text: fmt.Sprintf("user <= %g", limit),
		judge: func(f figures, _ map[string]figures) (bool, string) { return f.user <= limit, "" }}
}

// sysLike wants no more system time than another row needs.
func sysLike(other string) bar {
	return bar{text: "sys as floor", judge: func(f figures, all map[string]figures) (bool, string) {
		got := ratio(f.system, all[other].system)
		return got <= sysTolerance, fmt.Sprintf("%.2f", got)
	}}
}

// bytesAtMost wants private memory for each idle connection.
func bytesAtMost(limit float64) bar {
	return bar{text: fmt.Sprintf("<= %g B", limit),
		judge: func(f figures, _ map[string]figures) (bool, string) { return f.bytes <= limit, "" }}
}

// encodedOnce wants one encoding for each broadcast, whatever the number of
// receivers.
func encodedOnce() bar {
	return bar{text: "encoded once", judge: func(f figures, _ map[string]figures) (bool, string) {
		return f.encodings == 1, fmt.Sprintf("%.2f", f.encodings)
	}}
}
