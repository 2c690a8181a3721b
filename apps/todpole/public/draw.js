// A frame of the pond, on two canvases: below the water with its light, which is soft
// and slow and so drawn small and seldom; above it what swims and floats.

import { beam, pebble, shine } from "./sprites.js";
import { radius } from "./tadpole.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const font = 'system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const lineWidth = 190; // of what is said
const coarse = 4; // pixels of the window for one of the water
const shineEvery = 80; // ms

// chance gives the same numbers on every screen: the pond is one place.
function chance(seed) {
	let s = seed;
	return () => (s = (s * 16807) % 2147483647) / 2147483647;
}

export class Painter {
	constructor(canvas, depth, me, others) {
		this.canvas = canvas;
		this.g = canvas.getContext("2d");
		this.depth = depth;
		this.deep = depth.getContext("2d", { alpha: false });
		this.me = me;
		this.others = others;
		this.eye = { x: me.x, y: me.y };
		this.glow = shine();
		this.ray = beam();
		this.stone = pebble();
		this.furnish();
		this.resize();
		addEventListener("resize", () => this.resize());
	}

	// furnish puts plants, stones and floating dust into the pond.
	furnish() {
		const r = chance(7);
		const spot = (most) => {
			const angle = r() * 2 * Math.PI;
			const far = Math.sqrt(r()) * most;
			return { x: Math.cos(angle) * far, y: Math.sin(angle) * far };
		};
		this.pads = Array.from({ length: 26 }, () => ({
			...spot(radius * 0.96), size: 34 + r() * 52, turn: r() * 7, hue: 128 + r() * 40, flower: r() < 0.3,
		}));
		this.stones = Array.from({ length: 60 }, () => ({
			...spot(radius), size: 14 + r() * 46, turn: r() * 7, flat: 0.6 + r() * 0.3, light: 0.5 + r() * 0.4,
		}));
		this.dust = Array.from({ length: 130 }, () => ({
			x: r() * 2000, y: r() * 2000, z: 0.45 + r() * 0.75, size: 0.6 + r() * 1.6,
		}));
		this.bubbles = Array.from({ length: 22 }, () => ({
			x: r() * 2000, y: r() * 2000, v: 14 + r() * 26, size: 2 + r() * 5, sway: r() * 7,
		}));
		this.shore = Array.from({ length: 96 }, () => ({ out: r() * 26, size: 26 + r() * 34, light: 17 + r() * 10, turn: r() * 7 }));
	}

	resize() {
		const dense = Math.min(2, devicePixelRatio || 1);
		this.w = innerWidth;
		this.h = innerHeight;
		this.canvas.width = Math.round(this.w * dense);
		this.canvas.height = Math.round(this.h * dense);
		this.dense = dense;
		this.zoom = Math.min(1.5, Math.max(0.75, Math.min(this.w, this.h) / 640));
		this.depth.width = Math.ceil(this.w / coarse);
		this.depth.height = Math.ceil(this.h / coarse);
		this.shoneAt = 0;
	}

	// toPond turns a point of the window into one of the pond.
	toPond(x, y) {
		return { x: (x - this.w / 2) / this.zoom + this.eye.x, y: (y - this.h / 2) / this.zoom + this.eye.y };
	}

	visible(x, y, around) {
		return Math.abs(x - this.eye.x) * this.zoom < this.w / 2 + around &&
			Math.abs(y - this.eye.y) * this.zoom < this.h / 2 + around;
	}

	draw(now, dt) {
		const { g, me, eye } = this;
		const near = 1 - Math.exp(-4 * dt);
		eye.x += (me.x - eye.x) * near;
		eye.y += (me.y - eye.y) * near;
		if (now - this.shoneAt > shineEvery) {
			this.shoneAt = now;
			this.water(calm.matches ? 0 : now / 1000);
		}
		g.setTransform(this.dense, 0, 0, this.dense, 0, 0);
		g.clearRect(0, 0, this.w, this.h);
		g.save();
		g.translate(this.w / 2, this.h / 2);
		g.scale(this.zoom, this.zoom);
		g.translate(-eye.x, -eye.y);
		this.ground();
		g.restore();
		this.floating(now, dt);
		g.save();
		g.translate(this.w / 2, this.h / 2);
		g.scale(this.zoom, this.zoom);
		g.translate(-eye.x, -eye.y);
		const all = [...this.others.values(), me].filter((t) => this.visible(t.x, t.y, 160));
		for (const t of all) this.tadpole(t, now);
		this.plants(now);
		for (const t of all) this.speech(t, now);
		g.restore();
		for (const t of this.others.values()) this.pointer(t);
	}

