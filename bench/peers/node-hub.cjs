// A plain realvirtual v2 hub in Node: parse each message, keep the values in a Map, every 10 ms send what changed.
// It is what the benchmarks take for "written in an afternoon": no coercion, no limits, no snapshots at one generation.
// Usage: node node-hub.cjs PORT
const { WebSocketServer, WebSocket } = require('ws');

const CYCLE_MS = 10;

const server = new WebSocketServer({ host: '127.0.0.1', port: +process.argv[2], perMessageDeflate: false });
const values = new Map();
const types = new Map();
/** Changed names of this cycle, each with the client that wrote it. */
let changed = new Map();

function write(name, value, writer) {
  if (values.get(name) !== value) {
    values.set(name, value);
    changed.set(name, writer);
  }
}

server.on('connection', (client) => {
  client.on('error', () => {});
  client.on('message', (text) => {
    const message = JSON.parse(text);
    switch (message.type) {
      case 'data':
        for (const name in message.signals) write(name, message.signals[name], client);
        break;
      case 'import_answer':
        for (const name in message.signals) {
          types.set(name, message.signalTypes?.[name]);
          write(name, message.signals[name], client);
        }
        break;
      case 'import_request':
        client.send(
          JSON.stringify({ type: 'import_answer', signals: Object.fromEntries(values), signalTypes: Object.fromEntries(types) }),
        );
        break;
      case 'subscribe': {
        client.view = new Set(message.subscribe || values.keys());
        const signals = {};
        for (const name of client.view) if (values.has(name)) signals[name] = values.get(name);
        client.send(JSON.stringify({ type: 'snapshot', signals }));
        break;
      }
    }
  });
});

setInterval(() => {
  if (changed.size === 0) return;
  const batch = changed;
  changed = new Map();
  const writers = new Set(batch.values());
  const onlyWriter = writers.size === 1 ? [...writers][0] : null;
  // Clients without a view share one text as long as a single client wrote the batch.
  let shared = null;
  for (const client of server.clients) {
    if (client.readyState !== WebSocket.OPEN) continue;
    if (!client.view && onlyWriter) {
      if (client === onlyWriter) continue;
      if (!shared) {
        const signals = {};
        for (const name of batch.keys()) signals[name] = values.get(name);
        shared = JSON.stringify({ type: 'data', signals });
      }
      client.send(shared);
      continue;
    }
    const signals = {};
    let count = 0;
    for (const [name, writer] of batch) {
      if (writer !== client && (!client.view || client.view.has(name))) {
        signals[name] = values.get(name);
        count += 1;
      }
    }
    if (count > 0) client.send(JSON.stringify({ type: 'data', signals }));
  }
}, CYCLE_MS);
