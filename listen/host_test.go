package listen

import "testing"

func TestSpellingsOfOneAddress(t *testing.T) {
	for want, hosts := range map[string][]string{
		"0.0.0.0:80":   {":80", "*:80", "0.0.0.0:80", "0.0.0.0:0080"},
		"127.0.0.1:80": {"localhost:80", "127.0.0.1:80", "[::ffff:127.0.0.1]:80"},
		"[::1]:80":     {"[::1]:80", "[0:0:0:0:0:0:0:1]:80"},
	} {
		for _, host := range hosts {
			if got, err := ParseHost(host); err != nil || got.String() != want {
				t.Errorf("%s: %v, %v, want %s", host, got, err, want)
			}
		}
	}
}