	ground() {
		const { g } = this;
		for (const s of this.stones) {
			if (!this.visible(s.x, s.y, 90)) continue;
			g.save();
			g.translate(s.x, s.y);
			g.rotate(s.turn);
			g.globalAlpha = s.light;
			g.drawImage(this.stone, -s.size, -s.size * s.flat, s.size * 2, s.size * 2 * s.flat);
			g.restore();
		}
		if (Math.hypot(this.eye.x, this.eye.y) + Math.hypot(this.w, this.h) / this.zoom / 2 < radius) return;
		g.strokeStyle = "#123b33";
		g.lineWidth = 900;
		g.beginPath();
		g.arc(0, 0, radius + 460, 0, 7);
		g.stroke();
		this.shore.forEach((s, i) => {
			const angle = (i / this.shore.length) * 2 * Math.PI;
			const x = Math.cos(angle) * (radius + s.out);
			const y = Math.sin(angle) * (radius + s.out);
			if (!this.visible(x, y, 120)) return;
			g.fillStyle = `hsl(165 22% ${s.light}%)`;
			g.beginPath();
			g.ellipse(x, y, s.size * 1.3, s.size, s.turn, 0, 7);
			g.fill();
		});
	}

	// water is the deep, and the light that falls through it, slowly moving.
	water(t) {
		const g = this.deep;
		const { width: w, height: h } = this.depth;
		const fill = g.createRadialGradient(w / 2, h * 0.3, 0, w / 2, h / 2, Math.hypot(w, h) * 0.6);
		fill.addColorStop(0, "#1b8c96");
		fill.addColorStop(0.45, "#0e6377");
		fill.addColorStop(1, "#06303f");
		g.setTransform(1, 0, 0, 1, 0, 0);
		g.globalAlpha = 1;
		g.globalCompositeOperation = "source-over";
		g.fillStyle = fill;
		g.fillRect(0, 0, w, h);
		g.globalCompositeOperation = "lighter";
		for (let i = 0; i < 6; i++) {
			const x = (i * 0.19 + 0.06 + Math.sin(t * 0.11 + i * 2.1) * 0.045) * w - (this.eye.x * 0.06) / coarse;
			g.globalAlpha = 0.45 + 0.4 * Math.sin(t * 0.5 + i * 1.7);
			g.setTransform(1, 0, -0.34, 1, x + w * 0.16, -5);
			g.drawImage(this.ray, 0, 0, w * (0.09 + (i % 3) * 0.035), h * 1.15);
		}
	}

	// floating dust shows that one moves; bubbles rise.
	floating(now, dt) {
		const { g, eye, w, h } = this;
		const wrap = (v, size) => ((v % size) + size) % size;
		g.fillStyle = "#c9fff0";
		for (const d of this.dust) {
			const x = wrap(d.x - eye.x * d.z * this.zoom, 2000) - 100;
			const y = wrap(d.y - eye.y * d.z * this.zoom, 2000) - 100;
			if (x > w || y > h) continue;
			g.globalAlpha = 0.16 * d.z;
			g.fillRect(x, y, d.size * 1.6, d.size * 1.6);
		}
		g.globalAlpha = 1;
		g.lineWidth = 1;
		for (const b of this.bubbles) {
			if (!calm.matches) b.y -= b.v * dt;
			const x = wrap(b.x + Math.sin(now / 900 + b.sway) * 6 - eye.x * this.zoom, 2000) - 100;
			const y = wrap(b.y - eye.y * this.zoom, 2000) - 100;
			if (x > w || y > h) continue;
			g.strokeStyle = "rgb(214 255 246 / .38)";
			g.fillStyle = "rgb(214 255 246 / .09)";
			g.beginPath();
			g.arc(x, y, b.size, 0, 7);
			g.fill();
			g.stroke();
			g.fillStyle = "rgb(255 255 255 / .5)";
			g.fillRect(x - b.size * 0.4, y - b.size * 0.5, 1.5, 1.5);
		}
	}

