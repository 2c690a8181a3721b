package statusfmt

import (
	"fmt"
	"strconv"
	"time"
)

// memory shows bytes in M with two decimals, as the manual does.
func memory(bytes int64) string {
	if bytes < 0 {
		return none
	}
	return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 2, 64) + "M"
}

// size shows bytes with one decimal in the largest unit that is not below 1.
func size(bytes uint64) string {
	if bytes < 1024 {
		return strconv.FormatUint(bytes, 10) + "B"
	}
	// 1023.96 would be printed as 1024.0, which the next unit says better.
	const full = 1023.95
	units := []string{"KB", "MB", "GB", "TB"}
	v := float64(bytes) / 1024
	for v >= full && len(units) > 1 {
		v /= 1024
		units = units[1:]
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + units[0]
}

// uptime shows whole days and whole hours; a clock that was set back gives 0.
func uptime(d time.Duration) string {
	hours := int64(max(d, 0) / time.Hour)
	return fmt.Sprintf("%d days %d hours", hours/24, hours%24)
}

// since shows how long something lasts: tenths of seconds in the first minute,
// whole seconds later.
func since(d time.Duration) string {
	if d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	return d.Round(time.Second).String()
}

// age shows how old something is in one unit, which is the one that matters; a
// clock that was set back gives 0s.
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// until shows the whole seconds left, rounded up so that it never says 0s
// about something still to come.
func until(d time.Duration) string {
	return max(d+time.Second-1, 0).Truncate(time.Second).String()
}

// plural shows n and the word, with an s unless n is 1.
func plural[N int | uint64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
