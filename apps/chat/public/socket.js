// A websocket that comes back. It waits longer after each failure, up to 15 s, and
// tries at once when the network or the visitor returns.

const silence = 65_000; // the server pings every 25 s
const patience = 8_000; // for a connection to open

export class Socket {
	// find returns a promise of the address. on has open(), message(object), plain(text)
	// and state(name, seconds): "connecting", "online", or "waiting" for so long. It may
	// have pinged().
	constructor(find, on) {
		this.find = find;
		this.on = on;
		this.failures = 0;
		this.stopped = true;
		addEventListener("online", () => this.retry());
		// A page that is left may be kept for the way back, connection and all.
		addEventListener("pagehide", () => this.pause());
		addEventListener("pageshow", (e) => { if (e.persisted) this.retry(); });
		document.addEventListener("visibilitychange", () => {
			if (!document.hidden) this.retry();
		});
	}

	start() {
		this.stopped = false;
		this.connect();
	}

	stop() {
		this.stopped = true;
		this.pause();
	}

	pause() {
		clearTimeout(this.timer);
		clearTimeout(this.ticking);
		this.drop();
	}

	// retry ends the waiting, if that is what it does.
	retry() {
		if (this.stopped || this.ws) return;
		this.failures = Math.min(this.failures, 2);
		this.connect();
	}

	send(value) {
		if (this.ws?.readyState !== WebSocket.OPEN) return false;
		this.ws.send(JSON.stringify(value));
		return true;
	}

	async connect() {
		clearTimeout(this.timer);
		clearTimeout(this.ticking);
		if (this.finding) return;
		this.on.state("connecting");
		this.finding = true;
		let ws;
		try {
			ws = new WebSocket(await this.find());
		} catch {
			this.finding = false;
			return this.again();
		}
		this.finding = false;
		if (this.stopped) return ws.close();
		this.ws = ws;
		this.watch(patience);
		ws.onopen = () => {
			if (ws !== this.ws) return;
			this.watch(silence);
			this.on.open();
		};
		ws.onmessage = (e) => {
			if (ws !== this.ws) return;
			this.watch(silence);
			this.take(e.data);
		};
		ws.onclose = () => {
			if (ws === this.ws) this.lost();
		};
	}

	// settled is called by the page when the server has let it in.
	settled() {
		this.failures = 0;
		this.on.state("online");
	}

	take(data) {
		let value;
		try {
			value = JSON.parse(data);
		} catch { /* a text that somebody pushes */ }
		if (value === null || typeof value !== "object") return this.on.plain(String(data));
		if (value.type === "ping") {
			this.on.pinged?.();
			return this.send({ type: "pong" });
		}
		this.on.message(value);
	}

	// watch gives the connection up when nothing comes for a while.
	watch(limit) {
		clearTimeout(this.watching);
		this.watching = setTimeout(() => this.lost(), limit);
	}

	drop() {
		clearTimeout(this.watching);
		const ws = this.ws;
		this.ws = null;
		ws?.close();
	}

	lost() {
		this.drop();
		if (!this.stopped) this.again();
	}

	again() {
		if (this.stopped) return;
		const wait = Math.min(15_000, 500 * 2 ** this.failures++) * (0.75 + Math.random() / 2);
		const due = Date.now() + wait;
		this.timer = setTimeout(() => this.connect(), wait);
		const tick = () => {
			this.on.state("waiting", Math.max(1, Math.ceil((due - Date.now()) / 1000)));
			this.ticking = setTimeout(tick, 1000);
		};
		tick();
	}
}

// find asks the server of the page where the Gateways are: on the same host.
export async function find() {
	const answer = await fetch("/socket.json", { cache: "no-store" });
	const { port } = await answer.json();
	const scheme = location.protocol === "https:" ? "wss:" : "ws:";
	return `${scheme}//${location.hostname}:${port}`;
}