	// plants float above the tadpoles.
	plants(now) {
		const { g } = this;
		for (const p of this.pads) {
			if (!this.visible(p.x, p.y, 140)) continue;
			const sway = calm.matches ? 0 : Math.sin(now / 2600 + p.turn) * 0.05;
			g.fillStyle = "rgb(0 25 32 / .25)";
			g.beginPath();
			g.arc(p.x + 9, p.y + 13, p.size, 0.28 + p.turn + sway, 6 + p.turn + sway);
			g.lineTo(p.x + 9, p.y + 13);
			g.fill();
			g.save();
			g.translate(p.x, p.y);
			g.rotate(p.turn + sway);
			g.fillStyle = `hsl(${p.hue} 42% 34% / .94)`;
			g.beginPath();
			g.arc(0, 0, p.size, 0.28, 6);
			g.lineTo(0, 0);
			g.fill();
			g.strokeStyle = `hsl(${p.hue} 45% 45% / .6)`;
			g.lineWidth = 1.4;
			g.beginPath();
			for (let a = 0.7; a < 5.9; a += 0.72) {
				g.moveTo(0, 0);
				g.lineTo(Math.cos(a) * p.size * 0.86, Math.sin(a) * p.size * 0.86);
			}
			g.stroke();
			if (p.flower) this.flower(p.size * 0.34);
			g.restore();
		}
	}

	flower(size) {
		const { g } = this;
		for (let ring = 0; ring < 2; ring++) {
			g.fillStyle = ring ? "#ffd9ea" : "#f7a9cd";
			for (let i = 0; i < 7; i++) {
				g.beginPath();
				g.ellipse(0, 0, size * (1 - ring * 0.35), size * 0.24, (i / 7) * 2 * Math.PI + ring * 0.4, -1.5, 1.5);
				g.fill();
			}
		}
		g.fillStyle = "#ffd75e";
		g.beginPath();
		g.arc(0, 0, size * 0.26, 0, 7);
		g.fill();
	}

	tadpole(t, now) {
		const { g } = this;
		const own = t === this.me;
		g.globalAlpha = t.seen;
		const body = `hsl(${t.hue} 72% 74%)`;
		const side = { x: -Math.sin(t.angle), y: Math.cos(t.angle) };
		// The tail is one shape, thinner at each bone.
		g.fillStyle = `hsl(${t.hue} 62% 66% / .85)`;
		g.beginPath();
		const edge = [];
		t.tail.forEach((p, i) => {
			const next = t.tail[Math.min(i + 1, t.tail.length - 1)];
			const before = t.tail[Math.max(i - 1, 0)];
			const a = Math.atan2(next.y - before.y, next.x - before.x) + Math.PI / 2;
			const half = 6.2 * (1 - i / (t.tail.length - 1)) ** 0.8;
			edge.push([p.x + Math.cos(a) * half, p.y + Math.sin(a) * half, p.x - Math.cos(a) * half, p.y - Math.sin(a) * half]);
		});
		edge.forEach((e, i) => (i ? g.lineTo(e[0], e[1]) : g.moveTo(e[0], e[1])));
		edge.reverse().forEach((e) => g.lineTo(e[2], e[3]));
		g.fill();
		const halo = own ? 44 : 32;
		g.drawImage(this.glow, t.x - halo, t.y - halo, halo * 2, halo * 2);
		g.fillStyle = body;
		g.beginPath();
		g.ellipse(t.x, t.y, 14, 11.5, t.angle, 0, 7);
		g.fill();
		g.fillStyle = "rgb(255 255 255 / .35)";
		g.beginPath();
		g.ellipse(t.x - Math.cos(t.angle) * 4, t.y - Math.sin(t.angle) * 4, 6, 4, t.angle, 0, 7);
		g.fill();
		const shut = Math.sin(now / 1700 + t.hue) > 0.995; // it blinks
		for (const s of [-1, 1]) {
			const x = t.x + Math.cos(t.angle) * 7 + side.x * 5.6 * s;
			const y = t.y + Math.sin(t.angle) * 7 + side.y * 5.6 * s;
			g.fillStyle = "#fff";
			g.beginPath();
			g.ellipse(x, y, 3.6, shut ? 0.8 : 3.6, t.angle, 0, 7);
			g.fill();
			if (shut) continue;
			g.fillStyle = "#0a2a33";
			g.beginPath();
			g.arc(x + Math.cos(t.angle) * 1.1, y + Math.sin(t.angle) * 1.1, 2, 0, 7);
			g.fill();
		}
		g.font = `600 12.5px ${font}`;
		g.textAlign = "center";
		g.fillStyle = own ? "#d4ffee" : "rgb(226 250 246 / .85)";
		g.strokeStyle = "rgb(3 34 45 / .55)";
		g.lineWidth = 3;
		g.lineJoin = "round";
		g.strokeText(t.name, t.x, t.y + 36);
		g.fillText(t.name, t.x, t.y + 36);
		g.globalAlpha = 1;
	}

