// What the page looks like. All text of others becomes text nodes, never markup.

const $ = (id) => document.getElementById(id);
const longest = 1000; // characters of a message
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const link = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]]/g;

// make returns an element with children, texts or elements.
function make(tag, attributes = {}, ...children) {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value !== null && value !== undefined) e.setAttribute(name, value);
	}
	e.append(...children);
	return e;
}

// hue is a colour of a person, the same on every screen.
function hue(uid) {
	let h = 7;
	for (const c of uid) h = (h * 31 + c.codePointAt(0)) % 65521;
	return (h * 137.5) % 360;
}

function paint(face, uid, name) {
	face.textContent = ([...name][0] ?? "?").toUpperCase();
	face.style.setProperty("--hue", hue(uid));
	return face;
}

const face = (uid, name) => paint(make("span", { class: "face", "aria-hidden": "true" }), uid, name);

// withLinks turns the addresses in a text into links.
function withLinks(text) {
	const parts = [];
	let from = 0;
	for (const found of text.matchAll(link)) {
		parts.push(text.slice(from, found.index), make("a", {
			href: found[0], target: "_blank", rel: "noopener noreferrer nofollow",
		}, found[0]));
		from = found.index + found[0].length;
	}
	return [...parts, text.slice(from)];
}

export class View {
	constructor(state, act) {
		this.state_ = state;
		this.act = act;
		this.drafts = new Map();
		this.listen();
	}

