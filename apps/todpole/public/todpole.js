// The pond: who swims where, and what is sent of oneself. What a frame looks like is
// in draw.js, how one tadpole moves in tadpole.js.

import { Socket, find } from "./socket.js";
import { Tadpole, clip } from "./tadpole.js";
import { Painter } from "./draw.js";

const $ = (id) => document.getElementById(id);
const sendEvery = 67; // ms between two updates: 15 in a second
const restEvery = 3_000; // ms between those of one that rests
const forgetAfter = 70_000; // ms without a word; hidden pages answer the ping of the server

const store = {
	get(key) { try { return localStorage.getItem(key); } catch { return null; } },
	set(key, value) { try { localStorage.setItem(key, value); } catch { /* private mode */ } },
};

const names = ["Splash", "Ripple", "Minnow", "Pebble", "Lily", "Bubbles", "Puddle", "Reed", "Dew", "Newt"];
const me = new Tadpole("");
me.name = store.get("todpole.name") || names[Math.floor(Math.random() * names.length)];
me.x = me.tx = (Math.random() - 0.5) * 500;
me.y = me.ty = (Math.random() - 0.5) * 300;
me.angle = me.tangle = Math.random() * 2 * Math.PI;
const others = new Map(); // id -> Tadpole; those that leave fade
const steer = { keys: new Set(), pointer: null };
const painter = new Painter($("pond"), $("water"), me, others);

// Out.

let sentAt = 0; // time of the last update
let sent = ""; // and what it said

function report(now, always) {
	if (!me.id || (!always && now - sentAt < sendEvery)) return;
	const round = (f, n) => Math.round(f * n) / n;
	const place = {
		type: "update", x: round(me.x, 10), y: round(me.y, 10), angle: round(me.angle, 100),
		momentum: round(me.momentum, 10), name: me.name,
	};
	const text = JSON.stringify(place);
	if (!always && text === sent && now - sentAt < restEvery) return;
	if (socket.send(place)) {
		sent = text;
		sentAt = now;
	}
}

// greet lets somebody new know where we are, not all of us in the same instant.
let greeting = 0;
function greet() {
	if (!greeting) greeting = setTimeout(() => { greeting = 0; report(performance.now(), true); }, Math.random() * 500);
}

// In.

const handlers = {
	welcome(m) {
		me.id = m.id;
		others.clear();
		socket.settled();
		report(performance.now(), true);
		list();
	},
	update(m) {
		if (m.id === me.id) return;
		let t = others.get(m.id);
		if (!t || t.leaving) {
			t = new Tadpole(m.id);
			t.place(m);
			others.set(m.id, t);
			greet();
		}
		t.hear(m, performance.now());
		list();
	},
	message(m) {
		const t = others.get(m.id);
		if (t && !t.leaving) heard(t, m.message);
	},
	closed(m) {
		const t = others.get(m.id);
		if (t) t.leaving = true;
		list();
	},
};

const socket = new Socket(find, {
	open() { /* the server says welcome */ },
	message: (m) => handlers[m.type]?.(m),
	plain: () => {},
	pinged: () => report(performance.now(), true), // timers of hidden pages hardly run
	state(name, seconds) {
		document.body.dataset.state = name;
		if (name !== "online") me.id = "";
		says.state = { waiting: "Reconnecting", connecting: "Connecting…" }[name] ?? "";
		$("wait").textContent = name === "waiting" ? `in ${seconds} s` : ""; // not to be read out
		$("retry").hidden = name !== "waiting";
		list();
	},
});

function heard(t, text) {
	t.say(text, performance.now());
	const p = document.createElement("p");
	p.textContent = `${t.name || "Somebody"}: ${text}`;
	$("heard").append(p);
	while ($("heard").childElementCount > 20) $("heard").firstElementChild.remove();
}

// list writes who swims here, a few times in a second at most.
const says = { state: "Connecting…", due: 0 };
function list() {
	if (!says.due) says.due = setTimeout(() => { says.due = 0; write(); }, 200);
}