	// speech is what a tadpole has said, the newest lowest.
	speech(t, now) {
		const { g } = this;
		let bottom = t.y - 26;
		g.font = `14px ${font}`;
		g.textAlign = "left";
		for (let i = t.words.length - 1; i >= 0; i--) {
			const said = t.words[i];
			said.lines ??= this.lines(said.text);
			const age = now - said.at;
			const w = Math.max(...said.lines.map((l) => l.width)) + 24;
			const h = said.lines.length * 18 + 14;
			const rise = 1 - Math.exp(-age / 70);
			g.globalAlpha = Math.max(0, Math.min(rise, (said.stay - age) / 600)) * t.seen;
			g.fillStyle = "rgb(240 255 250 / .95)";
			g.beginPath();
			g.roundRect(t.x - w / 2, bottom - h, w, h, 13);
			if (i === t.words.length - 1) {
				g.moveTo(t.x + 6, bottom - 1); // the way the rectangle turns
				g.lineTo(t.x, bottom + 7);
				g.lineTo(t.x - 6, bottom - 1);
			}
			g.fill();
			g.fillStyle = "#08323d";
			said.lines.forEach((l, n) => g.fillText(l.text, t.x - w / 2 + 12, bottom - h + 20 + n * 18));
			bottom -= h + 6;
		}
		g.globalAlpha = 1;
	}

	// lines breaks a text where it may be broken, and long words anywhere.
	lines(text) {
		const { g } = this;
		const out = [];
		let line = "";
		for (const word of text.split(" ")) {
			let rest = word;
			while (g.measureText(rest).width > lineWidth) {
				let n = rest.length;
				while (n > 1 && g.measureText(rest.slice(0, n)).width > lineWidth) n--;
				if (line) out.push(line);
				out.push(rest.slice(0, n));
				line = "";
				rest = rest.slice(n);
			}
			const longer = line ? `${line} ${rest}` : rest;
			if (g.measureText(longer).width > lineWidth) {
				out.push(line);
				line = rest;
			} else line = longer;
		}
		out.push(line);
		return out.map((l) => ({ text: l, width: g.measureText(l).width }));
	}

	// pointer shows at the edge of the window where somebody swims outside.
	pointer(t) {
		if (t.leaving || this.visible(t.x, t.y, 10)) return;
		const { g } = this;
		const angle = Math.atan2(t.y - this.eye.y, t.x - this.eye.x);
		const halfW = this.w / 2 - 22;
		const halfH = this.h / 2 - 22;
		const out = Math.min(halfW / Math.abs(Math.cos(angle) || 1e-9), halfH / Math.abs(Math.sin(angle) || 1e-9));
		g.save();
		g.translate(this.w / 2 + Math.cos(angle) * out, this.h / 2 + Math.sin(angle) * out);
		g.rotate(angle);
		g.globalAlpha = 0.85 * t.seen;
		g.fillStyle = `hsl(${t.hue} 72% 74%)`;
		g.beginPath();
		g.moveTo(9, 0);
		g.lineTo(-6, -7);
		g.lineTo(-3, 0);
		g.lineTo(-6, 7);
		g.fill();
		g.restore();
	}
}
