// The state of the chat: who is here, what was said where, what is not read yet. What
// it looks like is in view.js. Conversations are called "#room" and "@uid".

import { Socket, find } from "./socket.js";
import { View } from "./view.js";

const most = 300; // messages that are kept of a conversation
const together = 5 * 60_000; // messages of one speaker stand together for so long
const firstRooms = ["lobby", "garden", "workshop"];

const store = {
	get(where, key) { try { return where.getItem(key); } catch { return null; } },
	set(where, key, value) { try { where.setItem(key, value); } catch { /* private mode */ } },
};

// key makes this tab the same person after a break. Nobody else gets to see it.
function secret() {
	let key = store.get(sessionStorage, "chat.key");
	if (!key) {
		key = Array.from(crypto.getRandomValues(new Uint8Array(16)),
			(b) => b.toString(16).padStart(2, "0")).join("");
		store.set(sessionStorage, "chat.key", key);
	}
	return key;
}

const state = {
	key: secret(),
	uid: "",
	name: store.get(localStorage, "chat.name") ?? "",
	room: roomOfAddress() || "lobby",
	users: new Map(), // uid -> name, of the room
	count: 0,
	known: new Map(), // uid -> name, of everybody ever seen
	talks: new Map(), // conversation -> {messages, unread, mark}
	open: "", // the conversation on the screen
	asked: null, // events since a list was asked for
	refused: false, // the name was
};
state.open = "#" + state.room;
let rooms = [...new Set([...firstRooms, state.room])];

function roomOfAddress() {
	try { return decodeURIComponent(location.hash.slice(1)).trim().slice(0, 20); } catch { return ""; }
}

function talk(id) {
	if (!state.talks.has(id)) state.talks.set(id, { messages: [], unread: 0, mark: -1 });
	return state.talks.get(id);
}

const view = new View(state, {
	say, open, enter, rename,
	retry: () => socket.retry(),
	read: () => seen(),
	talk,
	rooms: () => rooms,
});

const socket = new Socket(find, {
	open: login,
	message: (m) => handlers[m.type]?.(m),
	plain: (text) => note("#" + state.room, { kind: "notice", name: "", content: text }),
	state(name, seconds) {
		if (name !== "online") state.asked = null;
		view.state(name, seconds);
	},
});

function login() {
	state.asked = [];
	socket.send({ type: "login", name: state.name, room_id: state.room, key: state.key });
}

const handlers = {
	user_list(m) {
		state.uid = m.uid;
		state.count = m.count;
		state.users = new Map(m.user_list.map((u) => [u.uid, u.name]));
		for (const [uid, name] of state.users) state.known.set(uid, name);
		// What came between the question and this answer may not be in it.
		for (const m of state.asked ?? []) (m.type === "login" ? arrive : depart)(m);
		state.asked = null;
		socket.settled();
		view.people();
		view.place();
	},
	login(m) {
		if (m.room_id !== state.room) return;
		state.asked?.push(m);
		const before = state.users.get(m.uid);
		arrive(m);
		if (m.uid === state.uid) {
			store.set(localStorage, "chat.name", m.name);
			view.me();
		} else if (before === undefined) {
			note("#" + state.room, { kind: "event", content: `${m.name} has come in` });
		}
		if (before !== undefined && before !== m.name) {
			note("#" + state.room, { kind: "event", content: `${before} is now ${m.name}` });
		}
		view.people();
		view.place();
	},
	logout(m) {
		if (m.room_id !== state.room || m.uid === state.uid) return;
		state.asked?.push(m);
		if (!state.users.has(m.uid)) return;
		depart(m);
		note("#" + state.room, { kind: "event", content: `${m.name} has left` });
		view.people();
		view.place();
	},
	say(m) {
		state.known.set(m.from_uid, m.from_name);
		const mine = m.from_uid === state.uid;
		const where = m.to_uid === "all" ? "#" + m.room_id : "@" + (mine ? m.to_uid : m.from_uid);
		note(where, { kind: "say", uid: m.from_uid, name: m.from_name, content: m.content, mine });
		if (where[0] === "@") view.people();
	},
	notice(m) {
		note("#" + state.room, { kind: "notice", name: m.name ?? "", content: m.content ?? "" });
	},
	displaced() {
		socket.stop();
		view.state("displaced");
	},
	error(m) {
		if (state.asked) { // it is about the login
			state.asked = null;
			state.refused = true;
			socket.stop();
			return view.hello(m.content);
		}
		if (m.to_uid) {
			state.users.delete(m.to_uid);
			view.people();
		}
		view.trouble(m.content);
	},
};

function arrive(m) {
	if (!state.users.has(m.uid)) state.count = Math.max(state.count + 1, state.users.size + 1);
	state.users.set(m.uid, m.name);
	state.known.set(m.uid, m.name);
	state.count = Math.max(state.count, state.users.size);
}

function depart(m) {
	if (state.users.delete(m.uid)) state.count = Math.max(state.users.size, state.count - 1);
}

// note puts something into a conversation.
function note(where, message) {
	const t = talk(where);
	const last = t.messages.at(-1);
	message.at = Date.now();
	message.follows = message.kind === "say" && last?.kind === "say" && last.uid === message.uid &&
		message.at - last.at < together;
	t.messages.push(message);
	const dropped = t.messages.length > most;
	if (dropped) t.messages.shift();
	const shown = where === state.open && !document.hidden && view.atEnd();
	if (!shown && message.kind !== "event" && !message.mine) {
		if (t.unread++ === 0) t.mark = t.messages.length - 1;
		else if (dropped) t.mark = Math.max(0, t.mark - 1);
	}
	if (where === state.open) view.append(message, dropped);
	view.badges();
}

// seen: what is on the screen has been read.
function seen() {
	const t = talk(state.open);
	if (t.unread === 0) return;
	t.unread = 0;
	view.badges();
}

function open(id) {
	if (id === state.open) return view.place();
	talk(state.open).mark = -1;
	state.open = id;
	view.show();
	seen();
}

// enter goes to a room; the server tells the old one.
function enter(room) {
	room = room.trim().slice(0, 20);
	if (!room) return;
	if (room !== state.room) {
		state.room = room;
		if (!rooms.includes(room)) rooms = [...rooms, room];
		state.users = new Map();
		state.count = 0;
		history.replaceState(null, "", "#" + encodeURIComponent(room));
		if (document.body.dataset.state === "online") login();
		view.people();
	}
	open("#" + room);
	view.rooms();
}

function rename(name) {
	name = name.trim();
	if (!name) return;
	state.name = name;
	state.refused = false;
	view.me();
	if (socket.stopped) socket.start();
	else login();
}

function say(text) {
	const to = state.open[0] === "@" ? state.open.slice(1) : "all";
	return socket.send({ type: "say", to_uid: to, content: text });
}

addEventListener("hashchange", () => enter(roomOfAddress() || "lobby"));
document.addEventListener("visibilitychange", () => {
	if (!document.hidden && view.atEnd()) seen();
});
// Those of a Gateway that has died leave without a word.
setInterval(() => {
	if (document.hidden || document.body.dataset.state !== "online" || state.asked) return;
	state.asked = [];
	socket.send({ type: "user_list" });
}, 60_000);

view.show();
if (state.name) socket.start();
else view.hello();
