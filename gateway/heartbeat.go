package gateway

// spoke is client.silent of who has sent a message since the last tick.
const spoke = -1
