'use strict';
const show = (id, text) => { document.getElementById(id).textContent = text; };

show('script', 'run');
fetch('/count').then((answer) => answer.text()).then((count) => show('count', count));

// listen shows what an event stream says, and how often it was opened.
function listen(url) {
  let opened = 0;
  window.source = new EventSource(url);
  source.onopen = () => show('opened', String(++opened));
  source.addEventListener('tick', (event) => {
    const line = document.createElement('li');
    line.textContent = `${event.lastEventId}: ${event.data}`;
    document.getElementById('events').append(line);
  });
}

// speak sends a message to a websocket and returns what comes back.
function speak(url, message) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send(message);
    socket.onmessage = (event) => { resolve(event.data); socket.close(); };
    socket.onerror = () => reject(new Error(`no websocket at ${url}`));
  });
}