function write() {
	const here = [...others.values()].filter((t) => !t.leaving);
	const count = here.length + 1;
	const text = says.state || (count === 1 ? "1 swimmer" : `${count} swimmers`);
	if ($("state-text").textContent !== text) $("state-text").textContent = text;
	$("swimmers").replaceChildren(...(me.id ? [me, ...here] : here).map((t) => {
		const li = document.createElement("li");
		li.textContent = t === me ? `${t.name} (you)` : t.name || "Somebody";
		Object.assign(li.dataset, { id: t.id, x: Math.round(t.x), y: Math.round(t.y) });
		if (t === me) li.dataset.me = "";
		return li;
	}));
}

// Steering: towards the pointer while it is held, or as the arrow keys say.

const arrows = {
	ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
	w: [0, -1], s: [0, 1], a: [-1, 0], d: [1, 0],
};

function wish() {
	let x = 0;
	let y = 0;
	for (const key of steer.keys) {
		x += arrows[key][0];
		y += arrows[key][1];
	}
	if (x || y) return { angle: Math.atan2(y, x), force: 1 };
	if (!steer.pointer) return null;
	const to = painter.toPond(steer.pointer.x, steer.pointer.y);
	const far = Math.hypot(to.x - me.x, to.y - me.y);
	return { angle: Math.atan2(to.y - me.y, to.x - me.x), force: clip((far - 20) / 160, 0, 1) };
}

const pond = $("pond");
const point = (e) => { steer.pointer = { x: e.clientX, y: e.clientY }; };
pond.addEventListener("pointerdown", (e) => {
	if (e.button !== 0) return;
	try { pond.setPointerCapture(e.pointerId); } catch { /* a made-up event */ }
	point(e);
	pond.focus({ preventScroll: true });
	begun();
});
pond.addEventListener("pointermove", (e) => { if (steer.pointer) point(e); });
for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
	pond.addEventListener(name, () => { steer.pointer = null; });
}
pond.addEventListener("contextmenu", (e) => e.preventDefault());

const keyOf = (e) => (e.key.length === 1 ? e.key.toLowerCase() : e.key);
addEventListener("keydown", (e) => {
	if (e.target instanceof HTMLInputElement) {
		if (e.key === "Escape") pond.focus();
		return;
	}
	if (e.ctrlKey || e.metaKey || e.altKey) return;
	const key = keyOf(e);
	if (arrows[key]) {
		e.preventDefault();
		steer.keys.add(key);
		begun();
	} else if (key === "Enter" && !(e.target instanceof HTMLButtonElement)) {
		e.preventDefault();
		$("text").focus();
	}
});
addEventListener("keyup", (e) => steer.keys.delete(keyOf(e)));
addEventListener("blur", () => { steer.keys.clear(); steer.pointer = null; });
const begun = () => $("hint").classList.add("done");

// Speaking.

$("name").value = me.name;
$("name").onchange = () => {
	me.name = $("name").value.trim() || me.name;
	$("name").value = me.name;
	store.set("todpole.name", me.name);
	list();
};
$("name").onkeydown = (e) => {
	if (e.key === "Enter") { e.preventDefault(); $("name").onchange(); pond.focus(); }
};
$("composer").onsubmit = (e) => {
	e.preventDefault();
	const text = $("text").value.trim();
	if (text && !socket.send({ type: "message", message: text })) return; // it stays there
	if (text) me.say(text, performance.now());
	$("text").value = "";
	pond.focus();
};
$("retry").onclick = () => socket.retry();

// The frames. Nothing is drawn while nobody looks.

let last = performance.now();
function frame(now) {
	const dt = Math.min(0.1, (now - last) / 1000);
	last = now;
	me.swim(wish(), dt, now);
	for (const t of others.values()) t.follow(dt, now);
	report(now, false);
	painter.draw(now, dt);
	requestAnimationFrame(frame);
}

setInterval(() => {
	const now = performance.now();
	for (const [id, t] of others) {
		if (t.gone() || now - t.heardAt > forgetAfter) others.delete(id);
	}
	if (document.hidden) report(now, false);
	list();
}, 1_000);

socket.start();
list();
requestAnimationFrame(frame);
