package main

// maxDatagram is the longest datagram.
const maxDatagram = 60_000

// datagrams sends some, one after another: each comes back.
func datagrams(c *client) error {
	l, err := c.dial("udp")
	if err != nil {
		return err
	}
	defer l.Close()
	in := make([]byte, maxDatagram+1)
	for range 1 + c.random.IntN(5) {
		message := c.words(min(c.size(), maxDatagram))
		if _, err := l.Write([]byte(message)); err != nil {
			return err
		}
		n, err := l.Read(in)
		if err != nil {
			return err
		}
		if err := c.must(message, string(in[:n])); err != nil {
			return err
		}
	}
	return nil
}
