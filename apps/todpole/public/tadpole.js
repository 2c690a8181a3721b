// One tadpole: how it swims when it is steered from here, and how it follows what is
// heard of it. Places are those of the pond, whose middle is 0,0; time is in
// milliseconds, dt in seconds.

export const radius = 1500; // of the pond
const fastest = 3; // momentum
const speed = 60; // of the pond in a second, at momentum 1
const bones = 9; // of a tail
const bone = 4.6; // length
const guessFor = 300; // ms that one swims on without being heard

export const clip = (v, low, high) => Math.min(high, Math.max(low, v));

// turn is the shorter way from one angle to another.
function turn(from, to) {
	const d = (to - from) % (2 * Math.PI);
	return d > Math.PI ? d - 2 * Math.PI : d < -Math.PI ? d + 2 * Math.PI : d;
}

export class Tadpole {
	constructor(id) {
		this.id = id;
		this.name = "";
		this.x = this.y = this.angle = this.momentum = 0;
		this.tx = this.ty = this.tangle = 0; // where it should be
		this.heardAt = 0;
		this.leaving = false;
		this.seen = 0; // 0 to 1: it comes and goes slowly
		this.words = []; // {text, at}
		this.beat = Math.random() * 7; // of the tail
		this.tail = Array.from({ length: bones }, () => ({ x: 0, y: 0 }));
		let h = 11; // ids that differ little have colours that differ much
		for (const c of id) h = (h * 33 + c.codePointAt(0)) % 65521;
		this.hue = id ? (h * 137.5) % 360 : 150;
	}

	// place puts it somewhere at once.
	place(m) {
		this.x = this.tx = Number(m.x) || 0;
		this.y = this.ty = Number(m.y) || 0;
		this.angle = this.tangle = Number(m.angle) || 0;
		this.settleTail();
	}

	settleTail() {
		this.tail.forEach((p, i) => {
			p.x = this.x - Math.cos(this.angle) * bone * i;
			p.y = this.y - Math.sin(this.angle) * bone * i;
		});
	}

	// hear takes an update of one that others steer.
	hear(m, now) {
		this.name = String(m.name ?? "").slice(0, 20);
		this.tx = clip(Number(m.x) || 0, -radius, radius);
		this.ty = clip(Number(m.y) || 0, -radius, radius);
		this.tangle = Number(m.angle) || 0;
		this.momentum = clip(Number(m.momentum) || 0, 0, fastest);
		this.heardAt = now;
		if (Math.hypot(this.tx - this.x, this.ty - this.y) > 600) this.place(m);
	}

	// follow swims to where it should be, and on for a moment when nothing is heard.
	follow(dt, now) {
		if (now - this.heardAt < guessFor) {
			this.tx += Math.cos(this.tangle) * this.momentum * speed * dt;
			this.ty += Math.sin(this.tangle) * this.momentum * speed * dt;
		}
		const near = 1 - Math.exp(-9 * dt);
		this.x += (this.tx - this.x) * near;
		this.y += (this.ty - this.y) * near;
		this.angle += turn(this.angle, this.tangle) * near;
		this.live(dt, now);
	}

	// swim is for one's own: wish is an angle and a force of 0 to 1, or null.
	swim(wish, dt, now) {
		if (wish) this.angle += turn(this.angle, wish.angle) * (1 - Math.exp(-7 * dt));
		const want = wish ? wish.force * fastest : 0;
		this.momentum += (want - this.momentum) * (1 - Math.exp(-(want > this.momentum ? 4 : 2.2) * dt));
		if (this.momentum < 0.02) this.momentum = 0;
		this.x += Math.cos(this.angle) * this.momentum * speed * dt;
		this.y += Math.sin(this.angle) * this.momentum * speed * dt;
		const far = Math.hypot(this.x, this.y);
		const shore = radius - 30;
		if (far > shore) {
			this.x *= shore / far;
			this.y *= shore / far;
		}
		this.live(dt, now);
	}

	// live moves the tail, and lets what was said fade.
	live(dt, now) {
		this.seen = clip(this.seen + (this.leaving ? -dt * 2 : dt * 2), 0, 1);
		this.beat += dt * (2.6 + this.momentum * 6.5);
		const [root] = this.tail;
		root.x = this.x - Math.cos(this.angle) * 7;
		root.y = this.y - Math.sin(this.angle) * 7;
		const swing = 0.09 + this.momentum * 0.055;
		let back = this.angle + Math.PI;
		for (let i = 1; i < bones; i++) {
			const before = this.tail[i - 1];
			const p = this.tail[i];
			const lie = Math.atan2(p.y - before.y, p.x - before.x);
			// It follows the bone before it, and bends with the beat.
			const bent = lie + clip(turn(lie, back), -1, 1) * 0.42 + Math.sin(this.beat - i * 0.75) * swing;
			p.x = before.x + Math.cos(bent) * bone;
			p.y = before.y + Math.sin(bent) * bone;
			back = bent;
		}
		if (this.words.length && now - this.words[0].at > this.words[0].stay) this.words.shift();
	}

	say(text, now) {
		this.words.push({ text: text.slice(0, 120), at: now, stay: 5000 + text.length * 60 });
		if (this.words.length > 3) this.words.shift();
	}

	gone() { return this.leaving && this.seen === 0; }
}