	listen() {
		const { act } = this;
		$("composer").onsubmit = (e) => { e.preventDefault(); this.submit(); };
		$("text").onkeydown = (e) => {
			if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); this.submit(); }
		};
		$("text").oninput = () => this.fit();
		$("messages").onscroll = () => this.scrolled();
		$("newest").onclick = () => this.toEnd("smooth");
		$("retry").onclick = () => (document.body.dataset.state === "displaced" ? location.reload() : act.retry());
		$("me").onclick = () => this.hello();
		$("open-side").onclick = () => this.side(true);
		$("close-side").onclick = $("shade").onclick = () => this.side(false);
		$("add-room").onsubmit = (e) => {
			e.preventDefault();
			act.enter($("room-name").value.replace(/^#/, ""));
			$("room-name").value = "";
		};
		$("hello-form").onsubmit = (e) => {
			if (!$("nick").value.trim()) { e.preventDefault(); $("nick").value = ""; return; }
			act.rename($("nick").value);
		};
		$("hello").oncancel = (e) => {
			if (!this.state_.name || this.state_.refused) e.preventDefault(); // it needs an answer
		};
		$("hello").onclose = () => $("text").focus();
		document.addEventListener("keydown", (e) => {
			if (e.key === "Escape" && !$("hello").open) this.side(false);
		});
		new ResizeObserver(() => { if (this.stuck) this.toEnd(); }).observe($("messages"));
		this.stuck = true;
	}

	// Connection.

	state(name, seconds) {
		document.body.dataset.state = name;
		const says = {
			connecting: "Connecting…", online: "Connected",
			waiting: "Reconnecting", displaced: "Open in another tab",
		};
		const text = $("state-text");
		if (text.textContent !== says[name]) text.textContent = says[name];
		$("wait").textContent = name === "waiting" ? `in ${seconds} s` : ""; // not to be read out
		$("retry").hidden = name !== "waiting" && name !== "displaced";
		$("retry").textContent = name === "displaced" ? "Use it here" : "Try now";
		$("send").disabled = name !== "online";
	}

	hello(why = "") {
		$("nick").value = this.state_.name;
		$("nick-trouble").textContent = why;
		if (!$("hello").open) $("hello").showModal();
		$("nick").select();
	}

	trouble(text) {
		$("trouble").textContent = text;
		clearTimeout(this.forget);
		this.forget = setTimeout(() => { $("trouble").textContent = ""; }, 6000);
	}

	// The lists.

	side(open) {
		document.body.classList.toggle("side-open", open);
		$("open-side").setAttribute("aria-expanded", open);
		if (open) $("close-side").focus();
	}

	item(id, label, mark, extra) {
		const { unread } = this.act.talk(id);
		const b = make("button", {
			type: "button", "data-talk": id, "aria-current": id === this.state_.open ? "true" : null, ...extra,
		}, mark, make("span", { class: "label" }, label));
		if (unread) {
			b.append(make("span", { class: "badge" }, unread > 99 ? "99+" : String(unread),
				make("span", { class: "hidden" }, " unread")));
		}
		return make("li", {}, b);
	}

	// fill replaces a list and keeps the focus where it is.
	fill(list, items) {
		const focused = list.contains(document.activeElement) ? document.activeElement.dataset.talk : null;
		list.replaceChildren(...items);
		if (focused) list.querySelector(`[data-talk="${CSS.escape(focused)}"]`)?.focus();
	}

	rooms() {
		this.fill($("rooms"), this.act.rooms().map((room) => {
			const li = this.item("#" + room, room, make("span", { class: "hash", "aria-hidden": "true" }, "#"));
			li.firstChild.onclick = () => { this.act.enter(room); this.side(false); };
			return li;
		}));
	}

	people() {
		const { users, uid: own, known, talks, count } = this.state_;
		const person = ([uid, name]) => {
			const li = this.item("@" + uid, name, face(uid, name), {
				"data-uid": uid, disabled: uid === own ? "" : null,
				title: uid === own ? null : `Talk to ${name} alone`,
			});
			if (uid === own) li.firstChild.append(make("span", { class: "soft" }, "you"));
			li.firstChild.onclick = () => { this.act.open("@" + uid); this.side(false); };
			return li;
		};
		const order = [...users].sort((a, b) => (b[0] === own) - (a[0] === own) || a[1].localeCompare(b[1]));
		this.fill($("people"), order.map(person));
		$("people-count").textContent = count ? String(count) : "";
		const away = [...talks.keys()].filter((id) => id[0] === "@" && !users.has(id.slice(1)) &&
			talks.get(id).messages.length > 0);
		this.fill($("left"), away.map((id) => person([id.slice(1), known.get(id.slice(1)) ?? "somebody"])));
		$("left-part").hidden = away.length === 0;
	}

	badges() {
		this.rooms();
		this.people();
		let all = 0;
		let elsewhere = 0;
		for (const [id, { unread }] of this.state_.talks) {
			all += unread;
			if (id !== this.state_.open) elsewhere += unread;
		}
		$("elsewhere").hidden = elsewhere === 0;
		$("elsewhere").textContent = elsewhere > 99 ? "99+" : String(elsewhere);
		document.title = (all ? `(${all}) ` : "") + this.title() + " · Chat";
		$("newest").classList.toggle("news", this.act.talk(this.state_.open).unread > 0);
	}

	me() {
		const { uid, name } = this.state_;
		paint($("me").querySelector(".face"), uid, name);
		$("me").querySelector(".name").textContent = name || "…";
	}

	// The conversation.

	title() {
		const { open, known } = this.state_;
		return open[0] === "#" ? open : known.get(open.slice(1)) ?? "somebody";
	}

	place() {
		const { open, users, count } = this.state_;
		const title = this.title();
		$("place").textContent = title;
		if (open[0] === "#") $("about").textContent = count === 0 ? "\u00a0" : count === 1 ? "Only you are here" : `${count} people`;
		else $("about").textContent = users.has(open.slice(1)) ? "Only the two of you see this" : "Not in this room now";
		$("text").placeholder = open[0] === "#" ? `Message to ${title}` : `Message to ${title} alone`;
		document.body.dataset.kind = open[0] === "#" ? "room" : "person";
		this.me();
	}

	// show brings another conversation to the screen.
	show() {
		const { open } = this.state_;
		if (this.shown !== undefined) this.drafts.set(this.shown, $("text").value);
		this.shown = open;
		$("text").value = this.drafts.get(open) ?? "";
		this.fit();
		const { messages, mark, unread } = this.act.talk(open);
		const rows = [];
		messages.forEach((m, i) => {
			if (unread && i === mark) rows.push(make("div", { class: "new", role: "separator" }, "New"));
			rows.push(this.row(m));
		});
		$("messages").replaceChildren(...rows);
		this.toEnd();
		this.badges();
		this.place();
		this.empty();
		if (!matchMedia("(pointer: coarse)").matches && !$("hello").open) $("text").focus();
	}

	empty() {
		const box = $("messages");
		const is = box.childElementCount === 0;
		box.dataset.empty = !is ? "" : this.state_.open[0] === "#" ?
			"Nothing has been said since you came. Say hello!" : "What you write here, only the two of you see.";
	}

	row(m) {
		const at = new Date(m.at);
		const time = make("time", { datetime: at.toISOString(), title: at.toLocaleString() }, clock.format(at));
		if (m.kind === "event") return make("p", { class: "event" }, m.content, " ", time);
		if (m.kind === "notice") {
			return make("p", { class: "notice" },
				make("strong", {}, m.name || "Notice"), " ", ...withLinks(m.content), " ", time);
		}
		const bubble = make("div", { class: "bubble" }, ...withLinks(m.content));
		const head = make("p", { class: "head" }, make("span", { class: "name" }, m.mine ? "You" : m.name), " ", time);
		head.style.setProperty("--hue", hue(m.uid));
		return make("article", {
			class: ["say", m.mine && "mine", m.follows && "follows"].filter(Boolean).join(" "),
			"data-from": m.name,
		}, face(m.uid, m.name), make("div", { class: "body" }, head, bubble));
	}

	append(m, dropped) {
		const box = $("messages");
		const stuck = this.atEnd();
		if (dropped) box.firstElementChild?.remove();
		box.append(this.row(m));
		this.empty();
		if (stuck || m.mine) this.toEnd();
		else $("newest").hidden = false;
	}

	// Scrolling.

	atEnd() {
		const box = $("messages");
		return box.scrollHeight - box.scrollTop - box.clientHeight < 60;
	}

	toEnd(behavior = "instant") {
		const box = $("messages");
		box.scrollTo({ top: box.scrollHeight, behavior });
		this.stuck = true;
		$("newest").hidden = true;
	}

	scrolled() {
		this.stuck = this.atEnd();
		$("newest").hidden = this.stuck;
		if (this.stuck && !document.hidden) this.act.read();
	}

	// Writing.

	fit() {
		const box = $("text");
		box.style.height = "auto";
		box.style.height = Math.min(box.scrollHeight, 160) + "px";
		const over = longest - [...box.value.trim()].length;
		$("left-over").textContent = over < 100 ? String(over) : "";
		$("left-over").classList.toggle("over", over < 0);
	}

	submit() {
		const text = $("text").value.trim();
		if (!text || [...text].length > longest) return;
		if (!this.act.say(text)) return this.trouble("Not connected: your message stays here until we are.");
		$("text").value = "";
		this.drafts.delete(this.state_.open);
		this.fit();
	}
}
