// Pictures that are drawn once and then shown many times.

// shine is what is around a tadpole; a shadow would cost more in each frame.
export function shine() {
	return layer((g) => {
		const fill = g.createRadialGradient(64, 64, 10, 64, 64, 64);
		fill.addColorStop(0, "rgb(200 255 235 / .5)");
		fill.addColorStop(1, "rgb(200 255 235 / 0)");
		g.fillStyle = fill;
		g.fillRect(0, 0, 128, 128);
	}, 128, 128);
}

// beam is a ray of light, with soft edges.
export function beam() {
	return layer((g) => {
		const fill = g.createLinearGradient(0, 0, 0, 225);
		fill.addColorStop(0, "rgb(205 255 240 / .17)");
		fill.addColorStop(1, "rgb(205 255 240 / 0)");
		g.fillStyle = fill;
		g.globalAlpha = 0.125;
		for (let i = 0; i < 16; i++) g.fillRect(i * 0.85, 0, 50 - i * 1.7, 225);
	}, 50, 225);
}

// pebble is a stone on the ground, with the light from above.
export function pebble() {
	return layer((g) => {
		const fill = g.createRadialGradient(52, 46, 4, 64, 64, 62);
		fill.addColorStop(0, "#4b8a93");
		fill.addColorStop(0.55, "#2f6772");
		fill.addColorStop(0.92, "#1a4753");
		fill.addColorStop(1, "rgb(14 60 74 / 0)");
		g.fillStyle = fill;
		g.fillRect(0, 0, 128, 128);
	}, 128, 128);
}

// layer is a picture that is drawn once.
function layer(paint, w, h) {
	const c = document.createElement("canvas");
	c.width = w;
	c.height = h;
	paint(c.getContext("2d"));
	return c;
}
